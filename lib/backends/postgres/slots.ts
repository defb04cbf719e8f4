import { sql, type Statement } from "../sql/statement.ts";
import { advisoryKey, isSlotOf, slotArgs } from "./advisory_key.ts";
import { slotName } from "../../lock/slot_name.ts";
import { isMarkOf, SlotMarks } from "./slot_marks.ts";

/** In place of a slot's number: its mark could not be taken. */
const UNMARKED = 256;

/** The slots of a lock, as SQL. */
export class Slots {
  readonly count: number;
  readonly #lock: string;
  readonly #only: number | undefined;
  readonly #marks: SlotMarks;

  /**
   * @param lock The lock's name.
   * @param count How many slots it has.
   * @param only The one that is asked for; any, if it is undefined.
   */
  constructor(lock: string, count: number, only?: number) {
    this.count = count;
    this.#only = only;
    this.#lock = lock;
    this.#marks = new SlotMarks(lock, count);
  }

  /** An expression that takes the first free slot and its mark, and is the slot's number; -1 if all are taken. */
  get take(): Statement {
    const first = sql`SELECT n FROM generate_series(${this.#only ?? 0}, ${this.#only ?? this.count - 1}) n
      WHERE pg_try_advisory_lock(${slotArgs(this.#lock, sql`n`)}) LIMIT 1`;
    const marked = sql`pg_try_advisory_lock_shared(${this.#marks.args(sql`n`)})`;
    return sql`coalesce((SELECT CASE WHEN ${marked} THEN n ELSE ${UNMARKED} END FROM (${first}) slot), -1)`;
  }

  /** An expression that shows the session to be settled. */
  get settle(): Statement {
    return sql`pg_try_advisory_lock_shared(${this.#marks.settledArgs})`;
  }

  /** Expressions that release a slot and its mark; and what shows the session to be settled, if it has that. */
  unlock(slot: number): readonly Statement[] {
    return [
      sql`pg_advisory_unlock(${advisoryKey(slotName(this.#lock, slot)).args})`,
      sql`pg_advisory_unlock_shared(${this.#marks.args(sql`${slot}`)})`,
      sql`(pg_advisory_unlock_shared(${this.#marks.settledArgs}) IS NOT NULL)`,
    ];
  }

  /** The conditions that a row of `pg_locks` which is an advisory lock is a slot, if it is exclusive, or its mark. */
  get isSlot(): Statement {
    return isSlotOf(this.#lock);
  }

  get isMark(): Statement {
    return this.#marks.isSame;
  }

  /**
   * Aggregates over the advisory locks in `pg_locks`: the highest mark for another number of slots, 0 if there is none;
   * whether somebody who knows of no slots has the lock rightly, as far as can be seen; and whether this session is settled.
   *
   * Whoever takes the lock without slots looks for marks then, and gives it back if there are any; an earlier sera does not,
   * and takes the place of slot 0. So it does not count where somebody is settled: that one has looked before the lock was
   * taken. Marks alone prove nothing, since several who have found the lock taken this way may see each other's.
   */
  get look(): readonly [other: Statement, plain: Statement, settled: Statement] {
    const isOther = sql`${isMarkOf(this.#lock)} AND NOT (${this.#marks.isSameNumber})`;
    const isPlain = sql`pid <> pg_backend_pid() AND mode = 'ExclusiveLock' AND granted AND ${
      advisoryKey(this.#lock).at
    }`;
    const { isSettled } = this.#marks;
    return [
      sql`coalesce(max(objid) FILTER (WHERE ${isOther}), 0::oid)`,
      sql`count(*) FILTER (WHERE ${isPlain}) > 0 AND count(*) FILTER (WHERE pid <> pg_backend_pid() AND ${isSettled}) = 0`,
      sql`count(*) FILTER (WHERE pid = pg_backend_pid() AND ${isSettled}) > 0`,
    ];
  }
}
