import { Deadline } from "../../deadline.ts";
import { OtherSlotsError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { slotIn, slotName } from "../../lock/slot_name.ts";
import { delayOrAbort } from "../../waiting.ts";
import { answerIn, askOne } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import { SETTLED } from "../sql/lease/slot_agreement.ts";
import type { SessionQueue } from "../sql/lease/server.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import { Agreement } from "./slot_agreement.ts";
import { getNamedLock, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { holdsSeveral, markLiteral, settledName } from "./slot_holders.ts";

/** The longest pause before looking again for others with another number of slots, in milliseconds. */
const LOOK_PAUSE = 50;

/**
 * The session locks of leases: named locks. For runs without leases, they carry the same marks with the number of slots, and
 * they are not taken while others hold the lock with another number. See `slot_holders.ts`.
 */
export class MySqlLeaseQueue implements SessionQueue<MySqlSession> {
  readonly #lock: string;
  readonly #slots: number | undefined;
  /** The marks of this lock's slots, by the slots' names; as literals. */
  readonly #marks: ReadonlyMap<string, Statement>;

  constructor({ presence: { lock }, slots }: Pick<MySqlOptions, "presence" | "slots">) {
    this.#lock = lock;
    this.#slots = slots;
    this.#marks = new Map(
      Array.from({ length: slots ?? 0 }, (_, slot) => [slotName(lock, slot), markLiteral(lock, slot, slots!)]),
    );
  }

  async enter(session: MySqlSession, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    const agreement = this.#agreementOn(session, name);
    if (!agreement) return await this.enterAnd(session, name, deadline, signal, []) !== undefined;
    const mark = this.#marks.get(name);
    let known: number | undefined;
    for (const began = new Moment();;) {
      const sessionLocks = mark
        ? await enterSlot(
          session,
          { agreement, number: numberIn(name), slot: word(name), mark, known },
          deadline,
          signal,
        )
        : await enterPlain(session, { agreement, name: word(name) }, deadline, signal);
      if (sessionLocks !== "others") return sessionLocks;
      const others = await agreement.others(session.id);
      // Others that came at the same moment may give way, but not to a run without slots.
      const isSettled = !mark || began.age >= SETTLED;
      if (others.number !== undefined && isSettled) throw new OtherSlotsError(others.number, this.#slots ?? 1);
      known = others.plain;
      if (mark && isSettled && known === undefined) return false;
      if (known === undefined) await delayOrAbort(Math.random() * LOOK_PAUSE, signal);
      signal.throwIfAborted();
    }
  }

  async enterAnd(
    ...[session, name, deadline, signal, next]: Parameters<NonNullable<SessionQueue<MySqlSession>["enterAnd"]>>
  ): Promise<readonly Outcome[] | undefined> {
    // Unencoded, since other seras search the process list for it.
    return (await getNamedLock(session, word(name), deadline, signal, { next }))?.next;
  }

  async enterAny(session: MySqlSession, names: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const tries = names.map((name, index) => sql`WHEN GET_LOCK(${word(name)}, 0) THEN ${index}`);
    const statement = sql`SELECT CASE ${join(tries, sql` `)} ELSE ${names.length} END AS which`;
    const answer = await askOne(session, statement, ["which"], { signal });
    return names[answer.whole("which")];
  }

  leave(session: MySqlSession, name: string): Promise<boolean> {
    return releaseNamedLock(session, this.#allOf(session, name), this.#settledOf(name));
  }

  leaveWhere(session: MySqlSession, name: string, condition: Statement): ReleaseWhere {
    return releaseNamedLockWhere(session, this.#allOf(session, name), condition, this.#settledOf(name));
  }

  /** The named locks that are held together, in the order of release. */
  #allOf(session: MySqlSession, name: string): readonly Statement[] {
    const mark = holdsSeveral(session.variables) ? this.#marks.get(name) : undefined;
    return mark ? [word(name), mark] : [word(name)];
  }

  /** The lock that marks the holder of a slot as settled. */
  #settledOf(name: string): Statement | undefined {
    return this.#marks.has(name) ? settledName(this.#lock, numberIn(name)) : undefined;
  }

  /** The agreement that a name needs; undefined where slots are not supported, and for other names than locks and own slots. */
  #agreementOn(session: MySqlSession, name: string): Agreement | undefined {
    const isPlain = this.#slots === undefined && isLockName(name);
    if (!isPlain && !this.#marks.has(name)) return undefined;
    const agreement = new Agreement(session, { presence: { lock: isPlain ? name : this.#lock }, slots: this.#slots });
    return agreement.isNeeded ? agreement : undefined;
  }
}

/** The number of a slot, by its name. */
function numberIn(name: string): Statement {
  return sql`${slotIn(name).slot}`;
}

/**
 * Waits for a lock without slots, unless others hold slots of it.
 *
 * @returns Whether the session has it now; "others" if it was released again since others hold slots.
 * @throws {OtherSlotsError} When it is busy, and others hold slots.
 */
async function enterPlain(
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
  if (!await seesOthers(session, looks, granted.next[0], signal)) return true;
  await releaseNamedLock(session, [name]);
  return "others";
}

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
 * @returns As `enterPlain()` does.
 */
async function enterSlot(
  session: MySqlSession,
  { agreement, number, slot, mark, known }: SlotRequest,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<boolean | "others"> {
  const looks = sql`SELECT ${
    agreement.conflictsAfter(sql`IS_USED_LOCK(${slot}) = CONNECTION_ID()`, number)
  } AS conflicts`;
  const take = sql`IF(GET_LOCK(${mark}, 0), IF(GET_LOCK(${slot}, 0), 1, RELEASE_LOCK(${mark}) > 1), 0)`;
  const all = [sql`SELECT IF(${agreement.conflicts(known)}, -1, ${take}) AS got`, looks];
  const [first, ...more] = await session.batch(session.takesSeveral ? all : all.slice(0, 1), { signal });
  let next = more[0];
  const got = Number(answerIn(session, rowsOf(first!), ["got"]).exact("got"));
  if (got === -1) return "others";
  if (got === 0) {
    if (deadline.passed) return false;
    // In whole seconds, as servers count them: ending a wait by our own clock would end the session.
    const whole = new Deadline(Math.ceil(deadline.remaining / 1000) * 1000);
    const granted = await getNamedLock(session, slot, whole, signal, {
      next: [sql`SELECT GET_LOCK(${mark}, 1)`, looks],
    });
    if (!granted) return false;
    next = granted.next[1];
  }
  if (!await seesOthers(session, looks, next, signal)) return true;
  const { number: other, isTie } = await agreement.others(session.id);
  if (other === undefined && !isTie) {
    await agreement.settle(number);
    return true;
  }
  await releaseNamedLock(session, [slot, mark]);
  return "others";
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
