import type { TableName } from "../../ledger/table_name.ts";
import { Patience } from "../../ledger/patience.ts";
import { checkInSession } from "../sql/check_in_session.ts";
import type { MySqlDsn } from "./server.ts";
import { mySqlStore } from "./ledger.ts";
import { MySqlLock } from "./lock.ts";
import type { MySqlOptions } from "./options.ts";
import { LockUnavailableError } from "../../errors.ts";
import { textFrom } from "../../text/foreign.ts";
import { LedgerTable, type Store } from "../sql/ledger_table.ts";
import { selectRuns } from "../sql/rows.ts";
import { COLUMN_NAMES, COLUMNS, VERSION } from "../sql/schema.ts";
import { identifier, join, sql, type Statement } from "../sql/statement.ts";
import { lastRun } from "../sql/last_run.ts";
import { type LastRun, usableLedger } from "../../doctor/usable_ledger.ts";
import { deleteRuns, rehearse } from "../sql/rehearsal.ts";
import type { RunRehearsal } from "../../ledger/ledger.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Whether a run could be recorded.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkMySqlLedger(
  dsn: MySqlDsn,
  table: TableName,
  rehearsal: RunRehearsal,
  options: MySqlOptions,
): Promise<Finding> {
  return await checkInSession(new MySqlLock(dsn, options), async (session) => {
    const store = await mySqlStore(session, table, new Patience());
    return await checkStore(store, table, rehearsal);
  });
}

/**
 * Asks for each privilege by a statement of a run's kind that changes no row: grants cannot be told from what the server
 * lists, which knows wildcards and roles. A table that is there, and knows transactions, then gets a run that is rolled
 * back, for triggers and constraints refuse rows only.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
async function checkStore(store: Store, name: TableName, rehearsal: RunRehearsal): Promise<Finding> {
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
    await refuseUnlessCopy(
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
  if (engine.hasTransactions) return usableLedger(await lastRun(store), await rehearseInTransaction(store, rehearsal));
  await refuseForgetful(store);
  const kept = await deleteRuns(store, rehearsal.lock);
  return kept === undefined
    ? notRehearsed(await lastRun(store), name, engine.name)
    : usableLedger(await lastRun(store), kept);
}

/**
 * Asks for a table that no server can make, for it would have two columns of one name: whoever may create it is told so,
 * and everybody else that they may not.
 */
async function refuseUnlessCreatable(store: Store, { schema }: TableName, table: LedgerTable): Promise<void> {
  const { dialect } = store;
  const columns = sql`id ${dialect.id}, id ${dialect.types.pid}`;
  const create = sql`CREATE TABLE ${dialect.table} (${columns})${dialect.tableOptions}`;
  const failure = (error: LockUnavailableError) =>
    table.failure({ what: `there is no table, and it cannot be created: ${error.reason}` }, error);
  await refuseUnlessCopy(store, create, failure);
  if (schema === undefined) return;
  // Of one that is not there the server says the same: it looks at the columns first.
  await store.run(sql`SHOW TABLES FROM ${identifier(schema)} LIKE 'sera'`).catch((error: unknown) => {
    throw error instanceof LockUnavailableError ? failure(error) : error;
  });
}

/** Runs a statement that makes a second one of something that is there, and so fails, one way or another. */
async function refuseUnlessCopy(
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

/** The engine of what has none, or none that can be seen. */
const UNKNOWN = "an unknown kind";

/** What keeps the table, and whether a run in it can be taken back. */
async function engineOf({ run }: Store, { schema, name }: TableName) {
  const [row] = await run(
    sql`SELECT ENGINE AS engine, TRANSACTIONS AS transactions
      FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE)
      WHERE TABLE_NAME = ${name} AND TABLE_SCHEMA = ${schema === undefined ? sql`DATABASE()` : sql`${schema}`}`,
  );
  return { name: textFrom(row?.engine) ?? UNKNOWN, hasTransactions: row?.transactions === "YES" };
}

/** What no row has been put into may still refuse one. */
function notRehearsed(
  last: LastRun,
  { schema, name }: TableName,
  engine: string,
): Finding {
  const table = schema === undefined ? name : `${schema}.${name}`;
  const what = `no run could be tried in it, since nothing can be taken back in a table of ${engine}`;
  // Of a view nothing more is known.
  const cure = engine === UNKNOWN ? "name the table itself with --ledger-table" : `ALTER TABLE ${table} ENGINE=InnoDB`;
  return { found: `${usableLedger(last).found}; ${what}`, cure };
}

/** Records a run that is taken back. */
async function rehearseInTransaction(store: Store, rehearsal: RunRehearsal): Promise<string | undefined> {
  const { run } = store;
  // Not START TRANSACTION: after a deadlock, which ends one, the rest would stand for itself.
  await run(sql`SET autocommit = 0`);
  try {
    return await rehearse(store, rehearsal);
  } finally {
    // Whatever completion_type says: the session is needed afterwards.
    await run(sql`ROLLBACK AND NO CHAIN NO RELEASE`);
    await run(sql`SET autocommit = 1`);
  }
}

/** A run finds out with its row. */
async function refuseForgetful(store: Store): Promise<void> {
  const { keeping } = store.dialect;
  if (keeping === undefined) return;
  const [row] = await store.run(sql`SELECT ${keeping} AS keeping`);
  const table = new LedgerTable(store);
  const objection = await table.whyForgetful(row?.keeping);
  if (objection !== undefined) throw table.failure(objection);
}

/** The statements of a run that write, without a row. */
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
