import { lockName } from "./lock_name.ts";

/**
 * The name of the internal lock that a run with --replace holds while it waits, so that only one such run waits at a
 * time. `sera status` does not show it.
 *
 * @param lock The name of the lock whose holder is to be replaced.
 */
export function replaceLockName(lock: string): string {
  return lockName(`${lock} replace`);
}

/** The lock is busy, and a later run has taken this one's place as the one that waits. Ends sera like a wait that ran out. */
export class ReplacedError extends Error {
  constructor() {
    super("a later run with --replace waits for it in the place of this one");
  }
}
