/** Reads all rows of a lock: its own, which is that of slot 0, and those of its further slots. */

import { slotIn } from "../../../lock/slot_name.ts";
import type { Row } from "../row.ts";
import { sql, type Statement } from "../statement.ts";
import { type Reading, readLease } from "./read_row.ts";
import type { Lease } from "./row.ts";

/** All rows of a lock, as read at one moment. */
export interface Snapshot {
  /** The leases that are held; without the texts about the holders. */
  readonly leases: readonly Lease[];
  /** The names of all rows, including free ones. */
  readonly names: ReadonlySet<string>;
}

/** The condition for the rows of a lock and its slots. "/" follows "." in ASCII, so this is a range that the index finds. */
export function isRowOf(lock: string): Statement {
  return sql`(name = ${lock} OR (name > ${`${lock}.`} AND name < ${`${lock}/`}))`;
}

/** Like {@linkcode selectSnapshot}, for the holder of a lease: reads only what others hold. */
export function selectOthers(
  table: Statement,
  { lock, owner }: { readonly lock: string; readonly owner: string },
  reading: Pick<Reading, "readText" | "readNumber" | "left">,
): Statement {
  return sql`${selectSnapshot(table, slotIn(lock).lock, reading)} AND owner <> ${owner}`;
}

/** The statement for {@linkcode readSnapshot}. */
export function selectSnapshot(
  table: Statement,
  lock: string,
  { readText, readNumber, left }: Pick<Reading, "readText" | "readNumber" | "left">,
): Statement {
  return sql`SELECT ${readText(sql`name`)} AS lock_name, ${readText(sql`owner`)} AS owner_id,
    ${readNumber(sql`fence`)} AS fence_number, ${readNumber(sql`beat`)} AS beat_number,
    ${readNumber(sql`ttl_ms`)} AS ttl, ${left} AS left_ms FROM ${table} WHERE ${isRowOf(lock)}`;
}

/**
 * Reads the answer to {@linkcode selectSnapshot}. Leaves out rows whose names only resemble those of slots.
 *
 * @param shown The table as messages name it.
 * @throws {LockUnavailableError} When one of them is invalid.
 */
export function readSnapshot(rows: readonly Row[], lock: string, shown: string, reading: Reading): Snapshot {
  const named = rows.map((row) => ({ row, name: reading.decodeText(row.lock_name) ?? "" }))
    .filter(({ name }) => slotIn(name).lock === lock);
  return {
    leases: named.flatMap(({ row }) => readLease(row, shown, reading) ?? []),
    names: new Set(named.map(({ name }) => name)),
  };
}
