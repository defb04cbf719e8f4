import type { TableName } from "../../ledger/table_name.ts";
import { Patience } from "../../ledger/patience.ts";
import { checkInSession } from "../sql/check_in_session.ts";
import type { MySqlDsn } from "./server.ts";
import { mySqlStore } from "./ledger.ts";
import type { LockOptions } from "../backend.ts";
import { mySqlLeaseLock } from "./lease_lock.ts";
import { MySqlLock } from "./lock.ts";
import type { MySqlOptions } from "./options.ts";
import { LockUnavailableError } from "../../errors.ts";
import { textFrom } from "../../text/untrusted.ts";
import { whyVolatile } from "../sql/insert_run.ts";
import { LedgerTable } from "../sql/ledger_table.ts";
import type { Store } from "../sql/store.ts";
import { selectRuns } from "../sql/rows.ts";
import { COLUMN_NAMES, COLUMNS, VERSION } from "../sql/schema.ts";
import { identifier, join, sql, type Statement } from "../sql/statement.ts";
import { lastRun } from "../sql/last_run.ts";
import { type LastRun, usableLedger } from "../../doctor/usable_ledger.ts";
import { deleteRuns, recordTestRun } from "../sql/test_run.ts";
import type { TestRun } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Checks whether a run could be recorded.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkMySqlLedger(
  dsn: MySqlDsn,
  table: TableName,
  testRun: TestRun,
  options: MySqlOptions & LockOptions,
): Promise<Finding> {
  const { leaseTable } = options;
  // A run with a lease records itself in the lease's session, which may be one that a plain lock is refused in.
  const lock = leaseTable ? mySqlLeaseLock(dsn, options, leaseTable) : new MySqlLock(dsn, options);
  return await checkInSession(lock, async (session) => {
    const store = mySqlStore(session, table, new Patience());
    return await checkStore(store, table, testRun);
  });
}

/**
 * Tests each privilege with one of a run's statements, made so that it changes no row. SHOW GRANTS is no alternative, since
 * it has wildcards and roles. If the table exists and supports transactions, a run is then recorded and rolled back, since
 * triggers and constraints reject only real rows.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
async function checkStore(store: Store, name: TableName, testRun: TestRun): Promise<Finding> {
  const table = new LedgerTable(store);
  const { dialect } = store;
  const ask = async (statement: Statement): Promise<"done" | "no table" | "no column"> => {
    try {
      await store.run(statement);
      return "done";
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (dialect.isMissing("table", error.cause)) return "no table";
      if (dialect.isMissing("column", error.cause)) return "no column";
      throw table.failure({ what: error.reason }, error);
    }
  };

  const read = await ask(selectRuns(dialect, sql`WHERE ${COLUMNS.outcome} = 'running' AND FALSE`));
  if (read === "no table") await refuseUnlessCreatable(store, name, table);
  let lacking = read === "no column";
  for (const statement of lacking ? [] : writes(dialect)) lacking ||= await ask(statement) === "no column";
  if (lacking) {
    await table.refuseForeign();
    await refuseUnlessPermitted(
      store,
      sql`ALTER TABLE ${dialect.table} ADD COLUMN id ${dialect.types.pid}`,
      (error) =>
        table.failure({
          what: `it lacks columns, and the user may not add them: ${error.reason}`,
          cure: "grant the user ALTER on it",
        }),
    );
    return { found: "the table lacks columns, which the first run adds" };
  }
  if (read === "no table") return usableLedger(read);
  const engine = await engineOf(store, name);
  if (engine.hasTransactions) {
    return usableLedger(await lastRun(store), await recordTestRunInTransaction(store, testRun));
  }
  await refuseVolatile(store);
  const kept = await deleteRuns(store, testRun.lock);
  return kept === undefined
    ? notRehearsed(await lastRun(store), name, engine.name)
    : usableLedger(await lastRun(store), kept);
}

/**
 * Tries to create a table with two columns of the same name, which always fails: the error is about the duplicate column if
 * the user may create tables, otherwise about the missing privilege.
 */
