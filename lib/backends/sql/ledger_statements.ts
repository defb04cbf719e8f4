import { InterruptedError, LockUnavailableError } from "../../errors.ts";
import { INTERRUPTED, LedgerBusyError, type Patience } from "../../ledger/patience.ts";
import type { Store } from "./ledger_table.ts";
import type { Asker } from "./asker.ts";
import type { Statement } from "./statement.ts";

/**
 * How long a server waits for others' locks on the table before it aborts a statement, in milliseconds. The shortest
 * time that MySQL allows, since the session does one thing at a time, and cannot renew its lock meanwhile. Shorter than
 * `LAST_ANSWER`, the time for an answer after a signal.
 */
export const LOCK_WAIT = 1000;

/**
 * Runs the ledger's statements. A signal shortens the time for an answer.
 *
 * @param isLocked Whether an error says that the server has waited for {@linkcode LOCK_WAIT} in vain. The statement is
 * then tried again.
 */
export function ledgerStatements(
  asker: Asker,
  patience: Patience,
  isLocked: (cause: unknown) => boolean,
): Store["run"] {
  const options = { signal: patience.noAnswer, serverTime: LOCK_WAIT };
  const attempt = async (statement: Statement) => {
    try {
      return await asker.queryAll(statement, options);
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      throw LockUnavailableError.on(asker.where, { what: `no answer${INTERRUPTED}` }, { cause: error });
    }
  };
  return (statement) =>
    patience.whileBusy(() => attempt(statement), {
      shortest: LOCK_WAIT,
      isBusy: (error) => error instanceof LockUnavailableError && isLocked(error.cause),
      giveUpError(error, how, isInterrupted) {
        // Leaves out the server's cure, which is for transactions.
        const { why, cause } = error as LockUnavailableError;
        const what = `others have kept its table locked (${why})${how}`;
        const cure = isInterrupted
          ? undefined
          : "see which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";
        return LedgerBusyError.on(asker.where, { what, cure }, { transient: true, cause });
      },
    });
}
