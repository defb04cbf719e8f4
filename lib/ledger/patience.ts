import { Deadline, delayOrAbort } from "../deadline.ts";
import { InterruptedError, LockUnavailableError, messageOf } from "../errors.ts";
import type { Session } from "../lock/session.ts";
import type { Store } from "./ledger_table.ts";

/** How long a ledger is waited for that another process keeps locked, and the pause between two tries, in milliseconds. */
const LONGEST_WAIT = 10_000;
const PAUSE = 20;

/** How long a server still has for an answer after a signal, in milliseconds: most have it on its way. */
const LAST_ANSWER = 1000;

const WHY = ` for ${LONGEST_WAIT / 1000}s; see which process keeps it open`;

/** What SQLite says of a file that another process writes. */
export const BUSY = "database is locked";

/** How those who wait for a ledger are called off: a signal never waits for one. */
export class Patience {
  readonly #interrupted: AbortSignal | undefined;
  readonly #noAnswer = new AbortController();
  #isExhausted = false;

  /** @param interrupted Fires at a signal that is to end sera and has no command to go to; absent where none is caught. */
  constructor(interrupted?: AbortSignal) {
    this.#interrupted = interrupted;
    const stop = () => Deno.unrefTimer(setTimeout(() => this.#noAnswer.abort(interrupted!.reason), LAST_ANSWER));
    if (interrupted?.aborted) stop();
    else interrupted?.addEventListener("abort", stop, { once: true });
  }

  /**
   * Tries until it succeeds or fails for good, or has been tried for long enough; what comes after that is tried once.
   * Each try must be short, for nothing else happens meanwhile.
   *
   * @param attempt Throws {@linkcode BUSY}, or what SQLite says, when another process has to be waited for.
   * @throws What the last try has thrown.
   */
  async whileBusy<T>(attempt: () => T): Promise<T> {
    const deadline = new Deadline(LONGEST_WAIT);
    const over = this.#interrupted ?? new AbortController().signal;
    for (;;) {
      // Before the try, so that there is one after the wait.
      const isLast = this.#isExhausted || deadline.passed || over.aborted;
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (isLast) {
          this.#isExhausted = true;
          throw new Error(`${messageOf(error)}${over.aborted ? ", and a signal ended the wait" : WHY}`);
        }
      }
      // Not all at the same moments.
      await delayOrAbort(PAUSE * (0.5 + Math.random()), over);
    }
  }

  /** Runs statements in a session, whose server may take as long as it does for any; less when a signal comes. */
  runIn(session: Session): Store["run"] {
    return async (statement) => {
      try {
        return await session.queryAll(statement, { signal: this.#noAnswer.signal });
      } catch (error) {
        if (!(error instanceof InterruptedError)) throw error;
        const reason = `${session.where}: no answer, and a signal ended the wait`;
        throw new LockUnavailableError(`Cannot lock on ${reason}`, false, reason);
      }
    };
  }
}

/** By its words: not all of node:sqlite's errors have a number. */
function isBusy(error: unknown): boolean {
  return messageOf(error).endsWith(BUSY);
}
