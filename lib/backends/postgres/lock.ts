import type { PostgresServer } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { delayOrAbort } from "../../waiting.ts";
import { LockLostError, LockUnavailableError, type Trouble, UnfitServerError } from "../../errors.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import { type Answer, askOne } from "../sql/answer.ts";
import { Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { NotPrimaryError, whereIs } from "./errors.ts";
import { DEFAULT_TIMEOUT, openPostgresSession, type PostgresSession } from "./session.ts";
import { FITNESS, refuseUnsuitable } from "./set_up.ts";
import type { QueryOptions } from "../sql/session.ts";
import { markOf } from "../sql/mark.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";
import { inMilliseconds } from "./sql.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { PostgresOptions } from "./options.ts";
import { identifier, sql, type Statement } from "../sql/statement.ts";

/**
 * The shortest and longest pause between two attempts while another session holds the lock, in milliseconds. A sera
 * that releases it notifies the waiters; the attempts are for a holder that died, or that is another program. Pauses
 * are random, so that many waiters do not try all at once.
 */
const SHORTEST_PAUSE = 300;
const LONGEST_PAUSE = 900;

/** SQL for the server's time in milliseconds since 1970. */
const NOW = inMilliseconds(sql`clock_timestamp()`);

/** The columns of a check of a held lock. */
type LockColumn = "mine" | "now" | "standby" | "read_only";

/** An advisory lock of PostgreSQL, in one database. */
export class PostgresLock extends SessionLock<PostgresSession> implements BackendLock {
  readonly #server: PostgresServer;
  readonly #key: AdvisoryKey;
  readonly #channel: string;
  readonly #options: PostgresOptions;
  /** The session that listens for releases, if any does. */
  #listening: PostgresSession | undefined;
  /** Ends the pause between two attempts. */
  #wake = new AbortController();

  /** @param options The lock's name, as {@linkcode advisoryKey} takes it, is in its presence. */
  constructor(server: PostgresServer, options: PostgresOptions) {
    super(options.retrying);
    this.#server = server;
    this.#key = advisoryKey(options.presence.lock);
    this.#channel = `sera_${options.presence.lock.replace(",", "_")}`;
    this.#options = options;
  }

  protected override get where(): string {
    return `PostgreSQL at ${this.#server.hosts.map(whereIs).join(", and at ")}`;
  }

  async sightings(table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readPostgresSightings } = await import("./sightings.ts");
    return await readPostgresSightings(
      await this.session(signal),
      { lock: this.#options.presence.lock },
      table,
      signal,
    );
  }

  protected override async open(signal: AbortSignal, limit: number): Promise<PostgresSession> {
    const { hosts, connectTimeout } = this.#server;
    // Divide the time among several hosts, so that one that does not answer leaves time for the next.
    const share = hosts.length > 1 ? limit / hosts.length : Infinity;
    const server = share < (connectTimeout ?? DEFAULT_TIMEOUT)
      ? { ...this.#server, connectTimeout: share }
      : this.#server;
    const session = await openPostgresSession(server, this.#options, signal);
    if (!session.pooled || this.#options.allowUnsafeServer) return session;
    const { requireSessionPooling } = await import("./pooler.ts");
    return await requireSessionPooling(session, () => openPostgresSession(this.#server, this.#options, signal), signal);
  }

  /**
   * Waits without a transaction: `pg_advisory_lock` would hold a snapshot, so that CREATE INDEX CONCURRENTLY in the
   * holder's command would wait for the waiter, and the waiter for the holder.
   */
  protected override async attempt(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    // The first attempt does not listen: most likely the lock is free.
    for (let listening = false;; listening = true) {
      const last = deadline.passed;
      // Both before the attempt, so that no release is missed after it.
      if (listening && !last) await this.#listen(session, signal);
      this.#wake = new AbortController();
      const lock = await this.#tryOnce(session, signal);
      if (lock || last) return lock;
      if (!listening) continue;
      const pause = SHORTEST_PAUSE + Math.random() * (LONGEST_PAUSE - SHORTEST_PAUSE);
      await delayOrAbort(Math.min(pause, deadline.remaining), this.#wake.signal, signal, session.closed);
      signal.throwIfAborted();
    }
  }

  async #listen(session: PostgresSession, signal: AbortSignal): Promise<void> {
    if (this.#listening === session) return;
    this.#listening = session;
    await session.listen(this.#channel, () => this.#wake.abort(), signal);
  }

  async #tryOnce(session: PostgresSession, signal: AbortSignal): Promise<HeldLock | undefined> {
    const { args } = this.#key;
    const { lease } = this.#options;
    const asked = performance.now();
    const answer = await askOne(session, sql`SELECT pg_try_advisory_lock(${args}) AS got`, ["got"], { signal });
    if (!answer.truth("got")) return undefined;
    const took = performance.now() - asked;
    const confirmed = new Moment();
    const seen = await this.#check(session, { signal });
    if (!seen.truth("mine")) {
      throw LockUnavailableError.on(session.where, {
        what: "the server does not keep the lock with this connection",
        cure:
          "a pooler may move connections between sessions, or locks have no effect there; connect to a PostgreSQL " +
          "server itself",
      });
    }
    const why = this.#whyUnfit(seen);
    if (why !== undefined) {
      // Close at once, so that the next waiter finds out too, and so that another try makes a new connection.
      await session.close();
      throw UnfitServerError.on(session.where, why);
    }
    session.mark = markOf({ ...this.#options.presence, since: seen.whole("now") });
    return await holdInSession(session, {
      isHeld: async () => {
        const seen = await this.#check(session, { serverTime: lease.ttl });
        const why = this.#whyUnfit(seen);
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        return seen.truth("mine");
      },
      release: async () => (await this.#unlock(session)).truth("released"),
    }, { lease, idle: session.idleTimeout, confirmed, took });
  }

  /**
   * Checks whether this session holds the lock, and whether the server is still fit to lock on. Not a part of the
   * attempt's statement: planning it each time would double what a waiter costs the server.
   */
  #check(session: PostgresSession, options: QueryOptions): Promise<Answer<LockColumn>> {
    const check = sql`SELECT ${isMine(session, this.#key)} AS mine, ${NOW} AS now, ${FITNESS}`;
    return askOne(session, check, ["mine", "now", "standby", "read_only"], options);
  }

  /** Why the server is no longer fit to lock on, and what to do; undefined if it is. */
  #whyUnfit(seen: Answer<LockColumn>): Trouble | undefined {
    try {
      refuseUnsuitable(seen, this.#server, this.#options.allowUnsafeServer);
      return undefined;
    } catch (error) {
      if (error instanceof NotPrimaryError) return error;
      throw error;
    }
  }

  /**
   * Releases the lock and notifies the waiters in one message: the server notifies them once both are done. Where
   * NOTIFY fails, as on a standby, nothing has been unlocked yet; then release alone, and the waiters find out by
   * trying.
   */
  async #unlock(session: PostgresSession): Promise<Answer<"released">> {
    const unlock = sql`SELECT pg_advisory_unlock(${this.#key.args}) AS released`;
    try {
      return await askOne(session, sql`NOTIFY ${identifier(this.#channel)}; ${unlock}`, ["released"]);
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      return await askOne(session, unlock, ["released"]);
    }
  }
}

/** The condition that this very session holds the lock. The database need not be compared: a session has only one. */
function isMine({ pid }: PostgresSession, { row }: AdvisoryKey): Statement {
  return sql`pg_backend_pid() = ${pid} AND EXISTS (
    SELECT FROM pg_locks WHERE ${row} AND pid = ${pid} AND granted AND mode = 'ExclusiveLock')`;
}
