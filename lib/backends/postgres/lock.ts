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
 * The pauses between two looks at a lock that somebody else has, in milliseconds. A holder that releases it says so; the
 * looks are for one that died, or that is no sera. They differ, so that many waiters do not all look at once.
 */
const SHORTEST_PAUSE = 300;
const LONGEST_PAUSE = 900;

/** SQL for the server's time in milliseconds since 1970. */
const NOW = inMilliseconds(sql`clock_timestamp()`);

/** What a look at a lock tells. */
type Told = "mine" | "now" | "standby" | "read_only";

/** Advisory locks of PostgreSQL, in one database. */
export class PostgresLock extends SessionLock<PostgresSession> implements BackendLock {
  readonly #server: PostgresServer;
  readonly #key: AdvisoryKey;
  readonly #channel: string;
  readonly #options: PostgresOptions;
  /** The session that is told of releases, once there is one. */
  #listening: PostgresSession | undefined;
  /** Ends the pause between two looks. */
  #wake = new AbortController();

  /** @param options Its presence has the lock's name, as {@linkcode advisoryKey} takes it. */
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
    const { lookOnPostgres } = await import("./sightings.ts");
    return await lookOnPostgres(await this.session(signal), { lock: this.#options.presence.lock }, table, signal);
  }

  protected override async open(signal: AbortSignal, limit: number): Promise<PostgresSession> {
    const { hosts, connectTimeout } = this.#server;
    // Each of several hosts has its share, so that one that says nothing does not keep sera from the next.
    const share = hosts.length > 1 ? limit / hosts.length : Infinity;
    const server = share < (connectTimeout ?? DEFAULT_TIMEOUT)
      ? { ...this.#server, connectTimeout: share }
      : this.#server;
    const session = await openPostgresSession(server, this.#options, signal);
    if (!session.pooled || this.#options.allowUnsafeServer) return session;
    const { throughPooler } = await import("./pooler.ts");
    return await throughPooler(session, () => openPostgresSession(this.#server, this.#options, signal), signal);
  }

  /**
   * Waits without a transaction: `pg_advisory_lock` would hold a snapshot, for which CREATE INDEX CONCURRENTLY in the
   * holder's command would wait, and it for the holder.
   */
  protected override async attempt(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    // The first look is without: most likely the lock is free, and there is nothing to be told of.
    for (let listening = false;; listening = true) {
      const last = deadline.passed;
      // Both before the look, so that no release falls between the two.
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
    const seen = await this.#look(session, { signal });
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
      // At once, so that the next one who waits finds out too; and a further try is to connect anew.
      await session.close();
      throw UnfitServerError.on(session.where, why);
    }
    session.mark = markOf({ ...this.#options.presence, since: seen.whole("now") });
    return await holdInSession(session, {
      isHeld: async () => {
        const seen = await this.#look(session, { serverTime: lease.ttl });
        const why = this.#whyUnfit(seen);
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        return seen.truth("mine");
      },
      release: async () => (await this.#unlock(session)).truth("released"),
    }, { lease, idle: session.idleTimeout, confirmed, took });
  }

  /**
   * Looks whether the lock is this session's, and whether the server is still one to lock on. A statement of its own: planned with each try, it would double what a waiter
   * costs the server.
   */
  #look(session: PostgresSession, options: QueryOptions): Promise<Answer<Told>> {
    const look = sql`SELECT ${isMine(session, this.#key)} AS mine, ${NOW} AS now, ${FITNESS}`;
    return askOne(session, look, ["mine", "now", "standby", "read_only"], options);
  }

  /** Why the server will not do any more, and what to do; undefined if it will. */
  #whyUnfit(seen: Answer<Told>): Trouble | undefined {
    try {
      refuseUnsuitable(seen, this.#server, this.#options.allowUnsafeServer);
      return undefined;
    } catch (error) {
      if (error instanceof NotPrimaryError) return error;
      throw error;
    }
  }

  /**
   * Gives the lock back, and tells the waiters, in one go: they are told when both are done. Where nobody can be told, as on
   * a standby, the server breaks off before it has unlocked; then they look by themselves.
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

/** The condition that this very session holds the lock; one's own are all in one's own database. */
function isMine({ pid }: PostgresSession, { row }: AdvisoryKey): Statement {
  return sql`pg_backend_pid() = ${pid} AND EXISTS (
    SELECT FROM pg_locks WHERE ${row} AND pid = ${pid} AND granted AND mode = 'ExclusiveLock')`;
}
