import { join, sql, type Statement } from "./statement.ts";
import type { Dialect, LedgerColumn } from "./dialect.ts";

/**
 * The schema version; every row has the version known to its writer. A new version may only add columns that can be NULL
 * or have a default, so that an older sera can use a newer table, and a newer sera can add what an older table lacks.
 */
export const VERSION = 1;

/** All columns except the id, in SQL. */
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

/** The names of all columns except the id, in order. */
export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly LedgerColumn[];

/** For queries of a lock's runs by key, time or outcome, and of expired runs. */
const INDEXES: Readonly<Record<string, readonly LedgerColumn[]>> = {
  once: ["lock_name", "run_key"],
  every: ["lock_name", "started"],
  outcome: ["lock_name", "outcome"],
  expires: ["expires"],
};

/** The statements that create the table and its indexes, unless they exist. */
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
  const statements = createTable(dialect).map((statement) => `${statement.textFor(dialect.quoting)};\n`).join("");
  return `-- The ledger of sera. Whoever runs sera with it needs no more than this on it:\n` +
    `-- GRANT SELECT, INSERT, UPDATE, DELETE ON ${dialect.table.textFor(dialect.quoting)} TO ...;\n${statements}`;
}
