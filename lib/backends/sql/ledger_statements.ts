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

/**
 * Runs the ledger's statements. A signal shortens the time for an answer.
 *
 * @param isLocked Whether an error says that waiting for a lock took longer than {@linkcode LOCK_WAIT}. The statement
 * is then retried.
 * @param settings Sets what the session lacks; sent along with the first statements.
 */
export function ledgerStatements(
  querier: Querier,
  patience: Patience,
  isLocked: (cause: unknown) => boolean,
  settings?: Statement,
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
    await send(unset);
    unset = undefined;
  }

  async function sendAll(statements: readonly Statement[]): Promise<readonly Outcome[]> {
    if (!unset) return await unlessInterrupted(() => querier.batch!(statements, options));
    const all = [unset, ...statements];
    const [first, ...others] = await unlessInterrupted(() => querier.batch!(all, options));
    if (rowsIfAny(first)) unset = undefined;
    // The server has run the others all the same.
    else await set();
    return others;
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
