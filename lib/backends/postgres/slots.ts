import { sql, type Statement } from "../sql/statement.ts";
import { advisoryKey, isSlotOf, slotArgs } from "./advisory_key.ts";
import { slotName } from "../../lock/slot_name.ts";
import { isMarkerOf, SlotMarkers } from "./slot_markers.ts";

/** In place of a slot's number: its marker could not be taken. */
const UNMARKED = 256;

/** The slots of a lock, as SQL. */
export class Slots {
  readonly count: number;
  readonly #lock: string;
  readonly #only: number | undefined;
  readonly #markers: SlotMarkers;

  /**
   * @param lock The lock's name.
   * @param count How many slots it has.
   * @param only The one that is asked for; any, if it is undefined.
   */
  constructor(lock: string, count: number, only?: number) {
    this.count = count;
    this.#only = only;
    this.#lock = lock;
    this.#markers = new SlotMarkers(lock, count);
  }

  /** An expression that takes the first free slot and its marker, and returns the slot's number; -1 if all are taken. */
  get take(): Statement {
    const first = sql`SELECT n FROM generate_series(${this.#only ?? 0}, ${this.#only ?? this.count - 1}) n
      WHERE pg_try_advisory_lock(${slotArgs(this.#lock, sql`n`)}) LIMIT 1`;
    const takesMarker = sql`pg_try_advisory_lock_shared(${this.#markers.args(sql`n`)})`;
    return sql`coalesce((SELECT CASE WHEN ${takesMarker} THEN n ELSE ${UNMARKED} END FROM (${first}) slot), -1)`;
  }

  /** An expression that marks the session as settled, see {@linkcode look}. */
  get settle(): Statement {
    return sql`pg_try_advisory_lock_shared(${this.#markers.settledArgs})`;
  }

  /** Expressions that release a slot, its marker, and the settled marker if the session has it. */
  unlock(slot: number): readonly Statement[] {
    return [
      sql`pg_advisory_unlock(${advisoryKey(slotName(this.#lock, slot)).args})`,
      sql`pg_advisory_unlock_shared(${this.#markers.args(sql`${slot}`)})`,
      sql`(pg_advisory_unlock_shared(${this.#markers.settledArgs}) IS NOT NULL)`,
    ];
  }

  /** Whether an exclusive advisory lock in `pg_locks` is a slot of this lock. */
  get isSlot(): Statement {
    return isSlotOf(this.#lock);
  }

  /** Whether an advisory lock in `pg_locks` is the marker of such a slot. */
  get isMarker(): Statement {
    return this.#markers.isSame;
  }

  /**
   * Aggregates over the advisory locks in `pg_locks`: the highest marker for another number of slots, 0 if there is none;
   * whether another session rightly holds the lock without slots, as far as can be seen; and whether this session is settled.
   *
   * A session that takes the lock without slots looks for markers afterwards, and gives the lock back if there are any. An
   * older sera does not look, and simply occupies slot 0. So that session does not count if a slot's holder is settled, that
   * is, if it saw no conflict before the lock was taken. Markers alone prove nothing: several sessions that found the lock
   * taken in this way may see each other's.
   */
  get look(): readonly [other: Statement, plain: Statement, settled: Statement] {
    const isOther = sql`${isMarkerOf(this.#lock)} AND NOT (${this.#markers.isSameNumber})`;
    const isPlain = sql`pid <> pg_backend_pid() AND mode = 'ExclusiveLock' AND granted AND ${
      advisoryKey(this.#lock).at
    }`;
    const { isSettled } = this.#markers;
    return [
      sql`coalesce(max(objid) FILTER (WHERE ${isOther}), 0::oid)`,
      sql`count(*) FILTER (WHERE ${isPlain}) > 0 AND count(*) FILTER (WHERE pid <> pg_backend_pid() AND ${isSettled}) = 0`,
      sql`count(*) FILTER (WHERE pid = pg_backend_pid() AND ${isSettled}) > 0`,
    ];
  }
}