async function refuseUnlessCreatable(store: Store, { schema }: TableName, table: LedgerTable): Promise<void> {
  const { dialect } = store;
  const columns = sql`id ${dialect.id}, id ${dialect.types.pid}`;
  const create = sql`CREATE TABLE ${dialect.table} (${columns})${dialect.tableOptions}`;
  const failure = (error: LockUnavailableError) =>
    table.failure({ what: `there is no table, and it cannot be created: ${error.reason}` }, error);
  await refuseUnlessPermitted(store, create, failure);
  if (schema === undefined) return;
  // A missing schema gives the same error as the duplicate column, which the server checks first.
  await store.run(sql`SHOW TABLES FROM ${identifier(schema)} LIKE 'sera'`).catch((error: unknown) => {
    throw error instanceof LockUnavailableError ? failure(error) : error;
  });
}

/** Runs a statement that always fails: because of an existing column, or because of a missing privilege. */
async function refuseUnlessPermitted(
  { dialect, run }: Store,
  statement: Statement,
  failure: (error: LockUnavailableError) => Error,
): Promise<void> {
  try {
    await run(statement);
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    if (!dialect.isThereAlready(error.cause)) throw failure(error);
  }
}

/** How messages call the engine of a view, or one that the user may not see. */
const UNKNOWN = "an unknown kind";

/** The table's engine, and whether a run in it can be rolled back. */
async function engineOf({ run }: Store, { schema, name }: TableName) {
  const [row] = await run(
    sql`SELECT ENGINE AS engine, TRANSACTIONS AS transactions
      FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE)
      WHERE TABLE_NAME = ${name} AND TABLE_SCHEMA = ${schema === undefined ? sql`DATABASE()` : sql`${schema}`}`,
  );
  return { name: textFrom(row?.engine) ?? UNKNOWN, hasTransactions: row?.transactions === "YES" };
}

/** The finding if no test row was written, so that the table may still reject real rows. */
function notRehearsed(
  last: LastRun,
  { schema, name }: TableName,
  engine: string,
): Finding {
  const table = schema === undefined ? name : `${schema}.${name}`;
  const what = `no test run was written, since ${engine} tables cannot roll back`;
  // A view shows no engine.
  const cure = engine === UNKNOWN ? "name the table itself with --ledger-table" : `ALTER TABLE ${table} ENGINE=InnoDB`;
  const { found, local = found } = usableLedger(last);
  return { found: `${found}; ${what}`, local: `${local}; ${what}`, cure };
}

/** Records a run, and rolls it back. */
async function recordTestRunInTransaction(store: Store, testRun: TestRun): Promise<string | undefined> {
  const { run } = store;
  // Not START TRANSACTION: a deadlock ends that, and the statements after it would be committed.
  await run(sql`SET autocommit = 0`);
  try {
    return await recordTestRun(store, testRun);
  } finally {
    // In full, since completion_type could make a plain ROLLBACK end the session or start a new transaction.
    await run(sql`ROLLBACK AND NO CHAIN NO RELEASE`);
    await run(sql`SET autocommit = 1`);
  }
}

/** Refuses a table that does not keep its rows. A run finds that out only when it inserts its own row. */
async function refuseVolatile(store: Store): Promise<void> {
  const { storage } = store.dialect;
  if (storage === undefined) return;
  const [row] = await store.run(sql`SELECT ${storage} AS storage`);
  const table = new LedgerTable(store);
  const objection = await whyVolatile(table, row?.storage);
  if (objection !== undefined) throw table.failure(objection);
}

/** The writing statements of a run, with conditions that are never true. */
function writes({ table, now, after, session }: Store["dialect"]): readonly Statement[] {
  const values = {
    version: sql`${VERSION}`,
    lock_name: sql`''`,
    run_key: sql`NULL`,
    label: sql`''`,
    host: sql`''`,
    pid: sql`0`,
    session_id: session,
    user_name: sql`''`,
    outcome: sql`'running'`,
    started: now,
    expires: after(0),
  };
  const names = COLUMN_NAMES.filter((name): name is keyof typeof values => name in values);
  return [
    sql`INSERT INTO ${table} (${join(names.map((name) => COLUMNS[name]))})
      SELECT ${join(names.map((name) => values[name]))} FROM DUAL WHERE FALSE`,
    sql`UPDATE ${table} SET outcome = 'succeeded', finished = ${now}, exit_code = 0, expires = ${after(0)} WHERE FALSE`,
  ];
}
