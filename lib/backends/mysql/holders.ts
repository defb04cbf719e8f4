import { wholeFrom } from "../../text/untrusted.ts";
import { identifier, join, sql, type Statement, word } from "../sql/statement.ts";
import { queueLiteral } from "./acquisition_sql.ts";
import type { MySqlSession } from "./session.ts";
import { holdsSeveral, readSlotHolders, type SlotHolder } from "./slot_holders.ts";

/** How many locks one query asks about. */
const AT_ONCE = 100;

/** Reads the holders of these locks and of their slots. */
export async function readHolders(
  session: MySqlSession,
  locks: readonly string[],
  signal: AbortSignal,
): Promise<readonly SlotHolder[]> {
  return await inParts(locks, async (some) => {
    if (holdsSeveral(session.variables)) return await readSlotHolders(session, some, { signal });
    const holders = await readUsers(session, some, word, signal);
    return holders.map(({ lock, id }) => ({ lock, id, slot: 0, slots: undefined, isSettled: false }));
  });
}

/** Reads the head of the queue for the slots of each lock, if there is one. */
export async function readHeads(
  session: MySqlSession,
  locks: readonly string[],
  signal: AbortSignal,
): Promise<readonly Pick<SlotHolder, "lock" | "id">[]> {
  if (!holdsSeveral(session.variables)) return [];
  return await inParts(locks, (some) => readUsers(session, some, queueLiteral, signal));
}

/** The sessions that hold a named lock of each of these. */
async function readUsers(
  session: MySqlSession,
  locks: readonly string[],
  nameOf: (lock: string) => Statement,
  signal: AbortSignal,
): Promise<readonly Pick<SlotHolder, "lock" | "id">[]> {
  const columns = locks.map((lock) => sql`IS_USED_LOCK(${nameOf(lock)}) AS ${identifier(`lock_${lock}`)}`);
  const row = await session.query(sql`SELECT ${join(columns)}`, { signal });
  return locks.flatMap((lock) => {
    const id = wholeFrom(row[`lock_${lock}`]);
    return id === undefined ? [] : [{ lock, id }];
  });
}

async function inParts<T>(
  all: readonly string[],
  read: (some: readonly string[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (let first = 0; first < all.length; first += AT_ONCE) {
    found.push(...await read(all.slice(first, first + AT_ONCE)));
  }
  return found;
}
