import type { PostgresServer } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { LockLostError, LockUnavailableError, type Trouble, UnfitServerError } from "../../errors.ts";
import { AdvisoryLock } from "./advisory_lock.ts";
import { type Answer, answerIn, askOne } from "../sql/answer.ts";
import { freshFor, Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { EndRequests } from "../../lock/end_request.ts";
import { NotPrimaryError, whereIs } from "./errors.ts";
import { withinLimit } from "./limits.ts";
import { openPostgresSession } from "./open_session.ts";
import type { PostgresSession } from "./session.ts";
import { FITNESS, refuseUnsuitable } from "./set_up.ts";
import type { QueryOptions } from "../sql/query_options.ts";
import { markOf } from "../sql/mark.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";
import { inMilliseconds } from "./sql.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import { askerOf, endRequestFor, whoAsks } from "./end_request.ts";
import type { PostgresOptions } from "./options.ts";
import { sql, type Statement } from "../sql/statement.ts";
import type { Outcome } from "../sql/batch.ts";

/** SQL for the server's time in milliseconds since 1970. */
const NOW = inMilliseconds(sql`clock_timestamp()`);

/** The columns of a check of a held lock. */
const COLUMNS = ["mine", "now", "asker", "standby", "read_only"] as const;
type LockColumn = typeof COLUMNS[number];

/** An advisory lock of PostgreSQL, in one database. */
export class PostgresLock extends SessionLock<PostgresSession> implements BackendLock {
  readonly #server: PostgresServer;
  readonly #lock: AdvisoryLock;
  readonly #options: PostgresOptions;

  /** @param options The lock's name is in its presence. */
  constructor(server: PostgresServer, options: PostgresOptions) {
    super(options.retrying);
    this.#server = server;
    this.#lock = new AdvisoryLock(options.presence.lock);
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
    const session = await openPostgresSession(withinLimit(this.#server, limit), this.#options, signal);
    if (!session.pooled || this.#options.allowUnsafeServer) return session;
    const { requireSessionPooling } = await import("./pooler.ts");
    return await requireSessionPooling(session, () => openPostgresSession(this.#server, this.#options, signal), signal);
  }

  protected override async attempt(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    const granted = await this.#lock.wait(session, deadline, signal, this.#question(session));
    if (!granted) return undefined;
    const { lease } = this.#options;
    const { along, asked, took } = granted;
    // A single answer may be late by chance.
    const isFresh = along !== undefined && took <= freshFor(lease);
    const confirmed = isFresh ? asked : new Moment();
    const seen = isFresh ? answerOf(session, along) : await this.#check(session, { signal });
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
    this.#lock.leaveSeat(session);
    const endRequests = new EndRequests();
    const askerSql = askerOf(endRequestFor(this.#options.presence.lock, session.pid));
    return await holdInSession(session, {
      asked: endRequests.signal,
      isHeld: async () => {
        const seen = await this.#check(session, { serverTime: lease.ttl }, askerSql);
        const why = this.#whyUnfit(seen);
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        const asker = seen.whole("asker");
        if (asker > 0) endRequests.noticed(() => whoAsks(session, asker));
        return seen.truth("mine");
      },
      release: () => this.#lock.release(session),
      releaseWhere: (condition) => this.#lock.releaseWhere(session, condition),
    }, { lease, idle: session.idleTimeout, confirmed, took });
  }

  /**
   * Asks whether this session holds the lock, and whether the server is still fit to lock on. Not a part of the statement
   * that asks for the lock: planning it each time would double what a waiter costs the server.
   *
   * @param asker SQL for the server's process for somebody who asks for the lock's release; 0 for nobody.
   */
  #question(session: PostgresSession, asker = sql`0`): Statement {
    return sql`SELECT ${this.#lock.isHeldBy(session)} AS mine, ${NOW} AS now, ${asker} AS asker, ${FITNESS}`;
  }

  #check(session: PostgresSession, options: QueryOptions, asker?: Statement): Promise<Answer<LockColumn>> {
    return askOne(session, this.#question(session, asker), COLUMNS, options);
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
}

/** Reads the answer to a check that was sent along with the question for the lock. */
function answerOf(session: PostgresSession, outcome: Outcome): Answer<LockColumn> {
  if ("error" in outcome) throw outcome.error;
  return answerIn(session, outcome.rows, COLUMNS);
}
