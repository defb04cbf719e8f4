import type { Deadline } from "../../deadline.ts";
import type { Presence } from "../../lock/presence.ts";
import { slotIn, slotName } from "../../lock/slot_name.ts";
import { askOne } from "../sql/answer.ts";
import type { SessionQueue } from "../sql/lease/server.ts";
import { markOf } from "../sql/mark.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { advisoryKey } from "./advisory_key.ts";
import { AdvisoryLock } from "./advisory_lock.ts";
import { HeldCheck } from "./held_check.ts";
import { placeArgs } from "./places.ts";
import type { PostgresSession } from "./session.ts";
import { Slots } from "./slots.ts";
import { despiteTies } from "./ties.ts";
import { Wanted } from "./wanted.ts";

/**
 * The advisory locks beside leases. They are those that would be held without leases, with the same marks for slots, the
 * same seats and the same places to wait in: who has no lease takes part.
 */
export class LeaseQueue implements SessionQueue<PostgresSession> {
  readonly #presence: Presence;
  readonly #locks = new Map<string, AdvisoryLock>();
  /** The slots that it has the session lock of, and the session of each. */
  readonly #slots = new Map<string, PostgresSession>();

  /** @param presence Whoever asks, for which lock, and for how many slots. */
  constructor(presence: Presence) {
    this.#presence = presence;
  }

  async enter(session: PostgresSession, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    const { lock, slot } = slotIn(name);
    const count = this.#presence.slots ?? 0;
    if (lock !== this.#presence.lock || slot >= count) {
      const plain = new Wanted(name);
      return await this.#take(this.#lockOf(name), plain, session, deadline, signal);
    }
    const wanted = new Wanted(lock, [], new Slots(lock, count, slot));
    const one = this.#newLock(lock, wanted);
    if (!await this.#take(one, wanted, session, deadline, signal)) return false;
    this.#locks.set(name, one);
    this.#slots.set(name, session);
    return true;
  }

  async enterSlot(session: PostgresSession, deadline: Deadline, signal: AbortSignal): Promise<number | undefined> {
    const { lock } = this.#presence;
    const wanted = new Wanted(lock, [], new Slots(lock, this.#presence.slots!));
    const any = this.#newLock(lock, wanted);
    const isIn = await despiteTies(session, signal, () => this.#take(any, wanted, session, deadline, signal));
    if (!isIn) return undefined;
    const name = slotName(lock, any.slot!);
    this.#locks.set(name, any);
    this.#slots.set(name, session);
    return any.slot;
  }

  async enterAny(
    session: PostgresSession,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const tries = names.map((name, index) => sql`WHEN pg_try_advisory_lock(${argsOf(name)}) THEN ${index}`);
    const question = sql`SELECT CASE ${join(tries, sql` `)} ELSE ${names.length} END AS which`;
    return names[(await askOne(session, question, ["which"], { signal })).whole("which")];
  }

  async leave(session: PostgresSession, name: string): Promise<boolean> {
    const seat = seatIn(name);
    if (!seat) return await this.#release(session, name);
    return (await askOne(session, sql`SELECT pg_advisory_unlock(${seat}) AS released`, ["released"])).truth("released");
  }

  leaveWhere(session: PostgresSession, name: string, condition: Statement): ReleaseWhere {
    this.#slots.delete(name);
    return this.#lockOf(name).releaseWhere(session, condition);
  }

  /**
   * Waits for what is wanted. Then looks at who else holds the lock, in the same message where it was free.
   *
   * @throws {OtherSlotsError} When somebody takes the lock to have another number of slots.
   */
  async #take(
    lock: AdvisoryLock,
    wanted: Wanted,
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<boolean> {
    const check = new HeldCheck(wanted);
    const granted = await lock.wait(session, deadline, signal, {
      statement: check.look(session),
      whileBusy: (outcome) => {
        // With slots the question itself says whether there is anything to wait for.
        const conflict = wanted.slots ? undefined : wanted.conflict(check.looked(session, outcome));
        if (conflict) throw conflict;
      },
    });
    if (!granted) return false;
    lock.leaveSeat(session);
    let conflict;
    try {
      conflict = wanted.conflict(check.looked(session, granted.along ?? await check.lookNow(session, signal)));
    } catch (error) {
      // Another try must not get twice what this session has.
      session.destroy();
      throw error;
    }
    if (!conflict) return true;
    await lock.release(session);
    throw conflict;
  }

  async #release(session: PostgresSession, name: string): Promise<boolean> {
    const released = await this.#lockOf(name).release(session);
    const { lock, slots } = this.#presence;
    const hasOther = this.#slots.delete(name) && [...this.#slots.values()].includes(session);
    // What showed it to be settled went with the slot, and it still holds another one.
    if (hasOther) await session.attempt(sql`SELECT ${new Slots(lock, slots!).settle}`);
    return released;
  }

  #lockOf(name: string): AdvisoryLock {
    const lock = this.#locks.get(name) ?? this.#newLock(name);
    this.#locks.set(name, lock);
    return lock;
  }

  #newLock(name: string, wanted = new Wanted(name)): AdvisoryLock {
    return new AdvisoryLock(name, { wanted, waitsFor: (session, lock) => this.#waitsFor(session, lock) });
  }

  /** Lets others see which of several locks is waited for. */
  #waitsFor(session: PostgresSession, lock: string): void {
    const { lock: main, also = [], slots } = this.#presence;
    if (also.length === 0) return;
    const others = [main, ...also].filter((name) => name !== lock);
    session.mark = markOf({ ...this.#presence, lock, also: others, slots: lock === main ? slots : undefined });
  }
}

/** The key of one of those who wait and have a limit, by the name that leases give it; undefined for other names. */
function seatIn(name: string): Statement | undefined {
  const [, lock, seat] = /^(.*)\.w(\d+)$/.exec(name) ?? [];
  return lock === undefined ? undefined : placeArgs(lock, sql`${Number(seat) + 1}`);
}

function argsOf(name: string): Statement {
  return seatIn(name) ?? advisoryKey(name).args;
}
