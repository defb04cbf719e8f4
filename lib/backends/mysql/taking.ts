import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { delayOrAbort } from "../../waiting.ts";
import { answerIn } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import { sql, type Statement, variable, word } from "../sql/statement.ts";
import { NO_SLOT, OTHERS, pauseAfter, queueWord, sleepInQueue, takeAll, takeSlot } from "./taking_sql.ts";
import { type Check, isMine } from "./lock_check.ts";
import type { Taken } from "./lock.ts";
import { type Along, getNamedLock, type Granted, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import { takeSeat } from "./seats.ts";
import type { MySqlSession } from "./session.ts";
import { hasSlotOf, markWord, noMark, settledName, slotWord } from "./slot_look.ts";

/** The answer to the last try, for the statements after it. */
const GOT = variable("@sera_got");

/** How old a look for others may get while slots are tried, in milliseconds: it takes longer than the try itself. */
const UNSEEN = 100;

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
  /** Whether to wait at all. */
  readonly waits: boolean;
}

/** The answer to a try, see `takeAll()`. */
interface Answered extends Granted {
  readonly got: number;
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
  /** The one without slots who was found on slot 0, and does not count. */
  #known: number | undefined;
  /** When it looked for others last. */
  #looked = -Infinity;

  constructor(session: MySqlSession, check: Check, signal: AbortSignal, wanted: Wanted) {
    this.#session = session;
    this.#check = check;
    this.#signal = signal;
    this.#wanted = wanted;
    // As plain text, since other seras look for it in the process list.
    this.#names = wanted.names.map((name) => word(name));
  }

