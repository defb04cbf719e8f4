import { lineOf, LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import { formatDuration } from "../text/duration.ts";
import { endsAfter, graceOf, heartbeatOf, isKept, type LeaseTerms, Moment, stopsAfter } from "./lease.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { HeldLock } from "./lock.ts";
import type { Session } from "../backends/sql/session.ts";

/** How long a sign of the lock is fresh enough to start a command on, in milliseconds. */
const FRESH = 1000;

/** What a database has to say about a lock that its session holds. */
export interface LockInSession {
  /**
   * Whether this very session, on the same server, still holds the lock. Waits long for the answer: to end the session
   * would free the lock at once, while the lease leaves the command some time to end.
   */
  isHeld(): Promise<boolean>;
  /** Gives the lock back. False when the session did not hold it. */
  release(): Promise<boolean>;
}

/** A lock that a session has just been given, and what was seen then. */
export interface Acquired {
  readonly lock: LockInSession;
  /** What was asked for. */
  readonly lease: LeaseTerms;
  /** After how many idle milliseconds the server ends the session; it may allow less than was asked for. */
  readonly idle: number;
  /** When the statement was sent that showed the lock to be held. */
  readonly confirmed: Moment;
  /** How long the server took to give the lock, in milliseconds, and to wait for it where the server does that. */
  readonly took: number;
}

/**
 * Begins to hold a lock.
 *
 * @throws {LockUnavailableError} When the server answers too slowly to keep the lease; then the session has ended.
 */
export async function holdInSession(session: Session, acquired: Acquired): Promise<LeasedLock> {
  const { lock, lease, idle, confirmed, took } = acquired;
  const terms = { ...lease, ttl: Math.min(lease.ttl, idle) };
  // The quicker of the two: one answer alone may be late by accident.
  const roundTrip = Math.min(took, confirmed.age);
  if (isKept(terms, roundTrip)) return new LeasedLock(session, lock, terms, confirmed);
  await session.close();
  throw (await import("../backends/sql/too_slow.ts")).tooSlow(session, terms, lease.ttl, roundTrip);
}

/**
 * A lock that belongs to a session. The server frees it when it has heard nothing for the lease's TTL, or when the
 * session ends; so it is lost when the session ends, when a look finds it gone, and when no look was answered in time.
 */
export class LeasedLock implements HeldLock {
  readonly session: Session;
  onRenewed: (() => void) | undefined;
  readonly #lock: LockInSession;
  #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  /** When the last look that the server answered was sent. */
  #confirmed: Moment;
  /** How long after that the look was sent that has no answer yet, in milliseconds. */
  #sentAfter: number | undefined;
  #fence: ReturnType<typeof setTimeout> | undefined;
  #released = false;
  #commandEnded = false;
  #heldToEnd = false;

  /** @param confirmed When the statement was sent that showed the lock to be held. */
  constructor(session: Session, lock: LockInSession, terms: LeaseTerms, confirmed: Moment) {
    this.session = session;
    this.#lock = lock;
    this.#terms = terms;
    this.#confirmed = confirmed;
    this.#heartbeat = new Heartbeat(
      heartbeatOf(terms),
      () => this.#look(),
      (error) => this.#lose(reasonOf(error)),
      confirmed.age,
    );
    this.#watch();
    const closed = () => {
      // Until then the lease had not run out.
      if (session.isGivenUp) this.#heldToEnd ||= this.#commandEnded;
      if (!this.#released) this.#lose(`${session.where}: ${messageOf(session.closed.reason)}`);
    };
    if (session.closed.aborted) closed();
    session.closed.addEventListener("abort", closed, { once: true });
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get left(): number {
    return Math.max(0, endsAfter(this.#terms) - this.#confirmed.age);
  }

  commandEnded(): void {
    this.#terms = { ...this.#terms, grace: 0 };
    if (!this.lost.aborted) this.#watch();
    this.#commandEnded = !this.lost.aborted;
  }

  get heldToEnd(): boolean {
    return this.#heldToEnd;
  }

  async confirm(): Promise<void> {
    try {
      const isFresh = this.#confirmed.age <= FRESH && this.#heldToEnd === this.#commandEnded;
      if (!this.lost.aborted && !isFresh) await Promise.race([this.#look(), this.#untilLost()]);
    } catch (error) {
      this.#lose(reasonOf(error));
    }
    if (!this.lost.aborted && this.#confirmed.age > stopsAfter(this.#terms)) this.#loseToTime();
    if (this.lost.aborted) throw this.lost.reason;
  }

  #untilLost(): Promise<void> {
    return new Promise((resolve) => this.lost.addEventListener("abort", () => resolve(), { once: true }));
  }

  async release(): Promise<void> {
    // Whatever the session still keeps ends with it.
    if (this.lost.aborted) throw this.#commandEnded ? this.lost.reason : this.#lostBefore();
    this.#released = true;
    this.#stop();
    let released;
    try {
      released = await this.#repeated(() => this.#lock.release());
    } catch (error) {
      if (error instanceof LockUnavailableError) {
        throw new LockLostError(`Cannot release the lock on ${error.reason}`, error.cure);
      }
      throw error;
    }
    if (!released) throw new LockLostError(`The lock was gone before its release: ${this.session.where} had freed it`);
  }

  /** Of a loss while the command ran it has been told why. */
  #lostBefore(): LockLostError {
    return new LockLostError(`Cannot release the lock on ${this.session.where}: it was lost before`);
  }

  async #look(): Promise<void> {
    const sent = new Moment();
    const isAfterEnd = this.#commandEnded;
    this.#sentAfter = this.#confirmed.age;
    if (!await this.#repeated(() => this.#lock.isHeld())) {
      throw new LockLostError(`${this.session.where} has freed it`);
    }
    this.#heldToEnd ||= isAfterEnd;
    this.#confirmed = sent;
    this.#sentAfter = undefined;
    if (this.#released || this.lost.aborted) return;
    this.#watch();
    this.onRenewed?.();
  }

  /** Does something again that an administrator, or a limit, has broken off while the session went on. */
  async #repeated<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockUnavailableError && error.transient) || this.session.closed.aborted) throw error;
      return await ask();
    }
  }

  /** Gives the lock up when the command would otherwise still run when another may have it. */
  #watch(): void {
    clearTimeout(this.#fence);
    const left = stopsAfter(this.#terms) - this.#confirmed.age;
    if (left <= 0) return this.#loseToTime();
    this.#fence = setTimeout(() => this.#watch(), left);
  }

  #loseToTime(): void {
    // At the command's end the lease had not run out.
    this.#heldToEnd ||= this.#commandEnded;
    this.#lose(`${this.session.where}: no answer for ${formatDuration(Math.round(this.#confirmed.age))}`);
  }

  #lose(why: string): void {
    if (this.#released || this.lost.aborted) return;
    this.#stop();
    const within = Math.min(this.left, graceOf(this.#terms));
    this.#lost.abort(new LockLostError(`Lock lost: ${this.#suspension() ?? why}`, undefined, within));
  }

  /** Says that sera itself did not run: a look is overdue by more than a beat. What the server says then only follows. */
  #suspension(): string | undefined {
    const beat = heartbeatOf(this.#terms);
    const late = (this.#sentAfter ?? this.#confirmed.age) - beat;
    if (late <= beat) return undefined;
    const span = formatDuration(Math.round(late / 1000) * 1000);
    return `sera was suspended for ${span} (SIGSTOP, or a machine that slept); ${this.session.where} may have freed it`;
  }

  #stop(): void {
    this.#heartbeat[Symbol.dispose]();
    clearTimeout(this.#fence);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof LockUnavailableError ? lineOf({ what: error.reason, cure: error.cure }) : messageOf(error);
}
