import { Deadline } from "../deadline.ts";
import { LockUnavailableError } from "../errors.ts";
import { delayOrAbort } from "../waiting.ts";
import { requestTimeoutOf } from "./lease.ts";

/** The first and the longest pause between two attempts, in milliseconds. */
const FIRST_PAUSE = 50;
const MAX_PAUSE = 1000;
/** Limits the pause to this fraction of the TTL, so that little of the lease is lost after an outage. */
const PAUSES_PER_TTL = 60;

/** How long to keep trying. */
export interface Persistence {
  /** The TTL of the lease, in milliseconds: the shorter it is, the shorter the pauses. */
  readonly ttl: number;
  /** Ends the attempts. */
  readonly ended: AbortSignal;
  /** Until when to try; by default until `ended` fires. */
  readonly deadline?: Deadline;
  /** How many errors that are not transient end the attempts; by default any number is retried. */
  readonly refusals?: number;
  /** Called with the error of each failed attempt. */
  readonly failed?: (why: LockUnavailableError) => void;
}

/**
 * After how many errors that are not transient a release is given up. The lock ends with its lease anyway, and sera can
 * exit sooner.
 */
export const RELEASE_REFUSALS = 3;

/**
 * Repeats a request until it is answered: as long as the lease has time left, an outage does no harm.
 *
 * @param ask Asks all servers once, with this timeout in milliseconds for each.
 * @throws {LockUnavailableError} When there was no answer.
 */
export async function untilAnswered<T>(
  ask: (timeout: number) => Promise<T>,
  { ttl, ended, deadline = new Deadline(Infinity), refusals = Infinity, failed }: Persistence,
): Promise<T> {
  const longest = Math.min(MAX_PAUSE, Math.max(FIRST_PAUSE, ttl / PAUSES_PER_TTL));
  let refused = 0;
  for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, longest)) {
    try {
      return await ask(requestTimeoutOf(ttl));
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || ended.aborted || deadline.passed) throw error;
      if (!error.transient && ++refused >= refusals) throw error;
      failed?.(error);
    }
    await delayOrAbort(Math.min(pause * (0.5 + Math.random()), deadline.remaining), ended);
  }
}
