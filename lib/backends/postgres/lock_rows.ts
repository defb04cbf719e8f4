/** The rows of `pg_locks` that show sera's locks: those of locks, of slots, and of the slots' markers. */

import { pidFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Row } from "../sql/row.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { halfWithoutSlot } from "./advisory_key.ts";
import { keyOfRow } from "./key.ts";
import { IS_PLACE } from "./places.ts";
import { IS_SEAT } from "./seats.ts";
import { IS_MARKER, IS_SETTLED, markersHalf, numbersInMarker } from "./slot_markers.ts";

/** SQL for whether a row that is an advisory lock is an auxiliary one of sera's, not a lock that a command runs under. */
export const IS_AUXILIARY = sql`(${IS_SEAT} OR ${IS_PLACE} OR ${IS_MARKER} OR ${IS_SETTLED})`;

/** The server processes of sessions that hold slots, as a list for `IN`. */
export const SLOT_HOLDERS = sql`(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND ${IS_MARKER})`;

/** The condition for the locks and markers of such sessions. */
export const OF_SLOT_HOLDERS = sql`(pid IN ${SLOT_HOLDERS} AND NOT (${IS_SEAT} OR ${IS_PLACE} OR ${IS_SETTLED}))`;

/** The columns that {@linkcode readLockRows} needs. */
export const LOCK_COLUMNS: Statement = sql`classid, objid, objsubid, granted, pid AS session, ${IS_MARKER} AS marks`;

/** A lock or a slot, and who holds it or waits for it in the server's own queue. */
export interface LockRow {
  /** The lock's key without the slot, see `keyOfRow()`. */
  readonly key: string;
  readonly slot?: number;
  readonly slots?: number;
  readonly session: number | undefined;
  readonly granted: boolean;
}

/** Combines each slot with its marker. */
export function readLockRows(rows: readonly Row[]): readonly LockRow[] {
  const marks = Map.groupBy(rows.filter(({ marks }) => marks === "t"), ({ session }) => session);
  return rows.filter(({ marks }) => marks !== "t").flatMap((row) => {
    const who = { session: pidFrom(wholeFrom(row.session)), granted: row.granted === "t" };
    const found = (marks.get(row.session) ?? []).flatMap((mark) => slotIn(row, mark));
    if (found.length > 0) return found.map((slot) => ({ ...slot, ...who }));
    const key = keyOfRow(row);
    return key === undefined ? [] : [{ key, ...who }];
  });
}

/** The slot that a row shows, if the marker is of that slot. */
function slotIn(row: Row, mark: Row): Pick<LockRow, "key" | "slot" | "slots">[] {
  const halves = [row.classid, row.objid, mark.classid, mark.objid].map((half) => wholeFrom(half, 0, 2 ** 32 - 1));
  const [high, low, half, number] = halves;
  if (high === undefined || low === undefined || half === undefined || number === undefined) return [];
  const { slots, slot } = numbersInMarker(number);
  const [classid, objid] = [high, low].map((half) => halfWithoutSlot(half, slot) >>> 0);
  const key = keyOfRow({ ...row, classid, objid });
  return key !== undefined && markersHalf(key) === (half | 0) ? [{ key, slot, slots }] : [];
}
