import { InterruptedError, LockUnavailableError } from "../../errors.ts";
import { INTERRUPTED, LedgerBusyError, type Patience } from "../../ledger/patience.ts";
import type { Asker } from "./asker.ts";
import { type Outcome, rowsIfAny } from "./batch.ts";
import type { Store } from "./store.ts";
import type { Statement } from "./statement.ts";

/**
 * How long a server waits for others' locks on the table before it aborts a statement, in milliseconds. The shortest
 * time that MySQL allows, since the session does one thing at a time, and cannot renew its lock meanwhile. Shorter than
 * `LAST_ANSWER`, the time for an answer after a signal.
 */
export const LOCK_WAIT = 1000;

/** Settings that the session needs for the ledger's statements. */
export interface SessionSettings {
  /** Sets all of them. */
  readonly all: Statement;
  /** Sets those that the server has, if the error is that it lacks one. */
  fewer?(cause: unknown): Statement | undefined;
}

/**
 * Runs the ledger's statements. A signal shortens the time for an answer.
 *
 * @param isLocked Whether an error says that waiting for a lock took longer than {@linkcode LOCK_WAIT}. The statement
 * is then tried again.
 * @param settings Go with the first statements.
 */
export function ledgerStatements(
  asker: Asker,
  patience: Patience,
  isLocked: (cause: unknown) => boolean,
  settings?: SessionSettings,
): Pick<Store, "run" | "batch" | "end"> {
  const options = { signal: patience.noAnswer, serverTime: LOCK_WAIT };
  let unset = settings;

  async function unlessInterrupted<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      throw LockUnavailableError.on(asker.where, { what: `no answer${INTERRUPTED}` }, { cause: error });
    }
  }

  const send = (statement: Statement) => unlessInterrupted(() => asker.queryAll(statement, options));

  async function set(): Promise<void> {
    if (!unset) return;
    try {
      await send(unset.all);
    } catch (error) {
      const fewer = error instanceof LockUnavailableError ? unset.fewer?.(error.cause) : undefined;
      if (!fewer) throw error;
      await send(fewer);
    }
    unset = undefined;
  }

  async function sendAll(statements: readonly Statement[]): Promise<readonly Outcome[]> {
    const all = unset ? [unset.all, ...statements] : statements;
    const [first, ...others] = await unlessInterrupted(() => asker.batch!(all, options));
    if (!unset) return [first!, ...others];
    if (rowsIfAny(first)) {
      unset = undefined;
      return others;
    }
    // A server that stops at the first failure has run none of the others, which have no outcome of their own.
    const isLacking = "error" in first! && unset.fewer?.(first.error.cause) !== undefined;
    const isUnsent = isLacking && others.every((other) => other === first);
    // Where it goes on, the others may have been run all the same.
    await set();
    return isUnsent ? await sendAll(statements) : others;
  }

  const { endRun } = asker;
  return {
    run(statement, first) {
      let given = first;
      const attempt = async () => {
        const result = given?.();
        given = undefined;
        if (result) return await result;
        await set();
        return await send(statement);
      };
      return patience.whileBusy(attempt, {
        shortest: LOCK_WAIT,
        isBusy: (error) => error instanceof LockUnavailableError && isLocked(error.cause),
        giveUpError(error, how, isInterrupted) {
          // Leaves out the server's cure, which is for transactions.
          const { why, cause } = error as LockUnavailableError;
          const what = `others have kept its table locked (${why})${how}`;
          const cure = isInterrupted
            ? undefined
            : "find out which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";
          return LedgerBusyError.on(asker.where, { what, cure }, { transient: true, cause });
        },
      });
    },
    // One by one each would wait for others again, though one of them has timed out already.
    batch: asker.takesSeveral === false ? undefined : asker.batch && sendAll,
    end: endRun && ((ending) => unlessInterrupted(() => endRun(ending, options))),
  };
}
