/** A look at all rows of a lock: its own, which is that of slot 0, and those of its further slots. */

import { slotIn } from "../../../lock/slot_name.ts";
import type { Row } from "../row.ts";
import { sql, type Statement } from "../statement.ts";
import { type Reading, readLease } from "./read_row.ts";
import type { Lease } from "./row.ts";

/** What a look has shown. */
export interface Look {
  /** The leases that somebody has; without the texts about the holders. */
  readonly leases: readonly Lease[];
  /** The names of all rows, also of those that nobody has. */
  readonly names: ReadonlySet<string>;
}

/** The condition for the rows of a lock and its slots. A range, which the index finds: "/" comes after "." in ASCII. */
export function isRowOf(lock: string): Statement {
  return sql`(name = ${lock} OR (name > ${`${lock}.`} AND name < ${`${lock}/`}))`;
}

/** The statement for {@linkcode readLook}, by one who holds a lease: what others hold. */
export function selectOthers(
  table: Statement,
  { lock, owner }: { readonly lock: string; readonly owner: string },
  reading: Pick<Reading, "readText" | "readNumber" | "left">,
): Statement {
  return sql`${selectLook(table, slotIn(lock).lock, reading)} AND owner <> ${owner}`;
}

/** The statement for {@linkcode readLook}. */
export function selectLook(
  table: Statement,
  lock: string,
  { readText, readNumber, left }: Pick<Reading, "readText" | "readNumber" | "left">,
): Statement {
  return sql`SELECT ${readText(sql`name`)} AS lock_name, ${readText(sql`owner`)} AS owner_id,
    ${readNumber(sql`fence`)} AS fence_number, ${readNumber(sql`beat`)} AS beat_number,
    ${readNumber(sql`ttl_ms`)} AS ttl, ${left} AS left_ms FROM ${table} WHERE ${isRowOf(lock)}`;
}

/**
 * Reads the rows of a look. Rows that only look like those of slots are left out.
 *
 * @param shown The table as messages name it.
 * @throws {LockUnavailableError} When nobody can go by one of them.
 */
export function readLook(rows: readonly Row[], lock: string, shown: string, reading: Reading): Look {
  const named = rows.map((row) => ({ row, name: reading.decodeText(row.lock_name) ?? "" }))
    .filter(({ name }) => slotIn(name).lock === lock);
  return {
    leases: named.flatMap(({ row }) => readLease(row, shown, reading) ?? []),
    names: new Set(named.map(({ name }) => name)),
  };
}
