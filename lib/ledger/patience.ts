import { Deadline } from "../deadline.ts";
import { delayOrAbort, onAbort } from "../waiting.ts";
import { LockUnavailableError } from "../errors.ts";
import { formatDuration } from "../text/duration.ts";

/** How long a ledger is waited for that somebody else keeps locked, and the pause between two tries, in milliseconds. */
const LONGEST_WAIT = 10_000;
const PAUSE = 20;

/**
 * How long a server still has for an answer after a signal, in milliseconds. Longer than any server is told to keep a
 * statement waiting for others' locks, so that a locked table does not cost the session, and the lock with it.
 */
export const LAST_ANSWER = 2000;

/** What is said of a wait that a signal has ended, after what was waited for. */
export const INTERRUPTED = ", and a signal ended the wait";

/** Others have kept the ledger locked for as long as they are waited for. */
export class LedgerBusyError extends LockUnavailableError {}

/** How a place shows that others keep the ledger locked. */
export interface Contention {
  /** Whether an error says that others have to be waited for. */
  isBusy(error: unknown): boolean;
  /** How long a try takes at least that fails since others have to be waited for, in milliseconds; 0 if it is not given. */
  readonly shortest?: number;
  /**
   * The error for a wait in vain.
   *
   * @param error What the last try has thrown.
   * @param how For how long it was tried, or what ended the wait, to follow what was waited for.
   * @param isInterrupted Whether it was a signal.
   */
  inVain(error: unknown, how: string, isInterrupted: boolean): Error;
}

/** How those who wait for a ledger are called off: a signal never waits for one. */
export class Patience {
  readonly #over: AbortSignal;
  readonly #longestWait: number;
  readonly #noAnswer = new AbortController();
  #isExhausted = false;
  #deadline: Deadline | undefined;

  /**
   * @param interrupted Fires at a signal that is to end sera and has no command to go to; absent where none is caught.
   * @param longestWait How long a ledger is waited for that somebody else keeps locked, in milliseconds.
   */
  constructor(interrupted: AbortSignal = new AbortController().signal, longestWait = LONGEST_WAIT) {
    this.#over = interrupted;
    this.#longestWait = longestWait;
    onAbort(interrupted, () => {
      Deno.unrefTimer(setTimeout(() => this.#noAnswer.abort(interrupted.reason), LAST_ANSWER));
    });
  }

  /** Fires {@linkcode LAST_ANSWER} after a signal: then an answer is not waited for any longer. */
  get noAnswer(): AbortSignal {
    return this.#noAnswer.signal;
  }

  /** From now on others are waited for until then at most; undefined takes that back. */
  hurry(deadline: Deadline | undefined): void {
    this.#deadline = deadline;
  }

  /**
   * Tries until it succeeds or fails for good, or has been tried for long enough; what comes after that is tried once.
   *
   * @throws What {@linkcode Contention.inVain} makes of a wait in vain; and what else a try has thrown.
   */
  async whileBusy<T>(
    attempt: () => T | Promise<T>,
    { isBusy, inVain, shortest = 0 }: Contention,
  ): Promise<T> {
    const longest = Math.min(this.#longestWait, this.#deadline?.remaining ?? Infinity);
    const deadline = new Deadline(longest);
    const began = performance.now();
    for (;;) {
      // Before the try, so that there is one after the wait; where there is little time, it is the rest of it.
      const isLast = this.#isExhausted || this.#over.aborted ||
        deadline.remaining <= (longest < this.#longestWait ? shortest : 0);
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
            this.#longestWait,
            Math.max(Math.round((performance.now() - began) / 1000), 1) * 1000,
          );
          throw inVain(error, isInterrupted ? INTERRUPTED : ` for ${formatDuration(waited)}`, isInterrupted);
        }
      }
      // Not all at the same moments.
      await delayOrAbort(PAUSE * (0.5 + Math.random()), this.#over);
    }
  }
}
