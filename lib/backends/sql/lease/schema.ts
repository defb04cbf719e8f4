import type { Quoting } from "../quoting.ts";
import { join, sql, type Statement } from "../statement.ts";

/** The columns of the table of leases. */
export type LeaseColumn = keyof typeof NAMES;

const NAMES = {
  name: sql`name`,
  owner: sql`owner`,
  fence: sql`fence`,
  beat: sql`beat`,
  ttl_ms: sql`ttl_ms`,
  expires: sql`expires`,
  host: sql`host`,
  pid: sql`pid`,
  label: sql`label`,
  since: sql`since`,
};

/**
 * The statement that creates the table of leases unless it exists.
 *
 * @param types What follows the columns' names.
 * @param options What follows the columns.
 */
export function createLeases(
  table: Statement,
  types: Readonly<Record<LeaseColumn, Statement>>,
  options: Statement = sql``,
): Statement {
  const columns = Object.entries(NAMES).map(([name, column]) => sql`${column} ${types[name as LeaseColumn]}`);
  return sql`CREATE TABLE IF NOT EXISTS ${table} (\n  ${join(columns, sql`,\n  `)}\n)${options}`;
}

/**
 * The definition of the table of leases for an administrator to run by hand.
 *
 * @param more GRANT statements for further privileges that a user needs, up to `TO`.
 */
export function leaseSchemaText(
  table: Statement,
  create: Statement,
  quoting: Quoting,
  more: readonly Statement[] = [],
): string {
  const rights = [...more, sql`GRANT SELECT, INSERT, UPDATE ON ${table}`]
    .map((right) => `-- ${right.textFor(quoting)} TO ...;\n`);
  return `-- The leases of sera. Whoever runs sera with --lease needs no more than this on them:\n` +
    `${rights.join("")}${create.textFor(quoting)};\n`;
}
