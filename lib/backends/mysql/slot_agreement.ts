import { join, sql, type Statement } from "../sql/statement.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { hasOtherSlots, hasSlots, holdsSeveral, otherNumber, readSlotHolders, settle } from "./slot_holders.ts";

/** The locks to agree on. */
interface Agreed extends Pick<MySqlOptions, "also" | "slots"> {
  readonly presence: Pick<MySqlOptions["presence"], "lock">;
}

/** Finds out whether all holders of a lock use the same number of slots. */
export class Agreement {
  readonly #session: MySqlSession;
  /** The locks whose number of slots must match. For a lock with slots, the other named locks are internal. */
  readonly #locks: readonly string[];
  readonly #slots: number | undefined;
  /** Whether slots are possible at all; old servers do not support them. */
  readonly isNeeded: boolean;

  constructor(session: MySqlSession, { presence: { lock }, also = [], slots }: Agreed) {
    this.#session = session;
    this.#locks = slots === undefined ? [lock, ...also] : [lock];
    this.#slots = slots;
    this.isNeeded = holdsSeveral(session.variables);
  }

  /**
   * SQL for whether somebody seems to hold the lock with another number of slots.
   *
   * @param known The connection of a holder without slots that is known not to count.
   */
  conflicts(known?: number): Statement {
    if (this.#slots === undefined) return join(this.#locks.map(hasSlots), sql` OR `);
    return hasOtherSlots(this.#locks[0]!, this.#slots, known);
  }

  /**
   * The same after taking it; if nobody conflicts, this holder of a slot becomes settled. Here every holder without slots
   * counts: the settled holders that showed otherwise may have gone before this session had its slot.
   *
   * @param mine Whether this session has the slot; if not, the check is skipped, since many attempts fail.
   * @param slot SQL for the slot.
   */
  conflictsAfter(mine: Statement, slot: Statement | undefined): Statement {
    if (this.#slots === undefined || slot === undefined) return this.conflicts();
    return sql`IF(${mine}, IF(${this.conflicts()}, 1, ${settle(this.#locks[0]!, slot)}), 0)`;
  }

  /** Marks the holder of a slot as settled, after {@linkcode others} has found no conflict. */
  async settle(slot: Statement): Promise<void> {
    await this.#session.queryAll(sql`SELECT ${settle(this.#locks[0]!, slot)} AS failed`);
  }

  /**
   * Asks who else holds the lock, see {@linkcode otherNumber}.
   *
   * @param own This session's connection, if it holds the lock.
   */
  async others(own?: number): Promise<ReturnType<typeof otherNumber>> {
    return otherNumber(await readSlotHolders(this.#session, this.#locks), own, this.#slots);
  }
}
