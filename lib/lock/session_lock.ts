import { LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { HeldLock } from "./lock.ts";
import type { Session } from "./session.ts";

/** The longest time between two looks whether the lock is still held, in milliseconds. */
const LONGEST_HEARTBEAT = 30_000;

/** What a database has to say about a lock that its session holds. */
export interface LockInSession {
  /** Whether this very session still holds the lock. */
  isHeld(): Promise<boolean>;
  /** Gives the lock back. False when the session did not hold it. */
  release(): Promise<boolean>;
  /** After how many idle milliseconds the server ends the session, and the lock with it. */
  readonly idleTimeout: number;
}

/** A lock that belongs to a session: watched with a heartbeat, and lost when the session ends. */
export class SessionLock implements HeldLock {
  readonly #session: Session;
  readonly #lock: LockInSession;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  #released = false;

  constructor(session: Session, lock: LockInSession) {
    this.#session = session;
    this.#lock = lock;
    const interval = Math.min(lock.idleTimeout / 3, LONGEST_HEARTBEAT);
    this.#heartbeat = new Heartbeat(interval, () => this.#check(), (error) => this.#lose(reasonOf(error)));
    const closed = () => this.#lose(`${session.where}: ${messageOf(session.closed.reason)}`);
    if (session.closed.aborted) closed();
    session.closed.addEventListener("abort", closed, { once: true });
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async #check(): Promise<void> {
    if (!await this.#repeated(() => this.#lock.isHeld())) {
      throw new LockLostError(`${this.#session.where} has freed it`);
    }
  }

  /** Does something again that an administrator, or a limit, has broken off while the session went on. */
  async #repeated<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LockUnavailableError && error.transient)) throw error;
      return await ask();
    }
  }

  #lose(why: string): void {
    if (this.#released) return;
    this.#heartbeat[Symbol.dispose]();
    this.#lost.abort(new LockLostError(`Lock lost: ${why}`));
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#heartbeat[Symbol.dispose]();
    let released;
    try {
      released = await this.#repeated(() => this.#lock.release());
    } catch (error) {
      if (error instanceof LockUnavailableError) throw new LockLostError(`Cannot release the lock on ${error.reason}`);
      throw error;
    }
    if (!released) throw new LockLostError(`The lock was gone before its release: ${this.#session.where} had freed it`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof LockUnavailableError ? error.reason : messageOf(error);
}
