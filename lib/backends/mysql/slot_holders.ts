/**
 * The holders of a lock's slots. Each slot is a named lock, and its holder also holds another one, the mark with the number of
 * slots: `LOCK.2of5` for slot 2 of 5. The mark is taken before the slot and released after it. So a slot that is held without
 * the mark of a number belongs to another number, unless it is just being released: to be sure, the statement tests the slot
 * twice, and {@linkcode readSlotHolders} finds out who conflicts.
 */

import type { Trouble } from "../../errors.ts";
import { MAX_SLOTS, slotName } from "../../lock/slot_name.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import type { QueryOptions } from "../sql/query_options.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import type { ServerVariables } from "./topology.ts";

/** A table of all slots, in the shortest form that every server accepts, since each request for a lock contains it. */
const SLOTS = join(
  [sql`a`, sql`b`, sql`c`, sql`d`].map((digit) =>
    sql`(SELECT 0 ${digit} UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) ${digit}`
  ),
);

/** A slot in {@linkcode SLOTS}. */
const SLOT = sql`a*64+b*16+c*4+d`;

/** Whether a session can hold several named locks: since MySQL 5.7.5 and MariaDB 10.0.2. */
export function holdsSeveral(variables: ServerVariables): boolean {
  const version = variables.get("version") ?? "";
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const isMariaDb = /mariadb/i.test(`${version} ${variables.get("version_comment") ?? ""}`);
  const [major = 0, minor = 0, patch = 0] = numbers.map(Number);
  const min = isMariaDb ? [10, 0, 2] as const : [5, 7, 5] as const;
  return (major - min[0] || minor - min[1] || patch - min[2]) >= 0;
}

/** The name of a slot, as a literal. */
export function slotLiteral(lock: string, slot: number): Statement {
  return word(slotName(lock, slot));
}

/** The name of the mark that the holder of a slot has, as a literal. */
export function markLiteral(lock: string, slot: number, slots: number): Statement {
  return word(`${lock}.${slot}of${slots}`);
}

/**
 * The name of the lock that marks the holder of a slot as settled: it has seen no conflict. See {@linkcode otherNumber} for
 * its use.
 *
 * @param slot An expression.
 */
export function settledName(lock: string, slot: Statement): Statement {
  return sql`CONCAT(${word(lock)}, '.', ${slot}, 'settled')`;
}

/** SQL that marks the holder of a slot as settled. Its value is 0. */
export function settle(lock: string, slot: Statement): Statement {
  const name = settledName(lock, slot);
  return sql`IFNULL(IF(IS_USED_LOCK(${name}) = CONNECTION_ID(), 1, GET_LOCK(${name}, 0)), 0) > 1`;
}

/** SQL for whether somebody seems to hold the lock with slots; for runs without slots. */
export function hasSlots(lock: string): Statement {
  return sql`EXISTS(SELECT 1 FROM ${SLOTS} WHERE IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}+1)) OR
    IS_USED_LOCK(CONCAT(${word(lock)}, '.0of', ${SLOT}+1)))`;
}

/**
 * SQL for whether somebody seems to hold a lock with another number of slots, or without slots.
 *
 * @param known The connection of a holder without slots that is known not to count.
 */
export function hasOtherSlots(lock: string, slots: number, known: number | undefined): Statement {
  const [first, mark] = [slotLiteral(lock, 0), markLiteral(lock, 0, slots)];
  const slot = sql`IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}))`;
  const marked = sql`IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}, ${word(`of${slots}`)}))`;
  return sql`(EXISTS(SELECT 1 FROM ${SLOTS} WHERE ${SLOT} > 0 AND ${slot} AND ${marked} IS NULL AND ${slot})
    OR (IS_USED_LOCK(${first}) NOT IN (CONNECTION_ID(), ${known ?? 0}) AND IS_USED_LOCK(${mark}) IS NULL
      AND IFNULL(IS_USED_LOCK(${first}), 0)))`;
}

