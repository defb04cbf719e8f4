import { join, sql, type Statement } from "../sql/statement.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { hasOtherSlots, hasSlots, holdsSeveral, otherNumber, readSlotHolders, settle } from "./slot_look.ts";

/** The locks of which to agree. */
interface Agreed extends Pick<MySqlOptions, "also" | "slots"> {
  readonly presence: Pick<MySqlOptions["presence"], "lock">;
}

/** Finds out whether all who hold a lock agree how many slots it has. */
export class Agreement {
  readonly #session: MySqlSession;
  /** The locks whose number of slots they must agree on: those next to a lock with slots are sera's own. */
  readonly #locks: readonly string[];
  readonly #slots: number | undefined;
  /** Whether there can be slots: old servers have none. */
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
   * @param known The connection of a holder without slots that does not count.
   */
  looks(known?: number): Statement {
    if (this.#slots === undefined) return join(this.#locks.map(hasSlots), sql` OR `);
    return hasOtherSlots(this.#locks[0]!, this.#slots, known);
  }

  /**
   * The same when it was taken; if there is nobody, the holder of a slot is settled. Here nobody is known not to count: those
   * who vouched for that may have gone before this session had its slot.
   *
   * @param mine A condition without which those who ask for slots need not look: tries that fail are many.
   * @param slot SQL for the slot.
   */
  looksAfter(mine: Statement, slot: Statement | undefined): Statement {
    if (this.#slots === undefined || slot === undefined) return this.looks();
    return sql`IF(${mine}, IF(${this.looks()}, 1, ${settle(this.#locks[0]!, slot)}), 0)`;
  }

  /** Shows the holder of a slot to be settled, where {@linkcode others} has told that nobody is in the way. */
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
