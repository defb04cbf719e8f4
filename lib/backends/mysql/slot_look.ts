/**
 * Who holds slots of a lock. Each slot is a named lock, and beside it its holder has another one, the mark of how many slots
 * the lock has for it: `LOCK.2of5` for slot 2 of 5. The mark is taken before the slot, and released after it. So a slot that
 * is held without the mark of some number is one of another number, unless it is released just now: to be sure, the server
 * is asked for the slot again, and who is to be refused is asked for by {@linkcode readSlotHolders}.
 */

import type { Trouble } from "../../errors.ts";
import { MOST_SLOTS, slotName } from "../../lock/slot_name.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import type { QueryOptions } from "../sql/query_options.ts";
import type { Session } from "../sql/session.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import type { ServerVariables } from "./topology.ts";

/** A table of all slots, in the shortest form that every server takes: it is in each message that asks for a lock. */
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
  const least = isMariaDb ? [10, 0, 2] as const : [5, 7, 5] as const;
  return (major - least[0] || minor - least[1] || patch - least[2]) >= 0;
}

/** The name of a slot, as a literal. */
export function slotWord(lock: string, slot: number): Statement {
  return word(slotName(lock, slot));
}

/** The name of the mark that the holder of a slot has, as a literal. */
export function markWord(lock: string, slot: number, slots: number): Statement {
  return word(`${lock}.${slot}of${slots}`);
}

/**
 * The name that shows that the holder of a slot is settled: that it has seen nobody in the way. By it holders vouch for each
 * other, see {@linkcode otherNumber}.
 *
 * @param slot An expression.
 */
export function settledName(lock: string, slot: Statement): Statement {
  return sql`CONCAT(${word(lock)}, '.', ${slot}, 'settled')`;
}

/** SQL that shows the holder of a slot to be settled, and is 0. */
export function settle(lock: string, slot: Statement): Statement {
  const name = settledName(lock, slot);
  return sql`IFNULL(IF(IS_USED_LOCK(${name}) = CONNECTION_ID(), 1, GET_LOCK(${name}, 0)), 0) > 1`;
}

/** SQL for whether somebody seems to hold a lock with slots, for who holds it without, or finds it busy. */
export function hasSlots(lock: string): Statement {
  return sql`EXISTS(SELECT 1 FROM ${SLOTS} WHERE IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}+1)) OR
    IS_USED_LOCK(CONCAT(${word(lock)}, '.0of', ${SLOT}+1)))`;
}

/**
 * SQL for whether somebody seems to hold a lock with another number of slots, or without slots.
 *
 * @param known The connection of a holder without slots that does not count.
 */
export function hasOtherSlots(lock: string, slots: number, known: number | undefined): Statement {
  const [first, mark] = [slotWord(lock, 0), markWord(lock, 0, slots)];
  const slot = sql`IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}))`;
  const marked = sql`IS_USED_LOCK(CONCAT(${word(lock)}, '.', ${SLOT}, ${word(`of${slots}`)}))`;
  return sql`(EXISTS(SELECT 1 FROM ${SLOTS} WHERE ${SLOT} > 0 AND ${slot} AND ${marked} IS NULL AND ${slot})
    OR (IS_USED_LOCK(${first}) NOT IN (CONNECTION_ID(), ${known ?? 0}) AND IS_USED_LOCK(${mark}) IS NULL
      AND IFNULL(IS_USED_LOCK(${first}), 0)))`;
}

/** SQL for whether this session holds the slot of a variable's value, and its mark. */
export function hasSlotOf(variable: Statement, lock: string, slots: number): Statement {
  const name = sql`IF(${variable} = 0, ${word(lock)}, CONCAT(${word(lock)}, '.', ${variable}))`;
  const mark = sql`CONCAT(${word(lock)}, '.', ${variable}, ${word(`of${slots}`)})`;
  return sql`IS_USED_LOCK(${name}) = CONNECTION_ID() AND IS_USED_LOCK(${mark}) = CONNECTION_ID()`;
}

/** Who holds a slot. */
export interface SlotHolder {
  readonly lock: string;
  readonly slot: number;
  /** The connection. */
  readonly id: number;
  /** How many slots the lock has for it; undefined if it knows of none. */
  readonly slots: number | undefined;
  /** Whether it has seen that nobody is in the way. */
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
    const [slot, id, slots] = [wholeFrom(row.slot), wholeFrom(row.id), wholeFrom(row.slots, 2, MOST_SLOTS)];
    // One that was released meanwhile has no number.
    return typeof name === "string" && slot !== undefined && id !== undefined
      ? [{ lock: name, slot, id, slots, isSettled: Number(row.settled) === 1 }]
      : [];
  });
}

/**
 * How many slots a lock has for those who hold it, if that is another number than one's own.
 *
 * Whoever takes the lock without slots looks for others then, and gives it back if there are any; an earlier sera does not,
 * and takes the place of slot 0. So it does not count where somebody is settled: that one has looked before the lock was
 * taken. Those who are not prove nothing, since several who have found the lock taken this way may see each other.
 *
 * @param own This session's connection, if it holds a slot.
 * @param slots One's own number; undefined for none.
 * @returns The number; who holds it without slots, though others have slots; or, if it cannot be told by now which of the
 * two that one is, `isTie`. None of them if they agree, and if nobody holds it.
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
