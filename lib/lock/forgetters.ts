import { lockName } from "./lock_name.ts";

/**
 * The name of the internal lock that `sera forget` holds for as long as it holds the lock itself, which it takes without
 * slots. A run with slots that finds the lock held without slots waits for this one: then either the lock is free, or its
 * holder is no `sera forget`. `sera status` does not show it.
 *
 * @param lock The name of the lock whose runs are forgotten.
 */
export function forgetLockName(lock: string): string {
  return lockName(`${lock} forget`);
}
