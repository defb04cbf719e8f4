import { InterruptedError, LockUnavailableError } from "../../errors.ts";
import { INTERRUPTED, LedgerBusyError, type Patience } from "../../ledger/patience.ts";
import type { Store } from "./ledger_table.ts";
import type { Session } from "./session.ts";
import type { Statement } from "./statement.ts";

/**
 * How long a server waits for others' locks on the table before it breaks a statement off, in milliseconds. The shortest
 * time that MySQL knows: meanwhile the session, which can do one thing at a time, does not renew the lock that it holds.
 * Shorter than `LAST_ANSWER`, which is what a server has for it after a signal.
 */
export const LOCK_WAIT = 1000;

/**
 * Runs the ledger's statements in a session, whose server may take as long as it does for any; less when a signal comes.
 *
 * @param isLocked Whether the server has broken a statement off after {@linkcode LOCK_WAIT}. It is then asked again.
 */
export function ledgerStatements(
  session: Session,
  patience: Patience,
  isLocked: (cause: unknown) => boolean,
): Store["run"] {
  const options = { signal: patience.noAnswer, serverTime: LOCK_WAIT };
  const attempt = async (statement: Statement) => {
    try {
      return await session.queryAll(statement, options);
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      throw LockUnavailableError.on(session.where, { what: `no answer${INTERRUPTED}` }, { cause: error });
    }
  };
  return (statement) =>
    patience.whileBusy(() => attempt(statement), {
      shortest: LOCK_WAIT,
      isBusy: (error) => error instanceof LockUnavailableError && isLocked(error.cause),
      inVain(error, how, isInterrupted) {
        // Without the cure, which is for those who have a transaction.
        const { why, cause } = error as LockUnavailableError;
        const what = `others have kept its table locked (${why})${how}`;
        const cure = isInterrupted
          ? undefined
          : "see which session keeps it locked (a backup, LOCK TABLE, ALTER TABLE)";
        return LedgerBusyError.on(session.where, { what, cure }, { transient: true, cause });
      },
    });
}
