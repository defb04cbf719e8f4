import { Deadline } from "../deadline.ts";
import { delayOrAbort, NEVER, onAbort } from "../waiting.ts";
import { LockUnavailableError } from "../errors.ts";
import { formatDuration } from "../text/duration.ts";

/** How long to wait for a ledger that others keep locked, and the average pause between two attempts, in milliseconds. */
const MAX_WAIT = 10_000;
const PAUSE = 20;

/**
 * How long to wait for a server's answer after a signal, in milliseconds. Longer than the limit that sera sets on any
 * server for waiting on others' locks, so that a locked table does not end the session, and the lock with it.
 */
export const LAST_ANSWER = 2000;

/** What a message says about a wait that a signal has ended; follows what was waited for. */
export const INTERRUPTED = ", and a signal ended the wait";

/** Others have kept the ledger locked for longer than sera waits. */
export class LedgerBusyError extends LockUnavailableError {}

/** How a backend shows that others keep the ledger locked. */
export interface Contention {
  /** Whether an error means that others keep it locked. */
  isBusy(error: unknown): boolean;
  /** The shortest time that an attempt takes to fail because of others, in milliseconds; 0 if not given. */
  readonly shortest?: number;
  /**
   * The error for a wait that was not successful.
   *
   * @param error What the last attempt has thrown.
   * @param how How long sera waited, or what ended the wait; follows what was waited for.
   * @param isInterrupted Whether a signal ended the wait.
   */
  giveUpError(error: unknown, how: string, isInterrupted: boolean): Error;
}

/** How long to wait for a ledger that others keep locked. A signal ends the wait. */
export class Patience {
  readonly #over: AbortSignal;
  readonly #maxWait: number;
  readonly #noAnswer = new AbortController();
  #isExhausted = false;
  #deadline: Deadline | undefined;

  /**
   * @param interrupted Fires when a signal is to end sera and there is no command to pass it on to; absent if no signals
   * are caught.
   * @param maxWait How long to wait for a ledger that others keep locked, in milliseconds.
   */
  constructor(interrupted: AbortSignal = NEVER, maxWait = MAX_WAIT) {
    this.#over = interrupted;
    this.#maxWait = maxWait;
    onAbort(interrupted, () => {
      Deno.unrefTimer(setTimeout(() => this.#noAnswer.abort(interrupted.reason), LAST_ANSWER));
    });
  }

  /** Fires {@linkcode LAST_ANSWER} after a signal; then sera no longer waits for an answer. */
  get noAnswer(): AbortSignal {
    return this.#noAnswer.signal;
  }

  /** From now on waits for others until the deadline at most; undefined removes that limit. */
  limitWait(deadline: Deadline | undefined): void {
    this.#deadline = deadline;
  }

  /**
   * Repeats an attempt while others keep the ledger locked, up to the longest wait. After a wait that was not successful,
   * the next call makes one attempt only.
   *
   * @throws The error from {@linkcode Contention.giveUpError} after such a wait; any other error of an attempt as it is.
   */
  async whileBusy<T>(
    attempt: () => T | Promise<T>,
    { isBusy, giveUpError, shortest = 0 }: Contention,
  ): Promise<T> {
    const longest = Math.min(this.#maxWait, this.#deadline?.remaining ?? Infinity);
    const deadline = new Deadline(longest);
    const began = performance.now();
    for (;;) {
      // Decided before the attempt, so that one more attempt follows the wait. If a deadline has shortened the wait, the
      // attempt that would outlast it is the last.
      const isLast = this.#isExhausted || this.#over.aborted ||
        deadline.remaining <= (longest < this.#maxWait ? shortest : 0);
      try {
        const result = await attempt();
        this.#isExhausted = false;
        return result;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (isLast || this.#over.aborted) {
          this.#isExhausted = true;
          const isInterrupted = this.#over.aborted;
          const waited = Math.min(
            this.#maxWait,
            Math.max(Math.round((performance.now() - began) / 1000), 1) * 1000,
          );
          throw giveUpError(error, isInterrupted ? INTERRUPTED : ` for ${formatDuration(waited)}`, isInterrupted);
        }
      }
      // Random, so that several waiters do not all try at the same moments.
      await delayOrAbort(PAUSE * (0.5 + Math.random()), this.#over);
    }
  }
}
