import { LockUnavailableError } from "../../errors.ts";
import { Patience } from "../../ledger/patience.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { checkInSession } from "../sql/check_in_session.ts";
import type { PostgresServer } from "./server.ts";
import { postgresStore } from "./ledger.ts";
import { PostgresLock } from "./lock.ts";
import type { PostgresOptions } from "./options.ts";
import type { Store } from "../sql/ledger_table.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { lastRun } from "../sql/last_run.ts";
import { usableLedger } from "../../doctor/usable_ledger.ts";
import { rehearse } from "../sql/rehearsal.ts";
import type { RunRehearsal } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Whether a run could be recorded.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkPostgresLedger(
  server: PostgresServer,
  table: TableName,
  rehearsal: RunRehearsal,
  options: PostgresOptions,
): Promise<Finding> {
  return await checkInSession(new PostgresLock(server, options), async (session) => {
    const store = await postgresStore(session, table, new Patience());
    return await checkStore(store, rehearsal, session.closed);
  });
}

/**
 * Records a run in a transaction that is rolled back, and with it a table that had to be created. No more stays of it than
 * a number that no run will have.
 *
 * @param closed Whether the session has ended.
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
async function checkStore(store: Store, rehearsal: RunRehearsal, closed: AbortSignal): Promise<Finding> {
  try {
    // A run has no transaction that a limit could end.
    await store.run(sql`SELECT set_config(name, '0', false) FROM pg_settings
      WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout') AND setting <> '0'`);
    await store.run(sql`BEGIN`);
  } catch (error) {
    if (!(error instanceof LockUnavailableError) || closed.aborted) throw error;
    return {
      found: `cannot tell whether it can be written: ${error.reason}`,
      cure: "connect to the server itself, not to a pooler",
    };
  }
  try {
    // What a statement of its own would check at once.
    await store.run(sql`SET CONSTRAINTS ALL IMMEDIATE`);
    // As long as a run waits for others' locks, but in one go: after an error no statement of a transaction can be repeated.
    await store.run(sql`SET LOCAL lock_timeout = '10s'`);
    const cautious = { dialect: store.dialect, run: (statement: Statement) => withSavepoint(store, statement) };
    const last = await lastRun(cautious);
    return usableLedger(last, await rehearse(cautious, rehearsal));
  } finally {
    if (!closed.aborted) await store.run(sql`ROLLBACK`);
  }
}

/** Runs a statement whose failure does not end the transaction, as it ends none where each stands for itself. */
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
