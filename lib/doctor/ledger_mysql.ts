import type { TableName } from "../config/ledger_settings.ts";
import { LockUnavailableError } from "../errors.ts";
import { LedgerTable, type Store } from "../ledger/ledger_table.ts";
import { selectRuns } from "../ledger/rows.ts";
import { COLUMN_NAMES, COLUMNS, VERSION } from "../ledger/schema.ts";
import { identifier, join, sql, type Statement } from "../sql/statement.ts";
import { lastRun, usable } from "./ledger.ts";
import { mayDelete, type Rehearsal } from "./rehearsal.ts";
import type { Finding } from "./report.ts";

/**
 * Asks for each privilege by a statement of a run's kind that changes no row: grants cannot be told from what the server
 * lists, which knows wildcards and roles. A table that is there, and knows transactions, then gets a run that is rolled
 * back, for triggers and constraints refuse rows only.
 *
 * @throws {LockUnavailableError} When a run could not use the ledger.
 */
export async function checkMySqlLedger(store: Store, name: TableName, rehearsal: Rehearsal): Promise<Finding> {
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
      throw table.failure(error.reason, error);
    }
  };

  const read = await ask(selectRuns(dialect, sql`WHERE ${COLUMNS.outcome} = 'running' AND FALSE`));
  if (read === "no table") await refuseUnlessCreatable(store, name, table);
  if (read === "no column" || await ask(insert(dialect, rehearsal, sql`FROM DUAL WHERE FALSE`)) === "no column") {
    if (await ask(sql`SELECT id, version, lock_name FROM ${dialect.table} LIMIT 1`) === "no column") {
      throw table.failure("this table is not sera's; name another one with --ledger-table");
    }
    await refuseUnlessCopy(store, sql`ALTER TABLE ${dialect.table} ADD COLUMN id ${dialect.types.pid}`, (error) => {
      const reason = error.reason.split("; ")[0];
      return table.failure(`it lacks columns, and the user may not add them: ${reason}; grant the user ALTER on it`);
    });
    return { found: "the table lacks columns, which the first run adds" };
  }
  await ask(update(dialect, sql`FALSE`));
  const kept = await mayDelete(store, rehearsal.lock);
  if (read === "no table") return usable("no table");
  await rehearseInTransaction(store, name, rehearsal, ask);
  return usable(await lastRun(store), kept);
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
    table.failure(`there is no table, and it cannot be created: ${error.reason}`, error);
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

async function rehearseInTransaction(
  { dialect, run }: Store,
  { schema, name }: TableName,
  rehearsal: Rehearsal,
  ask: (statement: Statement) => Promise<unknown>,
): Promise<void> {
  const inTable = sql`TABLE_NAME = ${name} AND TABLE_SCHEMA = ${
    schema === undefined ? sql`DATABASE()` : sql`${schema}`
  }`;
  const negative = sql`SELECT * FROM information_schema.COLUMNS
    WHERE ${inTable} AND COLUMN_NAME = 'id' AND COLUMN_TYPE NOT LIKE '%unsigned%'`;
  const [fit] = await run(
    sql`SELECT TRANSACTIONS AS transactions FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE)
      WHERE ${inTable} AND EXISTS (${negative})`,
  );
  if (fit?.transactions !== "YES") return;
  // Not the next number: the table would count on from there, and has none of these.
  const id = -(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1) - 1;
  await run(sql`START TRANSACTION`);
  try {
    await ask(insert(dialect, rehearsal, sql``, id));
    await ask(update(dialect, sql`id = ${id}`));
  } finally {
    await run(sql`ROLLBACK`);
  }
}

/** A row as a run begins with it. */
function insert(
  { table, now, after, session }: Store["dialect"],
  { lock, rule, runner }: Rehearsal,
  rest: Statement,
  id?: number,
): Statement {
  const values = {
    version: sql`${VERSION}`,
    lock_name: sql`${lock}`,
    run_key: rule.once === undefined ? sql`NULL` : sql`${rule.once}`,
    label: sql`${runner.label}`,
    host: sql`${runner.host}`,
    pid: sql`${runner.pid}`,
    session_id: session,
    user_name: sql`${runner.user}`,
    outcome: sql`'running'`,
    started: now,
    expires: after(rule.keepHistory),
  };
  const names = COLUMN_NAMES.filter((name): name is keyof typeof values => name in values);
  const own = id === undefined ? sql`` : sql`id, `;
  return sql`INSERT INTO ${table} (${own}${join(names.map((name) => COLUMNS[name]))})
    SELECT ${id === undefined ? sql`` : sql`${id}, `}${join(names.map((name) => values[name]))} ${rest}`;
}

/** What becomes of it. */
function update({ table, now, after }: Store["dialect"], which: Statement): Statement {
  return sql`UPDATE ${table}
    SET outcome = 'succeeded', finished = ${now}, exit_code = 0, expires = ${after(0)} WHERE ${which}`;
}
