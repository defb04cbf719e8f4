import type { Session } from "../session.ts";
import { type Outcome, rowsIfAny } from "../batch.ts";
import type { Ended, LastEnding } from "../ending.ts";
import { sql } from "../statement.ts";
import type { KeptLease } from "./kept_lease.ts";
import type { OwnRow } from "./table.ts";

/** Releases the leases of one lock. It may take several attempts. */
export class LeaseRelease<S extends Session> {
  /** Whether all have been released. */
  isDone = false;
  /** Whether an attempt has failed, so that they may have been released. */
  isUnsure = false;
  readonly #kept: KeptLease<S>;
  /** The rows that are known to have been freed. */
  readonly #freed = new Set<OwnRow>();

  constructor(kept: KeptLease<S>) {
    this.#kept = kept;
  }

  /**
   * Tries once to free the leases, and releases their session locks in the same message. The statements are in this order,
   * each committed before the next, so that the next holder of the session lock finds the lease free and the run's end
   * recorded.
   *
   * @param mayLeave Whether the session locks may be released now.
   */
  async try(session: S, mayLeave: boolean, ending?: LastEnding): Promise<Ended> {
    const { rows: [main, ...others], server: { table, queue }, sessionLocks } = this.#kept;
    const isOver = ({ lock, mine }: OwnRow) => {
      const isGone = table.isGone(lock, mine);
      return ending && lock === main!.lock ? sql`${isGone} AND ${ending.isRecorded}` : isGone;
    };
    const frees = others.map((row) => ({ row, ...table.freeing(row) }));
    const leaves = [main!, ...others].filter(({ lock }) => mayLeave && sessionLocks.in(lock) === session)
      .map((row) => ({ row, ...queue.leaveWhere(session, row.lock, isOver(row)) }));
    const more = [
      ...ending ? [ending.readBack] : [],
      ...frees.map(({ statement }) => statement),
      ...leaves.flatMap(({ statement, then }) => then ? [statement, then] : [statement]),
      ...ending?.afterwards ?? [],
    ];
    let outcomes: readonly Outcome[];
    try {
      const released = await table.releaseAnd(
        session,
        main!.lock,
        main!.mine,
        session.takesSeveral ? more : [],
        ending,
      );
      outcomes = [...released.outcomes];
      await this.#note(session, main!, released.isFreed);
      for (const [index, { row, wasHeld }] of frees.entries()) {
        const freed = rowsIfAny(outcomes[(ending ? 1 : 0) + index]);
        await this.#note(
          session,
          row,
          freed ? wasHeld(freed) === true : await table.release(session, row.lock, row.mine),
        );
      }
    } catch (error) {
      this.isUnsure = true;
      throw error;
    }
    this.isDone = this.#freed.size === 1 + others.length;
    const readBack = ending && rowsIfAny(outcomes[0]);
    let at = (ending ? 1 : 0) + frees.length;
    for (const { row, wasHeld, then } of leaves) {
      const left = rowsIfAny(outcomes[at]);
      if (left && wasHeld(left) !== undefined) sessionLocks.forget(row.lock);
      at += then ? 2 : 1;
    }
    return { isReleased: this.isDone, readBack, afterwards: outcomes.slice(at) };
  }

  /** Records that a row is free. After an unanswered attempt, a row that is no longer ours was freed by that. */
  async #note(session: S, row: OwnRow, isFreed: boolean): Promise<void> {
    const { table } = this.#kept.server;
    const isOver = isFreed || this.isUnsure && (await table.read(session, row.lock))?.owner !== row.mine.owner;
    if (isOver) this.#freed.add(row);
  }
}
