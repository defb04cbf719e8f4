import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError, OtherSlotsError, QueueFullError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { delayOrAbort } from "../../waiting.ts";
import { answerIn, askOne } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import { sql, type Statement, word } from "../sql/statement.ts";
import { NO_SLOT, OTHERS, queueWord, seatWord, takeAll, takeSeat, takeSlot } from "./limited_names.ts";
import { type Check, isMine } from "./lock_check.ts";
import type { Taken } from "./lock.ts";
import { type Along, getNamedLock, type Granted, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import type { MySqlSession } from "./session.ts";
import { hasSlot, markWord, type otherNumber, slotWord } from "./slot_look.ts";

/** The pauses between two tries of all slots, in milliseconds, and which part of the time since the first try they are. */
const SHORTEST_PAUSE = 10;
const LONGEST_PAUSE = 1000;
const PAUSES_PER_WAIT = 8;

/** How often to look again for who was seen and not found, and the pause before, in milliseconds. */
const LOOKS = 10;
const LOOK_PAUSE = 10;

/** What to take. */
interface Wanted {
  readonly lock: string;
  readonly slots: number | undefined;
  /** All names but that of the lock with slots, in the order in which everybody asks for them. */
  readonly names: readonly string[];
  readonly maxWaiters: number | undefined;
  /** See `MySqlLock`. */
  readonly refuseOthers: (next?: Outcome) => Promise<void>;
  readonly others: () => Promise<ReturnType<typeof otherNumber>>;
}

/**
 * One attempt to take several named locks, and a slot.
 *
 * Whoever waits for a slot waits for a named lock first, `LOCK.q`. The one who has that tries all slots again and again:
 * `GET_LOCK` waits for one name only, and only one session holds a name, so that there is none to wait for that is released
 * whenever one of several holders ends.
 */
export class Taking {
  readonly #session: MySqlSession;
  readonly #check: Check;
  readonly #signal: AbortSignal;
  readonly #wanted: Wanted;
  readonly #names: readonly Statement[];
  /** How many of the names are held. */
  #held = 0;
  /** What is held only to wait. */
  readonly #places: Statement[] = [];
  #known: number | undefined;

  constructor(session: MySqlSession, check: Check, signal: AbortSignal, wanted: Wanted) {
    this.#session = session;
    this.#check = check;
    this.#signal = signal;
    this.#wanted = wanted;
    // As plain text, since other seras look for it in the process list.
    this.#names = wanted.names.map((name) => word(name));
  }

  /**
   * @returns Undefined when it could not all be taken by the deadline; then {@linkcode giveBack} is to be called.
   * @throws {OtherSlotsError}
   * @throws {QueueFullError}
   */
  async by(deadline: Deadline): Promise<Taken | undefined> {
    let taken = await this.#try();
    if (taken || deadline.passed) return taken;
    await this.#takeSeat();
    while (!taken) {
      const name = this.#names[this.#held];
      if (name === undefined) return await this.#trySlots(deadline);
      const isLast = this.#held === this.#names.length - 1 && this.#wanted.slots === undefined;
      const granted = await getNamedLock(this.#session, name, deadline, this.#signal, isLast ? this.#last() : {});
      if (!granted) return undefined;
      this.#held++;
      taken = isLast ? this.#taken(granted) : await this.#try();
    }
    return taken;
  }

  /** Releases what is held, unless the session has ended, after a wait in vain. */
  async giveBack(): Promise<void> {
    const all = [...this.#places, ...this.#names.slice(0, this.#held)];
    if (all.length > 0 && !this.#session.closed.aborted) await releaseNamedLock(this.#session, ...all);
  }

  /** Tries what is still to be taken, without waiting. */
  async #try(): Promise<Taken | undefined> {
    for (let looks = 0; looks < LOOKS; looks++) {
      const { got, ...granted } = await this.#ask();
      const { slots, refuseOthers, others } = this.#wanted;
      if (got >= 0) {
        this.#held = this.#names.length;
        return this.#taken(granted, got);
      }
      if (got !== OTHERS) {
        this.#held = got === NO_SLOT ? this.#names.length : this.#held - 1 - got;
        if (slots === undefined) await refuseOthers(granted.next[0]);
        return undefined;
      }
      const { number, plain } = await others();
      if (number !== undefined) throw new OtherSlotsError(number, slots!);
      this.#known = plain;
      // Others have just taken or released it; but a holder without slots is known from now on.
      if (plain === undefined) await delayOrAbort(Math.random() * LOOK_PAUSE, this.#signal);
      this.#signal.throwIfAborted();
    }
    const what = "somebody who does not say how many slots the lock has holds one of them";
    throw LockUnavailableError.on(this.#session.where, { what, cure: "end that session" }, { transient: true });
  }

  async #ask(): Promise<Granted & { readonly got: number }> {
    const { lock, slots } = this.#wanted;
    const all = takeAll(this.#names.slice(this.#held), slots === undefined ? undefined : takeSlot(lock, slots));
    const take = slots === undefined ? all : sql`IF(${this.#check.looks!(this.#known)}, ${OTHERS}, ${all})`;
    const statements = [sql`SELECT ${take} AS got`, ...this.#last().next];
    const asked = new Moment();
    const outcomes = await this.#session.batch(this.#session.takesSeveral ? statements : statements.slice(0, 1), {
      signal: this.#signal,
    });
    const got = answerIn(this.#session, rowsOf(outcomes[0]!), ["got"]).exact("got");
    return { asked, next: outcomes.slice(1), got: Number(got) };
  }

  /** What is to go with the request that may be the last one. */
  #last(): Required<Pick<Along, "next" | "busy">> & Along {
    const { lock, slots, refuseOthers } = this.#wanted;
    const slot = slots === undefined ? [] : [hasSlot(lock, slots)];
    const mine = isMine(this.#names, ...slot);
    const leave = this.#places.length > 0 ? [releaseNamedLockWhere(this.#session, this.#places, mine).statement] : [];
    return {
      next: [this.#check.first(mine, this.#known), ...leave],
      unless: slots === undefined ? this.#check.looks?.() : undefined,
      busy: ([next]) => refuseOthers(next),
    };
  }

  #taken(granted: Granted, slot = 0): Taken {
    const { lock, slots } = this.#wanted;
    const left = granted.next[1];
    if (this.#places.length > 0 && !(left && "rows" in left)) {
      // Nobody has to wait for that.
      releaseNamedLock(this.#session, ...this.#places).catch(() => undefined);
    }
    if (slots === undefined) return { granted, names: this.#names };
    const names = [slotWord(lock, slot), markWord(lock, slot, slots), ...this.#names];
    return { granted, names, slot, known: this.#known };
  }

  /** Takes one of the seats for those who wait, if there are any. */
  async #takeSeat(): Promise<void> {
    const { lock, maxWaiters } = this.#wanted;
    if (maxWaiters === undefined) return;
    const statement = sql`SELECT IFNULL(${takeSeat(lock, maxWaiters)}, ${maxWaiters}) AS seat`;
    const seat = maxWaiters &&
      (await askOne(this.#session, statement, ["seat"], { signal: this.#signal })).whole("seat");
    if (seat === maxWaiters) throw new QueueFullError(maxWaiters);
    this.#places.push(seatWord(lock, seat));
  }

  /** Waits for being the only one who tries the slots, and tries them. */
  async #trySlots(deadline: Deadline): Promise<Taken | undefined> {
    const queue = queueWord(this.#wanted.lock);
    if (!await getNamedLock(this.#session, queue, deadline, this.#signal)) return undefined;
    this.#places.unshift(queue);
    for (const began = performance.now();;) {
      const taken = await this.#try();
      if (taken || deadline.passed) return taken;
      const pause = Math.max(SHORTEST_PAUSE, Math.min((performance.now() - began) / PAUSES_PER_WAIT, LONGEST_PAUSE));
      await delayOrAbort(Math.min(pause, deadline.remaining), this.#signal, this.#session.closed);
      this.#signal.throwIfAborted();
    }
  }
}
