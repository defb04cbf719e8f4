import { InterruptedError, LockUnavailableError } from "../../errors.ts";
import { INTERRUPTED, LedgerBusyError, type Patience } from "../../ledger/patience.ts";
import type { Querier } from "./querier.ts";
import { type Outcome, rowsIfAny } from "./batch.ts";
import type { Store } from "./store.ts";
import type { Statement } from "./statement.ts";

/**
 * How long a server waits for others' locks on the table before it aborts a statement, in milliseconds. It is the shortest
 * time that MySQL allows, since the session cannot renew its lock meanwhile, and shorter than `LAST_ANSWER`, the time for
 * an answer after a signal.
 */
export const LOCK_WAIT = 1000;

/** Session settings that the ledger's statements need. */
export interface SessionSettings {
  /** Sets all of them. */
  readonly all: Statement;
  /** Sets only those that the server supports, if the error says that it lacks one. */
  fewer?(cause: unknown): Statement | undefined;
}

/**
 * Runs the ledger's statements. A signal shortens the time for an answer.
 *
 * @param isLocked Whether an error says that waiting for a lock took longer than {@linkcode LOCK_WAIT}. The statement
 * is then retried.
 * @param settings Sent along with the first statements.
 */
export function ledgerStatements(
  querier: Querier,
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
      throw LockUnavailableError.on(querier.where, { what: `no answer${INTERRUPTED}` }, { cause: error });
    }
  }

  const send = (statement: Statement) => unlessInterrupted(() => querier.queryAll(statement, options));

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
    const [first, ...others] = await unlessInterrupted(() => querier.batch!(all, options));
    if (!unset) return [first!, ...others];
    if (rowsIfAny(first)) {
      unset = undefined;
      return others;
    }
    // A server that stops at the first failure has run none of the others, and all have the same outcome.
    const isLacking = "error" in first! && unset.fewer?.(first.error.cause) !== undefined;
    const isUnsent = isLacking && others.every((other) => other === first);
    // A server that continues may have run the others all the same.
    await set();
    return isUnsent ? await sendAll(statements) : others;
  }

  const { endRun } = querier;
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
          // Without the server's own advice, which is for transactions.
          const { why, cause } = error as LockUnavailableError;
          const what = `others have kept its table locked (${why})${how}`;
          const cure = isInterrupted
            ? undefined
            : "find out which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";
          return LedgerBusyError.on(querier.where, { what, cure }, { transient: true, cause });
        },
      });
    },
    // Not one by one: each would wait for others again, though one of them has already timed out.
    batch: querier.takesSeveral === false ? undefined : querier.batch && sendAll,
    end: endRun && ((ending) => unlessInterrupted(() => endRun(ending, options))),
  };
}
