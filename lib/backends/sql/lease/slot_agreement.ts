import { OtherSlotsError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import type { Session } from "../session.ts";
import { sql } from "../statement.ts";
import { NEVER } from "../../../waiting.ts";
import type { Querier } from "../querier.ts";
import { atOnce, type SessionLocks } from "./session_locks.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease, type Ownership } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** After how many milliseconds a new holder has certainly checked the other leases, even on a busy machine. */
export const SETTLED = 1500;

/**
 * Makes sure that all holders of a lock use the same number of slots. Each lease contains its holder's number. After a claim
 * is committed, the new holder reads the other leases: of two holders with different numbers, at least the later one sees
 * the other, and releases its lease.
 */
export class Agreement<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #sessionLocks: SessionLocks<S>;
  readonly #slots: number;
  /** A claim with another number, and since when it has been seen. */
  #other: (Ownership & { readonly since: Moment }) | undefined;

  /** @param slots How many slots the lock has. */
  constructor(server: LeaseServer<S>, sessionLocks: SessionLocks<S>, slots: number) {
    this.#server = server;
    this.#sessionLocks = sessionLocks;
    this.#slots = slots;
  }

  /**
   * A lease with another number of slots; undefined if all agree. Leases that expired so long ago that anybody may take
   * them over do not count, and are freed.
   *
   * @param mine The owner id of this sera.
   */
  async other(session: S, querier: Querier, leases: readonly Lease[], mine: string): Promise<Lease | undefined> {
    for (const lease of leases) {
      const slots = slotsFor(lease.owner);
      if (slots === undefined || slots === this.#slots || lease.owner === mine) continue;
      if (!await this.#isFreed(session, querier, lease)) return lease;
    }
    return undefined;
  }

  /**
   * Refuses the lock because of a lease with another number of slots, unless its holder has just come and may be about to
   * release it again for the same reason.
   *
   * @throws {OtherSlotsError}
   */
  refuse({ owner, fence, beat, ttl, left }: Lease): void {
    // Who has released its claim and claims again may give way again.
    if (this.#other?.owner !== owner || this.#other.fence !== fence) {
      this.#other = { owner, fence, since: new Moment() };
    }
    if (beat > 1n || Math.max(ttl - left, this.#other.since.age) >= SETTLED) {
      throw new OtherSlotsError(slotsFor(owner)!, this.#slots);
    }
  }

  async #isFreed(session: S, querier: Querier, lease: Lease): Promise<boolean> {
    const { queue } = this.#server;
    const { lock, owner, fence, beat } = lease;
    const needsLock = this.#server.hasSessionLocks(session) && this.#server.takesSeveralLocks(session);
    if (freeIn(lease, needsLock ? 0 : 1) > 0) return false;
    const isIn = this.#sessionLocks.in(lock) === session;
    // The holder of the session lock is alive, whatever a clock says.
    if (needsLock && !isIn && !await queue.enter(session, lock, atOnce(), NEVER)) return false;
    const isSame = sql`name = ${lock} AND owner = ${owner} AND fence = ${fence} AND beat = ${beat}`;
    try {
      return await this.#server.table.change(querier, sql`owner = NULL, beat = beat + 1`, isSame);
    } finally {
      if (needsLock && !isIn) await queue.leave(session, lock);
    }
  }
}
