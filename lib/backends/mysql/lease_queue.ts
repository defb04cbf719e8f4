import type { Deadline } from "../../deadline.ts";
import { OtherSlotsError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { slotIn, slotName } from "../../lock/slot_name.ts";
import { delayOrAbort } from "../../waiting.ts";
import { askOne } from "../sql/answer.ts";
import type { Outcome } from "../sql/batch.ts";
import { SETTLED } from "../sql/lease/slot_agreement.ts";
import type { SessionQueue } from "../sql/lease/server.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import { enterPlain, enterSlot } from "./enter_lease_queue.ts";
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
      const entered = mark
        ? await enterSlot(
          session,
          { agreement, number: numberIn(name), slot: word(name), mark, known },
          deadline,
          signal,
        )
        : await enterPlain(session, { agreement, name: word(name) }, deadline, signal);
      if (entered !== "others") return entered;
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
