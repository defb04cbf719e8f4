import type { Session } from "../session.ts";
import { sql } from "../statement.ts";
import { NEVER } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import { atOnce, type Entered } from "./entered.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/**
 * Sees to it that all who hold a lock take it to have the same number of slots. Each one's number is in its lease. Whoever
 * has taken a lease looks at the others, once that is committed: of two with different numbers, whoever looks last sees the
 * other, and gives its lease back.
 */
export class Agreement<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #entered: Entered<S>;
  readonly #slots: number;

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
