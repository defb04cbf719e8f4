import type { MySqlDsn } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { delayOrAbort, within } from "../../waiting.ts";
import { LockLostError, LockUnavailableError } from "../../errors.ts";
import { type Answer, askOne } from "../sql/answer.ts";
import { Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { whereIs } from "./errors.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { askState, identityOf, refuseUnsafe, whyUnsafe } from "./topology.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { MySqlOptions } from "./options.ts";
import { sql, type Statement, word } from "../sql/statement.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";

/**
 * The longest wait to ask a server for in one go, in seconds: so that a waiter soon notices a server that has vanished.
 * (TiDB would clamp at an hour.)
 */
const LONGEST_SERVER_WAIT = 60;

/**
 * How far the server's answer to a wait may lie behind the deadline, in milliseconds, for the server to be waited for.
 * Servers count whole seconds (MySQL drops a fraction), so that a wait such as 1500ms ends by our own clock.
 */
const ROUNDING = 100;

/** Locks with `GET_LOCK` of MySQL or MariaDB. */
export class MySqlLock extends SessionLock<MySqlSession> implements BackendLock {
  readonly #dsn: MySqlDsn;
  /** In SQL, and as others look for it in statements. */
  readonly #name: Statement;
  readonly #options: MySqlOptions;

  /** @param options Its presence has the lock's name, in letters and digits. */
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
    const { lookOnMySql } = await import("./sightings.ts");
    return await lookOnMySql(await this.session(signal), { lock: this.#options.presence.lock }, table, signal);
  }

  protected override open(signal: AbortSignal): Promise<MySqlSession> {
    return openMySqlSession(this.#dsn, this.#options, signal);
  }

  protected override async attempt(
    session: MySqlSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    for (;;) {
      const remaining = deadline.remaining;
      const seconds = Math.min(Math.ceil(Math.max(0, remaining - ROUNDING) / 1000), LONGEST_SERVER_WAIT);
      const asked = performance.now();
      const byServer = seconds * 1000 - remaining <= ROUNDING;
      const query = askOne(session, sql`SELECT GET_LOCK(${this.#name}, ${seconds}) AS got`, ["got"], {
        signal,
        serverTime: seconds * 1000,
      });
      const answer = byServer ? await query : await orGiveUp(session, query, remaining);
      if (!answer) return undefined;
      const got = answer.bit("got");
      if (got === undefined) {
        const what = "the server broke the request off (a killed query, a time limit, or no memory)";
        throw LockUnavailableError.on(session.where, { what }, { transient: true });
      }
      if (got) return await this.#verified(session, performance.now() - asked);
      if (deadline.remaining <= ROUNDING) return undefined;
      // The server waited less than it was asked to. Should it not wait at all, do not keep it busy.
      await delayOrAbort(ROUNDING, signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Makes sure that it is this very session that holds the lock: a proxy may have sent the two elsewhere. And that the
   * server is still one to lock on, for it may have become a replica during the wait, and later may become one.
   *
   * @param took How long the server took to give the lock, in milliseconds.
   */
  async #verified(session: MySqlSession, took: number): Promise<HeldLock> {
    const { lease, allowUnsafeServer } = this.#options;
    const state = askState(allowUnsafeServer ? new Map() : session.variables);
    const { expression, mark } = identityOf(session.variables);
    const held = sql`IS_USED_LOCK(${this.#name}) = CONNECTION_ID() AS mine`;
    const place = sql`CONNECTION_ID() AS id, ${expression} AS server, @@SESSION.wait_timeout AS idle`;
    const question = sql`SELECT ${held}, ${place}, ${state.expression} AS state`;
    const look = (serverTime = 0) =>
      askOne(session, question, ["mine", "id", "server", "idle", "state"], { serverTime });
    const isMine = (seen: Answer<"mine" | "server">) => seen.bit("mine") === true && seen.is("server", mark);
    const stateIn = (seen: Answer<"state">) => state.read(seen.texts("state", state.count));
    const confirmed = new Moment();
    const first = await look();
    const id = session.id = first.whole("id");
    const idle = first.whole("idle");
    if (!isMine(first)) {
      throw LockUnavailableError.on(session.where, {
        what: "the server does not keep the lock with this connection",
        cure: "a proxy may move connections between servers, connect to the server itself",
      });
    }
    const now = stateIn(first);
    if (whyUnsafe(now) !== undefined) {
      // At once, so that the next one who waits finds out too; and a further try is to connect anew.
      await session.close();
      refuseUnsafe(session.where, now);
    }
    return await holdInSession(session, {
      isHeld: async () => {
        const seen = await look(lease.ttl);
        const why = whyUnsafe(stateIn(seen));
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        return isMine(seen) && seen.whole("id") === id;
      },
      release: async () => {
        const released = await askOne(session, sql`SELECT RELEASE_LOCK(${this.#name}) AS released`, ["released"]);
        return released.bit("released") === true;
      },
    }, { lease, idle: idle * 1000 || Infinity, confirmed, took });
  }
}

/** Ends a wait by our own clock. Closing the session takes the request back, also one that is granted just now. */
async function orGiveUp<T extends object>(
  session: MySqlSession,
  query: Promise<T>,
  remaining: number,
): Promise<T | undefined> {
  const answer = await within(remaining, query);
  if (!answer) session.destroy();
  return answer;
}
