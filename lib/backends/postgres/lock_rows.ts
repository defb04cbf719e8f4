/** The rows of `pg_locks` that sera's locks are seen by: those of locks and slots, and the marks of the latter. */

import { pidFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Row } from "../sql/row.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { halfWithoutSlot } from "./advisory_key.ts";
import { keyOfRow } from "./key.ts";
import { IS_PLACE } from "./places.ts";
import { IS_SEAT } from "./seats.ts";
import { IS_MARK, IS_SETTLED, marked, marksHalf } from "./slot_marks.ts";

/** SQL for whether a row that is an advisory lock is something that sera needs beside locks that commands run under. */
export const IS_AUXILIARY = sql`(${IS_SEAT} OR ${IS_PLACE} OR ${IS_MARK} OR ${IS_SETTLED})`;

/** The server's processes for sessions that hold slots, as a list for `IN`. */
export const SLOT_HOLDERS = sql`(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND ${IS_MARK})`;

/** The condition for the locks and marks of such sessions. */
export const OF_SLOT_HOLDERS = sql`(pid IN ${SLOT_HOLDERS} AND NOT (${IS_SEAT} OR ${IS_PLACE} OR ${IS_SETTLED}))`;

/** The columns that {@linkcode readLockRows} needs. */
export const LOCK_COLUMNS: Statement = sql`classid, objid, objsubid, granted, pid AS session, ${IS_MARK} AS marks`;

/** A lock or a slot, and who holds it or waits for it in the server's own queue. */
export interface LockRow {
  /** The lock's key without the slot, see `keyOfRow()`. */
  readonly key: string;
  readonly slot?: number;
  readonly slots?: number;
  readonly session: number | undefined;
  readonly granted: boolean;
}

/** Puts each slot and its mark together. */
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

/** The slot that a row is about if the mark is that slot's. */
function slotIn(row: Row, mark: Row): Pick<LockRow, "key" | "slot" | "slots">[] {
  const halves = [row.classid, row.objid, mark.classid, mark.objid].map((half) => wholeFrom(half, 0, 2 ** 32 - 1));
  const [high, low, half, number] = halves;
  if (high === undefined || low === undefined || half === undefined || number === undefined) return [];
  const { slots, slot } = marked(number);
  const [classid, objid] = [high, low].map((half) => halfWithoutSlot(half, slot) >>> 0);
  const key = keyOfRow({ ...row, classid, objid });
  return key !== undefined && marksHalf(key) === (half | 0) ? [{ key, slot, slots }] : [];
}
