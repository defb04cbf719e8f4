import { Deadline } from "../deadline.ts";
import { LockUnavailableError } from "../errors.ts";
import { delayOrAbort } from "../waiting.ts";
import { tryLimitOf } from "./lease.ts";

/** The pauses between two tries, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;
/** The longest pause as a part of the TTL, so that an outage may last almost as long as the lease allows. */
const PAUSES_PER_TTL = 60;

/** For how long to try. */
export interface Persistence {
  /** The TTL of the lease, in milliseconds: the shorter it is, the more often is tried. */
  readonly ttl: number;
  /** Ends the tries. */
  readonly ended: AbortSignal;
  /** Until when to try; by default until it has ended. */
  readonly deadline?: Deadline;
  /** How many refusals end the tries, of a kind that does not pass by itself; by default none, however many. */
  readonly refusals?: number;
  /** Called with what is wrong after each try. */
  readonly failed?: (why: LockUnavailableError) => void;
}

/**
 * The refusals after which a release is given up: the lock ends with its lease, and whoever waits for sera need not wait as
 * long.
 */
export const RELEASE_REFUSALS = 3;

/**
 * Asks the place of a lock again and again, until it has answered: while the lock lasts, an outage is no loss.
 *
 * @param ask Asks all servers once, each for so many milliseconds at most.
 * @throws {LockUnavailableError} When there was no answer.
 */
export async function untilAnswered<T>(
  ask: (timeout: number) => Promise<T>,
  { ttl, ended, deadline = new Deadline(Infinity), refusals = Infinity, failed }: Persistence,
): Promise<T> {
  const longest = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, ttl / PAUSES_PER_TTL));
  let refused = 0;
  for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, longest)) {
    try {
      return await ask(tryLimitOf(ttl));
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || ended.aborted || deadline.passed) throw error;
      if (!error.transient && ++refused >= refusals) throw error;
      failed?.(error);
    }
    await delayOrAbort(Math.min(pause * (0.5 + Math.random()), deadline.remaining), ended);
  }
}