/** SQL for whether this session holds the slot with the number in a variable, and its mark. */
export function hasSlotOf(variable: Statement, lock: string, slots: number): Statement {
  const name = sql`IF(${variable} = 0, ${word(lock)}, CONCAT(${word(lock)}, '.', ${variable}))`;
  const mark = sql`CONCAT(${word(lock)}, '.', ${variable}, ${word(`of${slots}`)})`;
  return sql`IS_USED_LOCK(${name}) = CONNECTION_ID() AND IS_USED_LOCK(${mark}) = CONNECTION_ID()`;
}

/** A holder of a slot. */
export interface SlotHolder {
  readonly lock: string;
  readonly slot: number;
  /** The connection. */
  readonly id: number;
  /** How many slots the lock has for this holder; undefined if it holds the lock without slots. */
  readonly slots: number | undefined;
  /** Whether it has seen that nobody conflicts. */
  readonly isSettled: boolean;
}

/**
 * The holders of all slots of some locks.
 *
 * @param locks At least one.
 * @throws {LockUnavailableError} When the server does not answer.
 */
export async function readSlotHolders(
  session: Session,
  locks: readonly string[],
  options?: QueryOptions,
): Promise<readonly SlotHolder[]> {
  const names = join(locks.map((lock) => sql`SELECT ${word(lock)} AS name`), sql` UNION ALL `);
  const marked = sql`IS_USED_LOCK(CONCAT(name, '.', slot, 'of', ${SLOT}+1)) = id`;
  const rows = await session.queryAll(
    sql`SELECT name, slot, id, (SELECT ${SLOT}+1 FROM ${SLOTS} WHERE ${marked} LIMIT 1) AS slots,
      IFNULL(IS_USED_LOCK(CONCAT(name, '.', slot, 'settled')) = id, 0) AS settled FROM (
      SELECT name, ${SLOT} AS slot, IS_USED_LOCK(IF(${SLOT} = 0, name, CONCAT(name, '.', ${SLOT}))) AS id
      FROM (${names}) locks, ${SLOTS}) held WHERE id IS NOT NULL`,
    options,
  );
  return rows.flatMap(({ name, ...row }) => {
    const [slot, id, slots] = [wholeFrom(row.slot), wholeFrom(row.id), wholeFrom(row.slots, 2, MAX_SLOTS)];
    // A slot that was released meanwhile has no number.
    return typeof name === "string" && slot !== undefined && id !== undefined
      ? [{ lock: name, slot, id, slots, isSettled: Number(row.settled) === 1 }]
      : [];
  });
}

/**
 * How many slots a lock has for its holders, if they use another number than this session.
 *
 * A run that takes the lock without slots then checks for holders of slots, and releases it if there are any. Older versions
 * do not check, and occupy slot 0. Such a holder does not count if another holder is settled, since that one had its slot
 * before. Holders that are not settled prove nothing: several of them may have come after the holder without slots.
 *
 * @param own This session's connection, if it holds a slot.
 * @param slots This session's number; undefined for none.
 * @returns The other `number`; or the connection of a `plain` holder that does not count; or `isTie` if it is not known yet
 * whether that holder counts. Nothing if all agree, or nobody holds it.
 */
export function otherNumber(
  holders: readonly SlotHolder[],
  own: number | undefined,
  slots: number | undefined,
): { readonly number?: number; readonly plain?: number; readonly isTie?: boolean } {
  const others = holders.filter(({ id }) => id !== own);
  const number = others.find((other) => other.slots !== undefined && other.slots !== slots)?.slots;
  const plain = others.find((other) => other.slots === undefined && other.slot === 0)?.id;
  if (number !== undefined) return { number };
  if (slots === undefined || plain === undefined) return {};
  const marked = others.filter((other) => other.slots !== undefined);
  if (marked.length === 0) return { number: 1 };
  return marked.some(({ isSettled }) => isSettled) ? { plain } : { isTie: true };
}

/** What is wrong where a slot of a lock stays held without a mark: its holder is not sera. */
export function noMark(lock: string): Trouble {
  return {
    what: "a session that is not sera's holds a slot of the lock, and does not say how many slots there are",
    cure: `find it with SELECT IS_USED_LOCK('${slotName(lock, 1)}'), and so on for .2, .3, ..., and end it`,
  };
}
