import { Deadline, delayOrAbort } from "../deadline.ts";
import { formatDuration } from "../text/duration.ts";
import { InterruptedError, LockUnavailableError, messageOf } from "../errors.ts";
import type { Session } from "../backends/sql/session.ts";
import type { Store } from "../backends/sql/ledger_table.ts";

/** How long a ledger is waited for that somebody else keeps locked, and the pause between two tries, in milliseconds. */
const LONGEST_WAIT = 10_000;
const PAUSE = 20;

/**
 * How long a server waits for others' locks on the table before it breaks a statement off, in milliseconds. The shortest
 * time that MySQL knows: meanwhile the session, which can do one thing at a time, does not renew the lock that it holds.
 */
export const LOCK_WAIT = 1000;

/**
 * How long a server still has for an answer after a signal, in milliseconds: longer than {@linkcode LOCK_WAIT}, so that a
 * locked table does not cost the session, and the lock with it.
 */
const LAST_ANSWER = LOCK_WAIT + 1000;

const INTERRUPTED = ", and a signal ended the wait";

/** What SQLite says of a file that another process writes. */
export const BUSY = "database is locked";

/** Others have kept the ledger locked for as long as they are waited for. */
export class LedgerBusyError extends LockUnavailableError {}

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
    const stop = () => Deno.unrefTimer(setTimeout(() => this.#noAnswer.abort(interrupted.reason), LAST_ANSWER));
    if (interrupted.aborted) stop();
    else interrupted.addEventListener("abort", stop, { once: true });
  }

  /** From now on others are waited for until then at most; undefined takes that back. */
  hurry(deadline: Deadline | undefined): void {
    this.#deadline = deadline;
  }

  /**
   * Tries until it succeeds or fails for good, or has been tried for long enough; what comes after that is tried once.
   * Each try must be short, for nothing else happens meanwhile.
   *
   * @param attempt Throws {@linkcode BUSY}, or what SQLite says, when another process has to be waited for.
   * @throws What the last try has thrown.
   */
  whileBusy<T>(attempt: () => T): Promise<T> {
    return this.#try(attempt, 0, isBusy, (error, how, isOver) => {
      throw new Error(`${messageOf(error)}${how}${isOver ? "" : "; see which process keeps it open"}`);
    });
  }

  /**
   * Runs statements in a session, whose server may take as long as it does for any; less when a signal comes.
   *
   * @param isLocked Whether the server has broken a statement off after {@linkcode LOCK_WAIT}. It is then asked again, as
   * {@linkcode whileBusy} does.
   */
  runIn(session: Session, isLocked: (cause: unknown) => boolean): Store["run"] {
    const options = { signal: this.#noAnswer.signal, serverTime: LOCK_WAIT };
    const attempt = async (statement: Parameters<Store["run"]>[0]) => {
      try {
        return await session.queryAll(statement, options);
      } catch (error) {
        if (!(error instanceof InterruptedError)) throw error;
        throw LockUnavailableError.on(session.where, { what: `no answer${INTERRUPTED}` }, { cause: error });
      }
    };
    const isBroken = (error: unknown) => error instanceof LockUnavailableError && isLocked(error.cause);
    return (statement) =>
      this.#try(() => attempt(statement), LOCK_WAIT, isBroken, (error, how, isOver) => {
        const { reason, cause } = error as LockUnavailableError;
        // What a server advises after its own words is for those who have a transaction.
        const words = reason.slice(session.where.length + 2).split("; ")[0];
        const what = `others have kept its table locked (${words})${how}`;
        const cure = isOver ? undefined : "see which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";
        throw LedgerBusyError.on(session.where, { what, cure }, { transient: true, cause });
      });
  }

  /** @param shortest How long a try takes at least that fails since others have to be waited for, in milliseconds. */
  async #try<T>(
    attempt: () => T | Promise<T>,
    shortest: number,
    isBusy: (error: unknown) => boolean,
    giveUp: (error: unknown, how: string, isOver: boolean) => never,
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
          const isOver = this.#over.aborted;
          const waited = Math.min(
            this.#longestWait,
            Math.max(Math.round((performance.now() - began) / 1000), 1) * 1000,
          );
          giveUp(error, isOver ? INTERRUPTED : ` for ${formatDuration(waited)}`, isOver);
        }
      }
      // Not all at the same moments.
      await delayOrAbort(PAUSE * (0.5 + Math.random()), this.#over);
    }
  }
}

/** By its words: not all of node:sqlite's errors have a number. */
function isBusy(error: unknown): boolean {
  return messageOf(error).endsWith(BUSY);
}
