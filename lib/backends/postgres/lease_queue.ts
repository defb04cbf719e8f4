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
import { retryTie } from "./retry_tie.ts";
import { RequestedLocks } from "./requested_locks.ts";

/**
 * The advisory locks beside leases. They are those that would be held without leases, with the same markers for slots, the
 * same seats and the same places to wait in, so that a sera without leases takes part.
 */
export class LeaseQueue implements SessionQueue<PostgresSession> {
  readonly #presence: Presence;
  readonly #locks = new Map<string, AdvisoryLock>();
  /** The slots whose session locks this holds, and the session of each. */
  readonly #slots = new Map<string, PostgresSession>();

  /** @param presence Who asks, for which lock, and its number of slots. */
  constructor(presence: Presence) {
    this.#presence = presence;
  }

  async enter(session: PostgresSession, name: string, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    const { lock, slot } = slotIn(name);
    const count = this.#presence.slots ?? 0;
    if (lock !== this.#presence.lock || slot >= count) {
      const plain = new RequestedLocks(name);
      return await this.#take(this.#lockOf(name), plain, session, deadline, signal);
    }
    const requested = new RequestedLocks(lock, [], new Slots(lock, count, slot));
    const one = this.#newLock(lock, requested);
    if (!await this.#take(one, requested, session, deadline, signal)) return false;
    this.#locks.set(name, one);
    this.#slots.set(name, session);
    return true;
  }

  async enterSlot(session: PostgresSession, deadline: Deadline, signal: AbortSignal): Promise<number | undefined> {
    const { lock } = this.#presence;
    const requested = new RequestedLocks(lock, [], new Slots(lock, this.#presence.slots!));
    const any = this.#newLock(lock, requested);
    const isIn = await retryTie(session, signal, () => this.#take(any, requested, session, deadline, signal));
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
   * Waits for the requested locks. Then checks who else holds the lock; in the same message if it was free.
   *
   * @throws {OtherSlotsError} When others use the lock with another number of slots.
   */
  async #take(
    lock: AdvisoryLock,
    requested: RequestedLocks,
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<boolean> {
    const check = new HeldCheck(requested);
    const granted = await lock.wait(session, deadline, signal, {
      statement: check.look(session),
      whileBusy: (outcome) => {
        // With slots the request itself checks for conflicts.
        const conflict = requested.slots ? undefined : requested.conflict(check.looked(session, outcome));
        if (conflict) throw conflict;
      },
    });
    if (!granted) return false;
    lock.leaveSeat(session);
    let conflict;
    try {
      conflict = requested.conflict(check.looked(session, granted.along ?? await check.lookNow(session, signal)));
    } catch (error) {
      // Another attempt must not take twice what this session has.
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
    // The settled marker was released with the slot, but the session still holds another slot.
    if (hasOther) await session.attempt(sql`SELECT ${new Slots(lock, slots!).settle}`);
    return released;
  }

  #lockOf(name: string): AdvisoryLock {
    const lock = this.#locks.get(name) ?? this.#newLock(name);
    this.#locks.set(name, lock);
    return lock;
  }

  #newLock(name: string, requested = new RequestedLocks(name)): AdvisoryLock {
    return new AdvisoryLock(name, { requested, waitsFor: (session, lock) => this.#waitsFor(session, lock) });
  }

  /** Lets others see which of several locks is waited for. */
  #waitsFor(session: PostgresSession, lock: string): void {
    const { lock: main, also = [], slots } = this.#presence;
    if (also.length === 0) return;
    const others = [main, ...also].filter((name) => name !== lock);
    session.mark = markOf({ ...this.#presence, lock, also: others, slots: lock === main ? slots : undefined });
  }
}

/** The key of a place to wait in, by the name that leases give it; undefined for other names. */
function seatIn(name: string): Statement | undefined {
  const [, lock, seat] = /^(.*)\.w(\d+)$/.exec(name) ?? [];
  return lock === undefined ? undefined : placeArgs(lock, sql`${Number(seat) + 1}`);
}

function argsOf(name: string): Statement {
  return seatIn(name) ?? advisoryKey(name).args;
}
