import { OtherSlotsError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import type { Session } from "../session.ts";
import { sql } from "../statement.ts";
import { NEVER } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import { atOnce, type Entered } from "./entered.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** After how long somebody who holds a lease has surely looked at the others, on a busy machine too; in milliseconds. */
export const SETTLED = 1500;

/**
 * Sees to it that all who hold a lock take it to have the same number of slots. Each one's number is in its lease. Whoever
 * has taken a lease looks at the others, once that is committed: of two with different numbers, whoever looks last sees the
 * other, and gives its lease back.
 */
export class Agreement<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #entered: Entered<S>;
  readonly #slots: number;
  /** Somebody with another number, and since when they have been seen. */
  #other: { readonly owner: string; readonly since: Moment } | undefined;

  /** @param slots How many slots the lock has. */
  constructor(server: LeaseServer<S>, entered: Entered<S>, slots: number) {
    this.#server = server;
    this.#entered = entered;
    this.#slots = slots;
  }

  /**
   * The lease of somebody who takes the lock to have another number of slots; undefined if all agree. Leases of those who
   * died so long ago that anybody may take them over count no more, and are freed.
   *
   * @param mine The owner that asks.
   */
  async other(session: S, asker: Asker, leases: readonly Lease[], mine: string): Promise<Lease | undefined> {
    for (const lease of leases) {
      const slots = slotsFor(lease.owner);
      if (slots === undefined || slots === this.#slots || lease.owner === mine) continue;
      if (!await this.#isFreed(session, asker, lease)) return lease;
    }
    return undefined;
  }

  /**
   * Refuses to share the lock with somebody who takes it to have another number of slots, unless that one may be about to
   * give its lease back again, since it came at the same time as another.
   *
   * @throws {OtherSlotsError}
   */
  refuse({ owner, beat, ttl, left }: Lease): void {
    if (this.#other?.owner !== owner) this.#other = { owner, since: new Moment() };
    if (beat > 1n || Math.max(ttl - left, this.#other.since.age) >= SETTLED) {
      throw new OtherSlotsError(slotsFor(owner)!, this.#slots);
    }
  }

  async #isFreed(session: S, asker: Asker, lease: Lease): Promise<boolean> {
    const { queue } = this.#server;
    const { lock, owner, fence, beat } = lease;
    const needsLock = this.#server.hasSessionLocks(session) && this.#server.takesSeveralLocks(session);
    if (freeIn(lease, needsLock ? 0 : 1) > 0) return false;
    const isIn = this.#entered.in(lock) === session;
    // Whoever has it lives, whatever a clock says.
    if (needsLock && !isIn && !await queue.enter(session, lock, atOnce(), NEVER)) return false;
    const isSame = sql`name = ${lock} AND owner = ${owner} AND fence = ${fence} AND beat = ${beat}`;
    try {
      return await this.#server.table.change(asker, sql`owner = NULL, beat = beat + 1`, isSame);
    } finally {
      if (needsLock && !isIn) await queue.leave(session, lock);
    }
  }
}
