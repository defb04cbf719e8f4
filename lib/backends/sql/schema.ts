import { join, sql, type Statement } from "./statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";

/**
 * The version of the table that this sera knows; every row tells which one its writer knew. Another version only ever
 * adds columns, which may be left out or NULL, and never changes what there is: an older sera goes on with a newer table,
 * and a newer one adds what an older table lacks.
 */
export const VERSION = 1;

/** All columns but the id, in SQL. */
export const COLUMNS: Readonly<Record<LedgerColumn, Statement>> = {
  version: sql`version`,
  lock_name: sql`lock_name`,
  run_key: sql`run_key`,
  label: sql`label`,
  host: sql`host`,
  pid: sql`pid`,
  session_id: sql`session_id`,
  user_name: sql`user_name`,
  started: sql`started`,
  finished: sql`finished`,
  exit_code: sql`exit_code`,
  outcome: sql`outcome`,
  expires: sql`expires`,
};

/** The names of all columns but the id, in their order. */
export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly LedgerColumn[];

/** What is looked for: runs of a lock by key, by time and by outcome, and runs that may be forgotten. */
const INDEXES: Readonly<Record<string, readonly LedgerColumn[]>> = {
  once: ["lock_name", "run_key"],
  every: ["lock_name", "started"],
  outcome: ["lock_name", "outcome"],
  expires: ["expires"],
};

/** The statements that make the table; the first one does nothing where it is there already. */
export function createTable(dialect: Dialect): readonly Statement[] {
  const { table } = dialect;
  const indexes = Object.entries(INDEXES).map(([name, columns]) => ({
    name: dialect.indexName(name),
    list: join(columns.map((name) => COLUMNS[name])),
  }));
  const lines = [
    sql`id ${dialect.id}`,
    ...COLUMN_NAMES.map((name) => sql`${COLUMNS[name]} ${dialect.types[name]}`),
    ...(dialect.inlineIndexes ? indexes.map(({ name, list }) => sql`KEY ${name} (${list})`) : []),
  ];
  return [
    sql`CREATE TABLE IF NOT EXISTS ${table} (\n  ${join(lines, sql`,\n  `)}\n)${dialect.tableOptions}`,
    ...(dialect.inlineIndexes
      ? []
      : indexes.map(({ name, list }) => sql`CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${list})`)),
  ];
}

/** The table's definition for an administrator to run by hand. */
export function schemaText(dialect: Dialect): string {
  const statements = createTable(dialect).map((statement) => `${statement.textFor(dialect.spelling)};\n`).join("");
  return `-- The ledger of sera. Whoever runs sera with it needs no more than this on it:\n` +
    `-- GRANT SELECT, INSERT, UPDATE, DELETE ON ${dialect.table.textFor(dialect.spelling)} TO ...;\n${statements}`;
}
