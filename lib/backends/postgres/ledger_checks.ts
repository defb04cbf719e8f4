import { LockUnavailableError } from "../../errors.ts";
import { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { checkInSession } from "../sql/check_in_session.ts";
import type { PostgresServer } from "./server.ts";
import { postgresStore } from "./ledger.ts";
import type { LockOptions } from "../backend.ts";
import { postgresLeaseLock } from "./lease_lock.ts";
import { PostgresLock } from "./lock.ts";
import type { PostgresOptions } from "./options.ts";
import type { Store } from "../sql/store.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { SET_FOR_TRANSACTION } from "./table_settings.ts";
import { lastRun } from "../sql/last_run.ts";
import { usableLedger } from "../../doctor/usable_ledger.ts";
import { recordTestRun } from "../sql/test_run.ts";
import type { TestRun } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Checks whether a run could be recorded.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkPostgresLedger(
  server: PostgresServer,
  table: TableName,
  testRun: TestRun,
  options: PostgresOptions & LockOptions,
): Promise<Finding> {
  const { leaseTable } = options;
  // A run with a lease records itself in the lease's session, whose server may be unfit for a plain lock.
  const lock = leaseTable ? postgresLeaseLock(server, options, leaseTable) : new PostgresLock(server, options);
  return await checkInSession(lock, async (session) => {
    const store = postgresStore(session, table, new Patience(), "already set");
    return await checkStore(store, testRun, session.closed);
  });
}

/**
 * Records a run, in a table that is created if need be, and rolls all of it back. Only the id stays used.
 *
 * @param closed Aborted once the session has ended.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
async function checkStore(store: Store, testRun: TestRun, closed: AbortSignal): Promise<Finding> {
  try {
    // Settings for the transaction alone, since a pooler may give the session to others afterwards. Limits that could end
    // a transaction are off, since a real run has none.
    await store.run(sql`BEGIN; ${SET_FOR_TRANSACTION}; SELECT set_config(name, '0', true) FROM pg_settings
      WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout') AND setting <> '0'`);
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || closed.aborted) throw error;
    return {
      found: `cannot tell whether it can be written: ${error.reason}`,
      cure: "connect directly to the server, not through a pooler",
    };
  }
  try {
    // As outside a transaction, where each statement checks its constraints itself.
    await store.run(sql`SET CONSTRAINTS ALL IMMEDIATE`);
    // As long in total as a run waits for others' locks with its retries: in a transaction, no statement can be retried
    // after an error.
    await store.run(sql`SET LOCAL lock_timeout = '10s'`);
    const cautious = { dialect: store.dialect, run: (statement: Statement) => withSavepoint(store, statement) };
    const last = await lastRun(cautious);
    return usableLedger(last, await recordTestRun(cautious, testRun));
  } finally {
    if (!closed.aborted) await store.run(sql`ROLLBACK`);
  }
}

/** Runs a statement so that its failure does not abort the transaction. */
async function withSavepoint({ run }: Store, statement: Statement) {
  await run(sql`SAVEPOINT before`);
  try {
    return await run(statement);
  } catch (error) {
    if (error instanceof LockUnavailableError) await run(sql`ROLLBACK TO SAVEPOINT before`).catch(() => undefined);
    throw error;
  } finally {
    await run(sql`RELEASE SAVEPOINT before`).catch(() => undefined);
  }
}
