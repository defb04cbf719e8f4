import type { Dialect, LedgerColumn } from "./dialect.ts";

/**
 * The version of the table that this sera knows; every row tells which one its writer knew. Another version only ever
 * adds columns, which may be left out or NULL, and never changes what there is: an older sera goes on with a newer table,
 * and a newer one adds what an older table lacks.
 */
export const VERSION = 1;

/** All columns but the id. */
export const COLUMNS: readonly LedgerColumn[] = [
  "version",
  "lock_name",
  "run_key",
  "label",
  "host",
  "pid",
  "session_id",
  "user_name",
  "started",
  "finished",
  "exit_code",
  "outcome",
  "expires",
];

/** What is looked for: runs of a lock by key, by time and by outcome, and runs that may be forgotten. */
const INDEXES: Readonly<Record<string, readonly LedgerColumn[]>> = {
  once: ["lock_name", "run_key"],
  every: ["lock_name", "started"],
  outcome: ["lock_name", "outcome"],
  expires: ["expires"],
};

/** The statements that make the table; the first one does nothing where it is there already. */
export function createTable(dialect: Dialect): readonly string[] {
  const { table } = dialect;
  const indexes = Object.entries(INDEXES).map(([name, columns]) => ({
    name: dialect.indexName(name),
    list: columns.join(", "),
  }));
  const lines = [
    `id ${dialect.id}`,
    ...COLUMNS.map((name) => `${name} ${dialect.types[name]}`),
    ...(dialect.inlineIndexes ? indexes.map(({ name, list }) => `KEY ${name} (${list})`) : []),
  ];
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (\n  ${lines.join(",\n  ")}\n)${dialect.tableOptions}`,
    ...(dialect.inlineIndexes
      ? []
      : indexes.map(({ name, list }) => `CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${list})`)),
  ];
}

/** The table's definition for an administrator to run by hand. */
export function schemaText(dialect: Dialect): string {
  const statements = createTable(dialect).map((sql) => `${sql};\n`).join("");
  return `-- The ledger of sera. Whoever runs sera with it needs no more than this on it:\n` +
    `-- GRANT SELECT, INSERT, UPDATE, DELETE ON ${dialect.table} TO ...;\n${statements}`;
}
