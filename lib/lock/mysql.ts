import type { MySqlDsn } from "../config/mysql_dsn.ts";
import { Deadline, delayOrAbort } from "../deadline.ts";
import { LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Backend, HeldLock } from "./lock.ts";
import { MySqlSession } from "./mysql_session.ts";

/** The longest wait to ask a server for in one go, in seconds. TiDB clamps to an hour; the others have no such bound. */
const LONGEST_SERVER_WAIT = 3600;

/**
 * How far the server's answer to a wait may lie behind the deadline, in milliseconds, for the server to be waited for.
 * Servers count whole seconds (MySQL drops a fraction), so that a wait such as 1500ms ends by our own clock.
 */
const ROUNDING = 100;

/** Pauses before another try after transient trouble, in milliseconds: the first one, and the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/** The longest time between two looks whether the lock is still held, in milliseconds. */
const LONGEST_HEARTBEAT = 30_000;

/**
 * Locks with `GET_LOCK` of MySQL or MariaDB, in one session that serves nothing else: the server frees the lock when that
 * session ends, so there is no pool and no reconnecting.
 */
export class MySqlBackend implements Backend {
  readonly #dsn: MySqlDsn;
  readonly #name: string;
  readonly #tlsCa: string | undefined;
  #session: MySqlSession | undefined;

  /**
   * @param name The lock's name, in letters and digits.
   * @param tlsCa PEM file with the CA that signed the server's certificate.
   */
  constructor(dsn: MySqlDsn, name: string, tlsCa?: string) {
    this.#dsn = dsn;
    this.#name = name;
    this.#tlsCa = tlsCa;
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    let deadline: Deadline | undefined;
    let pause = FIRST_PAUSE;
    for (;;) {
      try {
        try {
          this.#session ??= await MySqlSession.open(this.#dsn, this.#tlsCa, signal);
        } finally {
          deadline ??= new Deadline(wait);
        }
        return await this.#getLock(this.#session, deadline, signal);
      } catch (error) {
        if (this.#session?.closed.aborted) this.#session = undefined;
        if (!(error instanceof LockUnavailableError && error.transient) || deadline!.passed) throw error;
        await delayOrAbort(Math.min(pause * (0.5 + Math.random()), deadline!.remaining), signal);
        signal.throwIfAborted();
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    }
  }

  async #getLock(session: MySqlSession, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined> {
    for (;;) {
      const remaining = deadline.remaining;
      const seconds = Math.min(Math.ceil(Math.max(0, remaining - ROUNDING) / 1000), LONGEST_SERVER_WAIT);
      const byServer = seconds * 1000 - remaining <= ROUNDING;
      const query = session.query(`SELECT GET_LOCK('${this.#name}', ${seconds}) AS got`, {
        signal,
        serverTime: seconds * 1000,
      });
      const row = byServer ? await query : await this.#orGiveUp(session, query, remaining);
      if (!row) return undefined;
      if (row.got === null) {
        throw new LockUnavailableError(
          `Cannot lock on ${session.where}: the server broke the request off (a killed query, a time limit, or no memory)`,
          true,
        );
      }
      if (Number(row.got) === 1) return await this.#verified(session);
      if (deadline.remaining <= ROUNDING) return undefined;
      // The server waited less than it was asked to. Should it not wait at all, do not keep it busy.
      await delayOrAbort(ROUNDING, signal);
      signal.throwIfAborted();
    }
  }

  /** Ends a wait by our own clock. Closing the session takes the request back, also one that is granted just now. */
  async #orGiveUp<T>(session: MySqlSession, query: Promise<T>, remaining: number): Promise<T | undefined> {
    const answered = new AbortController();
    const done = query.finally(() => answered.abort());
    const gaveUp = delayOrAbort(remaining, answered.signal).then(() => undefined);
    // A tie goes to the answer: it may be a lock.
    const result = await Promise.race([done, gaveUp.then(() => answered.signal.aborted ? done : undefined)]);
    if (!answered.signal.aborted) {
      done.catch(() => undefined);
      session.destroy();
      this.#session = undefined;
    }
    return result;
  }

  /** Makes sure that it is this very session that holds the lock: a proxy may have sent the two elsewhere. */
  async #verified(session: MySqlSession): Promise<HeldLock> {
    const row = await session.query(
      `SELECT IS_USED_LOCK('${this.#name}') = CONNECTION_ID() AS mine, @@SESSION.wait_timeout AS idle`,
    );
    if (Number(row.mine) !== 1) {
      throw new LockUnavailableError(
        `Cannot lock on ${session.where}: the server does not keep the lock with this connection; a proxy may move ` +
          "connections between servers, connect to the server itself",
      );
    }
    return new HeldMySqlLock(session, this.#name, Number(row.idle) * 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
  }
}

class HeldMySqlLock implements HeldLock {
  readonly #session: MySqlSession;
  readonly #name: string;
  readonly #lost = new AbortController();
  readonly #heartbeat: Heartbeat;
  #released = false;

  /** @param idleTimeout After how many idle milliseconds the server ends the session, and the lock with it. */
  constructor(session: MySqlSession, name: string, idleTimeout: number) {
    this.#session = session;
    this.#name = name;
    const interval = Math.min(idleTimeout / 3, LONGEST_HEARTBEAT);
    this.#heartbeat = new Heartbeat(interval, () => this.#check(), (error) => this.#lose(reasonOf(error)));
    const closed = () => this.#lose(`${session.where}: ${messageOf(session.closed.reason)}`);
    if (session.closed.aborted) closed();
    session.closed.addEventListener("abort", closed, { once: true });
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async #check(): Promise<void> {
    const row = await this.#session.query(`SELECT IS_USED_LOCK('${this.#name}') = CONNECTION_ID() AS mine`);
    if (Number(row.mine) !== 1) throw new LockLostError(`${this.#session.where} has freed it`);
  }

  #lose(why: string): void {
    if (this.#released) return;
    this.#heartbeat[Symbol.dispose]();
    this.#lost.abort(new LockLostError(`Lock lost: ${why}`));
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#heartbeat[Symbol.dispose]();
    let row;
    try {
      row = await this.#session.query(`SELECT RELEASE_LOCK('${this.#name}') AS released`);
    } catch (error) {
      if (error instanceof LockUnavailableError) throw new LockLostError(`Cannot release the lock on ${error.reason}`);
      throw error;
    }
    if (Number(row.released) !== 1) {
      throw new LockLostError(`The lock was gone before its release: ${this.#session.where} had freed it`);
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof LockUnavailableError ? error.reason : messageOf(error);
}
