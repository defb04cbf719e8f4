import { lockName } from "./lock_name.ts";

/**
 * The name of the lock that those take who want to replace a lock's holder, so that one of them waits for it at a time.
 * It is internal: `sera status` leaves it out.
 *
 * @param lock The name of the lock whose holder is to be replaced.
 */
export function replacersOf(lock: string): string {
  return lockName(`${lock} replace`);
}

/** The lock is busy, and somebody else waits in the place of this one. Ends sera as a wait that ran out. */
export class ReplacedError extends Error {
  constructor() {
    super("a later run with --replace waits for it in the place of this one");
  }
}
