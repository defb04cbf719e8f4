import { OtherSlotsError } from "../../errors.ts";
import type { Answer } from "../sql/answer.ts";
import { comment, join, sql, type Statement } from "../sql/statement.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import { isMarkerOf, numbersInMarker } from "./slot_markers.ts";
import type { Slots } from "./slots.ts";

/** Marks each request for more than a single plain lock, so that others can recognize it in pg_stat_activity. */
export const ASKS = comment("asks");

/** The advisory locks of this database. */
const LOCKS = sql`pg_locks WHERE locktype = 'advisory'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** How much of the request a session has. */
export interface Taken {
  /** How many of the locks, in their order. */
  readonly held: number;
  /** The slot of the last one, if that has slots. */
  readonly slot?: number | undefined;
}

/** The columns that tell of conflicting sessions: another number of slots, or none. */
export type ConflictColumn = "other" | "plain";

/** The locks that a session requests, as SQL: one, or several in the order of their names; the last may have slots. */
export class RequestedLocks {
  /** The names, in the order in which they are asked for. */
  readonly names: readonly string[];
  readonly slots: Slots | undefined;
  /** The columns of {@linkcode look}. */
  readonly looked: readonly ConflictColumn[];
  readonly #lock: string;
  readonly #keys: readonly AdvisoryKey[];

  /**
   * @param lock The lock's name.
   * @param also The names of the plain locks beside it.
   * @param slots Its slots, if it has any.
   */
  constructor(lock: string, also: readonly string[] = [], slots?: Slots) {
    const plain = [...new Set([...slots ? [] : [lock], ...also])].toSorted();
    this.names = slots ? [...plain, lock] : plain;
    this.#keys = plain.map(advisoryKey);
    this.slots = slots;
    this.#lock = lock;
    this.looked = slots ? ["other", "plain"] : ["other"];
  }

  /** Whether it is more than one plain lock. */
  get isMany(): boolean {
    return this.slots !== undefined || this.#keys.length > 1;
  }

  /** The slots of a lock, by its index among the names. */
  slotsAt(at: number): Slots | undefined {
    return at === this.names.length - 1 ? this.slots : undefined;
  }

  /** The columns of {@linkcode ask}. */
  columns(from: number, looks: boolean): readonly ("got" | "granted" | ConflictColumn)[] {
    if (this.#isSingle(from)) return ["got"];
    return looks && this.slots ? ["granted", ...this.looked] : ["granted"];
  }

  /** The columns that tell of conflicting sessions, over the rows of {@linkcode heldBy}. */
  get look(): Statement {
    return this.slots ? sql`, other AS other, plain AS plain` : sql`, other AS other`;
  }

  /** A further column over the same rows: it marks a holder of a slot as settled if there is no conflict. */
  settle(isHeld: Statement): Statement {
    if (!this.slots) return sql``;
    return sql`, CASE WHEN ${isHeld} AND other = 0::oid AND NOT plain AND NOT settled THEN ${this.slots.settle} END AS settles`;
  }

  /**
   * Tries to take the missing locks in order, up to the first that is busy.
   *
   * @param from How many of the locks the session has already.
   * @param looks Whether to take nothing while others hold the lock with another number of slots.
   * @param more Further columns.
   */
  ask(from: number, looks: boolean, more: Statement = sql``): Statement {
    const tries = this.#keys.slice(from).map(({ args }) => sql`pg_try_advisory_lock(${args})`);
    if (this.#isSingle(from)) return sql`SELECT ${tries[0]!} AS got${more}`;
    const all = this.#keys.length;
    const last = this.slots ? sql`${all + 1} + ${this.slots.take}` : sql`${all}`;
    const cases = tries.map((lock, index) => sql`WHEN NOT ${lock} THEN ${from + index} `);
    if (!looks || !this.slots) {
      const granted = cases.length === 0 ? last : sql`CASE ${join(cases, sql``)}ELSE ${last} END`;
      return sql`SELECT ${ASKS} ${granted} AS granted${more}`;
    }
    const refused = sql`WHEN other <> 0::oid OR plain THEN -1 `;
    return sql`SELECT ${ASKS} CASE ${join([refused, ...cases], sql``)}ELSE ${last} END AS granted${this.look}${more}
      FROM (SELECT ${join(this.slots.look)} FROM ${LOCKS}) seen(other, plain, settled)`;
  }

  /**
   * Reads the answer to {@linkcode ask}.
   *
   * @returns Undefined if the session can never have it, since something else holds a slot's marker.
   * @throws {OtherSlotsError} When nothing was taken, since others hold the lock with another number of slots.
   */
  taken(answer: Answer<"got" | "granted" | ConflictColumn>, from: number): Taken | undefined {
    if (this.#isSingle(from)) return { held: from + (answer.truth("got") ? 1 : 0) };
    const granted = answer.text("granted");
    if (granted === "-1") throw this.conflict(answer)!;
    const number = answer.whole("granted");
    const plain = this.#keys.length;
    if (!this.slots || number <= plain) return { held: number };
    const slot = number - plain - 1;
    return slot < this.slots.count ? { held: plain + 1, slot } : undefined;
  }

  /** The error for a conflict; undefined if there is none. */
  conflict(answer: Answer<ConflictColumn>): OtherSlotsError | undefined {
    const other = answer.whole("other");
    const asked = this.slots?.count ?? 1;
    if (other > 0) return new OtherSlotsError(numbersInMarker(other).slots, asked);
    return this.slots && answer.truth("plain") ? new OtherSlotsError(1, asked) : undefined;
  }

  /** A condition: whether a lock, or a slot of it, is free; by the lock's index among the names. */
  isFree(at: number): Statement {
    const slots = this.slotsAt(at);
    const held = slots ? sql`(${slots.isMarker})` : sql`mode = 'ExclusiveLock' AND granted AND ${this.#keys[at]!.at}`;
    return sql`(SELECT count(*) FROM ${LOCKS} AND ${held}) < ${slots?.count ?? 1}`;
  }

  /** Expressions that release what a session has; each returns whether it had that. */
  unlock({ held, slot }: Taken): readonly Statement[] {
    const plain = this.#keys.slice(0, held).map(({ args }) => sql`pg_advisory_unlock(${args})`);
    return slot === undefined ? plain : [...plain, ...this.slots!.unlock(slot)];
  }

  /**
   * A condition for whether a session has everything, and the subquery to evaluate it on.
   *
   * @param looks Whether to look for conflicts, too: then the subquery has the columns for {@linkcode look}.
   */
  heldBy(pid: number, looks: boolean): { readonly isHeld: Statement; readonly from: Statement } {
    const plain = this.#keys.map(({ at }) => sql`(${at})`);
    const exclusive = this.slots ? [...plain, this.slots.isSlot] : plain;
    const locks = sql`mode = 'ExclusiveLock' AND ${exclusive.length === 1 ? exclusive[0]! : either(exclusive)}`;
    const rows = this.slots ? either([sql`(${locks})`, sql`(${this.slots.isMarker})`]) : locks;
    const isTheirs = sql`count(*) FILTER (WHERE pid = ${pid} AND granted AND ${rows})`;
    const isHeld = sql`pg_backend_pid() = ${pid} AND held = ${exclusive.length + (this.slots ? 1 : 0)}`;
    if (!looks) return { isHeld, from: sql`(SELECT ${isTheirs} FROM pg_locks WHERE locktype = 'advisory') seen(held)` };
    const look = this.slots?.look ?? [sql`coalesce(max(objid) FILTER (WHERE ${isMarkerOf(this.#lock)}), 0::oid)`];
    const columns = sql`held, other${this.slots ? sql`, plain, settled` : sql``}`;
    return { isHeld, from: sql`(SELECT ${join([isTheirs, ...look])} FROM ${LOCKS}) seen(${columns})` };
  }

  /** Whether only one plain lock is missing. */
  #isSingle(from: number): boolean {
    return !this.slots && from === this.#keys.length - 1;
  }
}

function either(conditions: readonly Statement[]): Statement {
  return sql`(${join(conditions, sql` OR `)})`;
}