  /** Returns undefined when not all could be taken by the deadline; then {@linkcode giveBack} is to be called. */
  async by(deadline: Deadline): Promise<Taken | undefined> {
    let taken = await this.#try();
    const { lock, slots, maxWaiters, waits } = this.#wanted;
    if (taken || !waits) return taken;
    if (maxWaiters !== undefined) this.#places.push(await takeSeat(this.#session, lock, maxWaiters, this.#signal));
    while (!taken) {
      const name = this.#names[this.#held];
      if (name === undefined) return await this.#trySlots(deadline);
      const isLast = this.#held === this.#names.length - 1 && slots === undefined;
      const granted = await getNamedLock(this.#session, name, deadline, this.#signal, isLast ? this.#last() : {});
      if (!granted) return undefined;
      this.#held++;
      taken = isLast ? this.#taken(granted) : await this.#try();
    }
    return taken;
  }

  /** Releases what is held after a wait without success, unless the session has ended. */
  async giveBack(): Promise<void> {
    const all = [...this.#places, ...this.#names.slice(0, this.#held)];
    if (all.length > 0 && !this.#session.closed.aborted) await releaseNamedLock(this.#session, all);
  }

  /**
   * Tries what is still to be taken, without waiting.
   *
   * @param answer The answer to that, if it has been asked for.
   */
  async #try(answer?: Answered): Promise<Taken | undefined> {
    let isTie: boolean | undefined;
    for (let looks = 0; looks < LOOKS; looks++) {
      const { got, ...granted } = answer ?? await this.#ask();
      answer = undefined;
      const { slots } = this.#wanted;
      if (got >= 0) {
        this.#held = this.#names.length;
        return this.#taken(granted, got);
      }
      if (got !== OTHERS) {
        this.#held = got === NO_SLOT ? this.#names.length : this.#held - 1 - got;
        if (slots === undefined) await this.#check.refuseOthers(granted.next[0]);
        return undefined;
      }
      const others = await this.#check.agreement.others();
      if (others.number !== undefined) throw new OtherSlotsError(others.number, slots!);
      [this.#known, isTie] = [others.plain, others.isTie];
      this.#looked = -Infinity;
      // Others have just taken or released it; but a holder without slots is known from now on.
      if (this.#known === undefined) await delayOrAbort(Math.random() * LOOK_PAUSE, this.#signal);
      this.#signal.throwIfAborted();
    }
    if (isTie) throw new OtherSlotsError(1, this.#wanted.slots!);
    throw LockUnavailableError.on(this.#session.where, noMark(this.#wanted.lock), { transient: true });
  }

  /** @param pause How long the server is to pause before, in milliseconds. */
  async #ask(pause = 0): Promise<Answered> {
    const looks = performance.now() - this.#looked >= UNSEEN;
    if (looks) this.#looked = performance.now();
    const sleep = pause > 0 ? [sleepInQueue(this.#wanted.lock, pause)] : [];
    const all = [...sleep, ...this.#request(looks)];
    const sent = this.#session.takesSeveral ? all : all.slice(0, sleep.length + 1);
    const asked = new Moment();
    const outcomes = await this.#session.batch(sent, { signal: this.#signal, serverTime: pause });
    return this.#read(asked, outcomes.slice(sleep.length));
  }

  /**
   * The statements that try what is still to be taken.
   *
   * @param looks Whether to look for others before. After it has a slot it looks anyway.
   * @param condition Where to try at all.
   */
  #request(looks: boolean, condition?: Statement): readonly Statement[] {
    const { lock, slots } = this.#wanted;
    let take = takeAll(this.#names.slice(this.#held), slots === undefined ? undefined : takeSlot(lock, slots));
    if (slots !== undefined && looks) take = sql`IF(${this.#check.agreement.looks(this.#known)}, ${OTHERS}, ${take})`;
    if (condition) take = sql`IF(${condition}, ${take}, ${NO_SLOT})`;
    return [sql`SELECT ${GOT} := ${take} AS got`, ...this.#last().next];
  }

  #read(asked: Moment, [first, ...next]: readonly Outcome[]): Answered {
    return { asked, next, got: Number(answerIn(this.#session, rowsOf(first!), ["got"]).exact("got")) };
  }

  /** Statements to send along with the request that may be the last one. */
  #last(): Required<Pick<Along, "next" | "busy">> & Along {
    const { lock, slots } = this.#wanted;
    const slot = slots === undefined ? [] : [hasSlotOf(GOT, lock, slots)];
    const mine = isMine(this.#names, ...slot);
    const leave = this.#places.length > 0 ? [releaseNamedLockWhere(this.#session, this.#places, mine).statement] : [];
    return {
      next: [this.#check.first(mine, slots === undefined ? undefined : GOT), ...leave],
      unless: slots === undefined && this.#check.agreement.isNeeded ? this.#check.agreement.looks() : undefined,
      busy: ([next]) => this.#check.refuseOthers(next),
    };
  }

  #taken(granted: Granted, slot = 0): Taken {
    const { lock, slots } = this.#wanted;
    const left = granted.next[1];
    if (this.#places.length > 0 && !(left && "rows" in left)) {
      // Nobody has to wait for that.
      releaseNamedLock(this.#session, this.#places).catch(() => undefined);
    }
    if (slots === undefined) return { granted, names: this.#names };
    const names = [slotWord(lock, slot), markWord(lock, slot, slots), ...this.#names];
    return { granted, names, slot, settled: settledName(lock, sql`${slot}`) };
  }

  /** Waits for being the only one who tries the slots, and tries them. */
  async #trySlots(deadline: Deadline): Promise<Taken | undefined> {
    const queue = queueWord(this.#wanted.lock);
    this.#places.unshift(queue);
    // At once when it is granted, so that no slot is free for longer than that takes.
    const next = this.#request(false, isMine([queue]));
    const granted = await getNamedLock(this.#session, queue, deadline, this.#signal, { next });
    if (!granted) return undefined;
    let answer = granted.next.length > 0 ? this.#read(granted.asked, granted.next) : undefined;
    for (const began = performance.now();;) {
      const taken = await this.#try(answer);
      if (taken || deadline.passed) return taken;
      answer = await this.#ask(Math.min(pauseAfter(performance.now() - began), deadline.remaining));
    }
  }
}
