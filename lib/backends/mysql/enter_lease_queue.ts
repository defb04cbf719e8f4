/** Takes the named locks beside leases, unless others use another number of slots. */

import type { Deadline } from "../../deadline.ts";
import { OtherSlotsError } from "../../errors.ts";
import { answerIn } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { getNamedLock, releaseNamedLock } from "./named_lock.ts";
import type { MySqlSession } from "./session.ts";
import type { Agreement } from "./slot_agreement.ts";

/**
 * Waits for a lock without slots, unless others hold slots of it.
 *
 * @returns Whether the session has it now; "others" if it was released again since others hold slots.
 * @throws {OtherSlotsError} When it is busy, and others hold slots.
 */
export async function enterPlain(
  session: MySqlSession,
  { agreement, name }: { readonly agreement: Agreement; readonly name: Statement },
  deadline: Deadline,
  signal: AbortSignal,
): Promise<boolean | "others"> {
  const looks = sql`SELECT ${agreement.conflicts()} AS conflicts`;
  const granted = await getNamedLock(session, name, deadline, signal, {
    next: [looks],
    unless: agreement.conflicts(),
    async busy([next]) {
      if (session.closed.aborted || !await seesOthers(session, looks, next, signal)) return;
      const { number } = await agreement.others();
      if (number !== undefined) throw new OtherSlotsError(number, 1);
    },
  });
  if (!granted) return false;
  return await orDestroy(session, async () => {
    if (!await seesOthers(session, looks, granted.next[0], signal)) return true;
    await releaseNamedLock(session, [name]);
    return "others";
  });
}

/** How long to wait for the mark of a slot, in seconds: its last holder releases it right after the slot. */
const MARK_WAIT = 1;

/** What to take for a slot. */
interface SlotRequest {
  readonly agreement: Agreement;
  readonly number: Statement;
  readonly slot: Statement;
  readonly mark: Statement;
  /** The connection of a holder without slots on slot 0 that is known not to count. */
  readonly known: number | undefined;
}

/**
 * Takes the mark of a slot and the slot. If the last holder is about to release the slot, waits for it without the mark.
 *
 * Each attempt is a single statement, so that nobody sees the slot without its mark, and neither stays behind alone.
 *
 * @returns As `enterPlain()` does.
 */
export async function enterSlot(
  session: MySqlSession,
  { agreement, number, slot, mark, known }: SlotRequest,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<boolean | "others"> {
  const looks = sql`SELECT ${
    agreement.conflictsAfter(sql`IS_USED_LOCK(${slot}) = CONNECTION_ID()`, number)
  } AS conflicts`;
  const attempt = async (take: Statement, seconds: number) => {
    const all = [sql`SELECT ${take} AS got`, looks];
    const sent = session.takesSeveral ? all : all.slice(0, 1);
    const [first, next] = await session.batch(sent, { signal, serverTime: seconds * 1000 });
    return { got: Number(answerIn(session, rowsOf(first!), ["got"]).exact("got")), next };
  };
  const take = sql`IF(GET_LOCK(${mark}, 0), IF(GET_LOCK(${slot}, 0), 1, RELEASE_LOCK(${mark}) > 1), 0)`;
  let { got, next } = await attempt(sql`IF(${agreement.conflicts(known)}, -1, ${take})`, 0);
  if (got === -1) return "others";
  if (got === 0 && !deadline.passed) {
    // In whole seconds, as servers count them: ending a wait by our own clock would end the session.
    const seconds = Math.ceil(deadline.remaining / 1000);
    const wait = sql`IF(GET_LOCK(${slot}, ${seconds}),
      IF(GET_LOCK(${mark}, ${MARK_WAIT}), 1, RELEASE_LOCK(${slot}) > 1), 0)`;
    ({ got, next } = await attempt(wait, seconds + MARK_WAIT));
  }
  if (got === 0) return false;
  return await orDestroy(session, async () => {
    if (!await seesOthers(session, looks, next, signal)) return true;
    const { number: other, isTie } = await agreement.others(session.id);
    if (other === undefined && !isTie) {
      await agreement.settle(number);
      return true;
    }
    await releaseNamedLock(session, [slot, mark]);
    return "others";
  });
}

/** Ends the session, which has a lock by now, if this fails: another attempt must not take the lock twice. */
async function orDestroy<T>(session: MySqlSession, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/** Whether there seem to be others with another number of slots; asks if the question was not sent along. */
async function seesOthers(
  session: MySqlSession,
  looks: Statement,
  next: Outcome | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const rows = next ? rowsOf(next) : await session.queryAll(looks, { signal });
  return answerIn(session, rows, ["conflicts"]).bit("conflicts") === true;
}
