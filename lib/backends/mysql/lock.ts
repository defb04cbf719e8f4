import type { MySqlDsn } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { LockLostError, LockUnavailableError } from "../../errors.ts";
import { type Answer, answerIn } from "../sql/answer.ts";
import { freshFor, Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { EndRequests } from "../../lock/end_request.ts";
import { whereIs } from "./errors.ts";
import { endRequestFor, getNamedLock, type Granted, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { type AskState, askState, refuseUnsafe, serverIdentity, whyUnsafe } from "./topology.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { MySqlOptions } from "./options.ts";
import { sql, type Statement, word } from "../sql/statement.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";

/** The columns of the answer to {@linkcode Check.question}. */
const COLUMNS = ["mine", "id", "server", "idle", "state", "asker"] as const;

/** How to make sure that a session holds the lock on the server that it was opened on. */
interface Check {
  readonly question: Statement;
  /** The server's mark. */
  readonly mark: string;
  readonly state: AskState;
}

/** A lock held with `GET_LOCK` on MySQL or MariaDB. */
export class MySqlLock extends SessionLock<MySqlSession> implements BackendLock {
  readonly #dsn: MySqlDsn;
  /** As plain text, since other seras look for it in the process list. */
  readonly #name: Statement;
  readonly #options: MySqlOptions;

  /** @param options The lock's name, letters and digits, is in its presence. */
  constructor(dsn: MySqlDsn, options: MySqlOptions) {
    super(options.retrying);
    this.#dsn = dsn;
    this.#name = word(options.presence.lock);
    this.#options = options;
  }

  protected override get where(): string {
    return whereIs(this.#dsn);
  }

  async sightings(table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readMySqlSightings } = await import("./sightings.ts");
    return await readMySqlSightings(await this.session(signal), { lock: this.#options.presence.lock }, table, signal);
  }

  protected override open(signal: AbortSignal, limit: number): Promise<MySqlSession> {
    return openMySqlSession(this.#dsn, this.#options, signal, limit);
  }

  protected override async attempt(
    session: MySqlSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    const { expression, mark } = serverIdentity(session.variables);
    const state = askState(this.#options.allowUnsafeServer ? new Map() : session.variables);
    const held = sql`IS_USED_LOCK(${this.#name}) = CONNECTION_ID() AS mine`;
    const place = sql`CONNECTION_ID() AS id, ${expression} AS server, @@SESSION.wait_timeout AS idle`;
    const asker = sql`IFNULL(IS_USED_LOCK(${endRequestFor(this.#options.presence.lock)}), 0) AS asker`;
    const question = sql`SELECT ${held}, ${place}, ${state.expression} AS state, ${asker}`;
    const granted = await getNamedLock(session, this.#name, deadline, signal, question);
    return granted && await this.#verified(session, granted, { question, mark, state });
  }

  /**
   * Makes sure that this very session holds the lock, since a proxy may have sent the statements to different servers;
   * and that the server is still safe to lock on, since it may have become a replica during the wait. The held lock
   * repeats both checks.
   *
   * The server has checked after it granted the lock, but the message was sent before, perhaps long before. Only from
   * then on is the lock known to be held, so a message that is no longer fresh is followed by another check. And so is one
   * to a connection that has another number than the login's: a proxy that has several connections sends what is in one
   * message over one of them, and the next message over another.
   */
  async #verified(
    session: MySqlSession,
    { asked, next }: Granted,
    { question, mark, state }: Check,
  ): Promise<HeldLock> {
    const { lease } = this.#options;
    const check = async (serverTime = 0) =>
      answerIn(session, await session.queryAll(question, { serverTime }), COLUMNS);
    const isMine = (seen: Answer<"mine" | "server">) => seen.bit("mine") === true && seen.is("server", mark);
    const stateIn = (seen: Answer<"state">) => state.read(seen.texts("state", state.count));
    const took = asked.age;
    const isFresh = next !== undefined && "rows" in next && took <= freshFor(lease);
    const along = isFresh ? answerIn(session, next.rows, COLUMNS) : undefined;
    const isAlone = along !== undefined && along.whole("id") % 2 ** 32 === session.loginId;
    const confirmed = isAlone ? asked : new Moment();
    const first = isAlone ? along : await check();
    const id = session.id = first.whole("id");
    const idle = first.whole("idle");
    if (!isMine(first) || along !== undefined && along.whole("id") !== id) {
      throw LockUnavailableError.on(session.where, {
        what: "the server does not keep the lock with this connection",
        cure: "a proxy may move connections between servers, connect to the server itself",
      });
    }
    const now = stateIn(first);
    if (whyUnsafe(now) !== undefined) {
      // Close at once, so that the next waiter finds out too, and so that another try makes a new connection.
      await session.close();
      refuseUnsafe(session.where, now);
    }
    const endRequests = new EndRequests();
    return await holdInSession(session, {
      asked: endRequests.signal,
      isHeld: async () => {
        const seen = await check(lease.ttl);
        const why = whyUnsafe(stateIn(seen));
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        const asker = seen.whole("asker");
        if (asker > 0) endRequests.noticed(async () => (await import("./end_request.ts")).whoAsks(session, asker));
        return isMine(seen) && seen.whole("id") === id;
      },
      release: () => releaseNamedLock(session, this.#name),
      releaseWhere: (condition) => releaseNamedLockWhere(session, this.#name, condition),
    }, { lease, idle: idle * 1000 || Infinity, confirmed, took });
  }
}
