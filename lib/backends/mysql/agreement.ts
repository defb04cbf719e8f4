import { join, sql, type Statement } from "../sql/statement.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlSession } from "./session.ts";
import { hasOtherSlots, hasSlots, holdsSeveral, otherNumber, readSlotHolders } from "./slot_look.ts";

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
   * @param mine A condition without which those who ask for slots need not look.
   */
  looks(known?: number, mine = sql`TRUE`): Statement {
    if (this.#slots === undefined) return join(this.#locks.map(hasSlots), sql` OR `);
    // Tries that fail are many.
    return sql`IF(${mine}, ${hasOtherSlots(this.#locks[0]!, this.#slots, known)}, 0)`;
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
