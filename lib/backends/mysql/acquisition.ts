import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { pauseAfter } from "../../lock/pause_after.ts";
import { delayOrAbort } from "../../waiting.ts";
import { answerIn } from "../sql/answer.ts";
import { type Outcome, rowsOf } from "../sql/batch.ts";
import { sql, type Statement, variable, word } from "../sql/statement.ts";
import { NO_SLOT, OTHERS, queueLiteral, sleepInQueue, takeAll, takeSlot } from "./acquisition_sql.ts";
import { type Check, isMine } from "./lock_check.ts";
import type { Taken } from "./lock.ts";
import { type Along, getNamedLock, type Granted, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import { takeSeat } from "./seats.ts";
import type { MySqlSession } from "./session.ts";
import { hasSlotOf, markLiteral, noMark, settledName, slotLiteral } from "./slot_holders.ts";

/** The server variable with the result of the last attempt, for the statements after it. */
const GOT = variable("@sera_got");

/** How long to go without checking for conflicts between attempts, in milliseconds; the check takes longer than an attempt. */
const CHECK_INTERVAL = 100;
/** How often to retry when a conflict was seen but its cause not found, with such pauses in milliseconds. */
const [RETRIES, RETRY_PAUSE] = [10, 10];

interface AcquisitionOptions {
  readonly lock: string;
  readonly slots: number | undefined;
  /** All names but that of the lock with slots, in the order in which everybody asks for them. */
  readonly names: readonly string[];
  readonly maxWaiters: number | undefined;
  /** Whether to wait at all. */
  readonly waits: boolean;
}

/** The result of an attempt, see `takeAll()`. */
interface AttemptResult extends Granted {
  readonly got: number;
}

/**
 * Takes several named locks, and a slot.
 *
 * Waiters for a slot first wait for a named lock, `LOCK.q`. Its holder polls all slots: `GET_LOCK` waits for a single name,
 * and no name is released whenever any one of several holders ends.
 */
export class Acquisition {
  readonly #session: MySqlSession;
  readonly #check: Check;
  readonly #signal: AbortSignal;
  readonly #options: AcquisitionOptions;
  readonly #names: readonly Statement[];
  /** How many of the names are held. */
  #held = 0;
  /** Named locks that are held only while waiting. */
  readonly #queueLocks: Statement[] = [];
  /** The connection of a holder without slots on slot 0, which is known not to count. */
  #known: number | undefined;
  /** When it last checked for conflicts. */
  #checked = -Infinity;

  constructor(session: MySqlSession, check: Check, signal: AbortSignal, options: AcquisitionOptions) {
    this.#session = session;
    this.#check = check;
    this.#signal = signal;
    this.#options = options;
    // As plain text, since other seras look for it in the process list.
    this.#names = options.names.map((name) => word(name));
  }

  /** Returns undefined if not all could be taken by the deadline; then call {@linkcode release}. */
  async run(deadline: Deadline): Promise<Taken | undefined> {
    let taken = await this.#attempt();
    const { lock, slots, maxWaiters, waits } = this.#options;
    if (taken || !waits) return taken;
    if (maxWaiters !== undefined) this.#queueLocks.push(await takeSeat(this.#session, lock, maxWaiters, this.#signal));
    while (!taken) {
      const name = this.#names[this.#held];
      if (name === undefined) return await this.#attemptSlots(deadline);
      const isLast = this.#held === this.#names.length - 1 && slots === undefined;
      const granted = await getNamedLock(this.#session, name, deadline, this.#signal, isLast ? this.#last() : {});
      if (!granted) return undefined;
      this.#held++;
      taken = isLast ? this.#taken(granted) : await this.#attempt();
    }
    return taken;
  }

  /** Releases what is held after an unsuccessful wait, unless the session has ended. */
  async release(): Promise<void> {
    const all = [...this.#queueLocks, ...this.#names.slice(0, this.#held)];
    if (all.length > 0 && !this.#session.closed.aborted) await releaseNamedLock(this.#session, all);
  }

  /**
   * Tries to take what is still missing, without waiting.
   *
   * @param answer The result, if the request has already been sent.
   */
  async #attempt(answer?: AttemptResult): Promise<Taken | undefined> {
    let isTie: boolean | undefined;
    for (let retries = 0; retries < RETRIES; retries++) {
      const { got, ...granted } = answer ?? await this.#ask();
      answer = undefined;
      if (got >= 0) {
        this.#held = this.#names.length;
        return this.#taken(granted, got);
      }
      if (got !== OTHERS) {
        this.#held = got === NO_SLOT ? this.#names.length : this.#held - 1 - got;
        if (this.#options.slots === undefined) await this.#check.refuseOthers(granted.next[0]);
        return undefined;
      }
      const others = await this.#check.agreement.others();
      if (others.number !== undefined) throw new OtherSlotsError(others.number, this.#options.slots!);
      [this.#known, isTie] = [others.plain, others.isTie];
      this.#checked = -Infinity;
      // Others have just taken or released it. A holder without slots is known from now on, and needs no pause.
      if (this.#known === undefined) await delayOrAbort(Math.random() * RETRY_PAUSE, this.#signal);
      this.#signal.throwIfAborted();
    }
    if (isTie) throw new OtherSlotsError(1, this.#options.slots!);
    throw LockUnavailableError.on(this.#session.where, noMark(this.#options.lock), { transient: true });
  }

  /** @param pause How long the server pauses first, in milliseconds. */
  async #ask(pause = 0): Promise<AttemptResult> {
    const checksFirst = performance.now() - this.#checked >= CHECK_INTERVAL;
    if (checksFirst) this.#checked = performance.now();
    const sleep = pause > 0 ? [sleepInQueue(this.#options.lock, pause)] : [];
    const all = [...sleep, ...this.#request(checksFirst)];
    const sent = this.#session.takesSeveral ? all : all.slice(0, sleep.length + 1);
    const asked = new Moment();
    const outcomes = await this.#session.batch(sent, { signal: this.#signal, serverTime: pause });
    return this.#read(asked, outcomes.slice(sleep.length));
  }

  /**
   * The statements that try to take what is still missing.
   *
   * @param checksFirst Whether to check for conflicts first. After taking a slot they are checked anyway.
   * @param condition The condition for trying at all.
   */
  #request(checksFirst: boolean, condition?: Statement): readonly Statement[] {
    const { lock, slots } = this.#options;
    let take = takeAll(this.#names.slice(this.#held), slots === undefined ? undefined : takeSlot(lock, slots));
    if (slots !== undefined && checksFirst) {
      take = sql`IF(${this.#check.agreement.conflicts(this.#known)}, ${OTHERS}, ${take})`;
    }
    if (condition) take = sql`IF(${condition}, ${take}, ${NO_SLOT})`;
    return [sql`SELECT ${GOT} := ${take} AS got`, ...this.#last().next];
  }

  #read(asked: Moment, [first, ...next]: readonly Outcome[]): AttemptResult {
    return { asked, next, got: Number(answerIn(this.#session, rowsOf(first!), ["got"]).exact("got")) };
  }

  /** Statements to send along with the request that may be the last one. */
  #last(): Required<Pick<Along, "next" | "busy">> & Along {
    const { lock, slots } = this.#options;
    const slot = slots === undefined ? [] : [hasSlotOf(GOT, lock, slots)];
    const mine = isMine(this.#names, ...slot);
    const leave = this.#queueLocks.length > 0
      ? [releaseNamedLockWhere(this.#session, this.#queueLocks, mine).statement]
      : [];
    return {
      next: [this.#check.first(mine, slots === undefined ? undefined : GOT), ...leave],
      unless: slots === undefined && this.#check.agreement.isNeeded ? this.#check.agreement.conflicts() : undefined,
      busy: ([next]) => this.#check.refuseOthers(next),
    };
  }

  #taken(granted: Granted, slot = 0): Taken {
    const { lock, slots } = this.#options;
    const left = granted.next[1];
    if (this.#queueLocks.length > 0 && !(left && "rows" in left)) {
      // No need to wait for the answer.
      releaseNamedLock(this.#session, this.#queueLocks).catch(() => undefined);
    }
    if (slots === undefined) return { granted, names: this.#names };
    const names = [slotLiteral(lock, slot), markLiteral(lock, slot, slots), ...this.#names];
    return { granted, names, slot, settled: settledName(lock, sql`${slot}`) };
  }

  /** Waits to become the head of the queue, and then tries the slots. */
  async #attemptSlots(deadline: Deadline): Promise<Taken | undefined> {
    const queue = queueLiteral(this.#options.lock);
    this.#queueLocks.unshift(queue);
    // With the first attempt in the same message, so that a free slot is taken without delay.
    const next = this.#request(false, isMine([queue]));
    const granted = await getNamedLock(this.#session, queue, deadline, this.#signal, { next });
    if (!granted) return undefined;
    let answer = granted.next.length > 0 ? this.#read(granted.asked, granted.next) : undefined;
    for (const began = performance.now();;) {
      const taken = await this.#attempt(answer);
      if (taken || deadline.passed) return taken;
      answer = await this.#ask(Math.min(pauseAfter(performance.now() - began), deadline.remaining));
    }
  }
}
