import type { MySqlDsn } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { delayOrAbort, within } from "../../waiting.ts";
import { LockLostError, LockUnavailableError } from "../../errors.ts";
import { type Answer, askOne } from "../sql/answer.ts";
import { Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { whereIs } from "./errors.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { askState, refuseUnsafe, serverIdentity, whyUnsafe } from "./topology.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { MySqlOptions } from "./options.ts";
import { sql, type Statement, word } from "../sql/statement.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";

/**
 * The longest wait for one `GET_LOCK`, in seconds, so that a waiter soon notices a server that has vanished. (TiDB
 * would clamp at an hour.)
 */
const LONGEST_SERVER_WAIT = 60;

/**
 * How far past the deadline the server's answer may come, in milliseconds. Servers count whole seconds (MySQL drops a
 * fraction), so a wait such as 1500ms has to be ended by our own clock.
 */
const ROUNDING = 100;

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
      // The server waited less than it was asked to. Pause, in case it does not wait at all.
      await delayOrAbort(ROUNDING, signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Makes sure that this very session holds the lock, since a proxy may have sent the statements to different servers;
   * and that the server is still safe to lock on, since it may have become a replica during the wait. The held lock
   * repeats both checks.
   *
   * @param took How long the server took to grant the lock, in milliseconds.
   */
  async #verified(session: MySqlSession, took: number): Promise<HeldLock> {
    const { lease, allowUnsafeServer } = this.#options;
    const state = askState(allowUnsafeServer ? new Map() : session.variables);
    const { expression, mark } = serverIdentity(session.variables);
    const held = sql`IS_USED_LOCK(${this.#name}) = CONNECTION_ID() AS mine`;
    const place = sql`CONNECTION_ID() AS id, ${expression} AS server, @@SESSION.wait_timeout AS idle`;
    const question = sql`SELECT ${held}, ${place}, ${state.expression} AS state`;
    const check = (serverTime = 0) =>
      askOne(session, question, ["mine", "id", "server", "idle", "state"], { serverTime });
    const isMine = (seen: Answer<"mine" | "server">) => seen.bit("mine") === true && seen.is("server", mark);
    const stateIn = (seen: Answer<"state">) => state.read(seen.texts("state", state.count));
    const confirmed = new Moment();
    const first = await check();
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
      // Close at once, so that the next waiter finds out too, and so that another try makes a new connection.
      await session.close();
      refuseUnsafe(session.where, now);
    }
    return await holdInSession(session, {
      isHeld: async () => {
        const seen = await check(lease.ttl);
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

/**
 * Ends a wait by our own clock, in milliseconds. Closing the session withdraws the request, even if it is being granted
 * just now.
 */
async function orGiveUp<T extends object>(
  session: MySqlSession,
  query: Promise<T>,
  remaining: number,
): Promise<T | undefined> {
  const answer = await within(remaining, query);
  if (!answer) session.destroy();
  return answer;
}
