import type { MySqlDsn } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { LockLostError, LockUnavailableError, OtherSlotsError } from "../../errors.ts";
import { delayOrAbort } from "../../waiting.ts";
import { freshFor, Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { EndRequests } from "../../lock/end_request.ts";
import { whereIs } from "./errors.ts";
import { getNamedLock, type Granted, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { refuseUnsafe, whyUnsafe } from "./topology.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { MySqlOptions } from "./options.ts";
import { sql, type Statement, word } from "../sql/statement.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { tiePause } from "../sql/tie_pause.ts";
import { holdInSession } from "../sql/hold_in_session.ts";
import { type Check, checkIn, isMine } from "./lock_check.ts";

/** How often to retry after a tie between runs with different numbers of slots. */
const TIES = 8;

/** What a session has taken. */
export interface Taken {
  readonly granted: Granted;
  /** The names of all locks held, as literals, in the order of release. */
  readonly names: readonly Statement[];
  readonly slot?: number;
  /** The lock that marks the holder of a slot as settled; released too, if held. */
  readonly settled?: Statement;
}

/** A lock held with `GET_LOCK` on MySQL or MariaDB. */
export class MySqlLock extends SessionLock<MySqlSession> implements BackendLock {
  readonly #dsn: MySqlDsn;
  protected readonly options: MySqlOptions;

  /** @param options With the lock's name, which consists of letters and digits, in the presence. */
  constructor(dsn: MySqlDsn, options: MySqlOptions) {
    super(options.retrying);
    this.#dsn = dsn;
    this.options = options;
  }

  protected override get where(): string {
    return whereIs(this.#dsn);
  }

  /** The lock itself, and those that are held with it. */
  protected get locks(): readonly string[] {
    return [this.options.presence.lock, ...this.options.also ?? []];
  }

  async sightings(table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readMySqlSightings } = await import("./sightings.ts");
    const { lock } = this.options.presence;
    return await readMySqlSightings(await this.session(signal), { lock }, table, signal, this.options.also);
  }

  protected override open(signal: AbortSignal, limit: number): Promise<MySqlSession> {
    return openMySqlSession(this.#dsn, this.options, signal, limit);
  }

  protected override async attempt(
    session: MySqlSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    const check = checkIn(session, this.options);
    for (let tie = 1;; tie++) {
      const taken = await this.take(session, check, deadline, signal);
      if (!taken) return undefined;
      const held = await this.#begin(session, taken, check);
      if (typeof held !== "number") return held;
      if (taken.slot === undefined || tie === TIES) throw new OtherSlotsError(held, this.options.slots ?? 1);
      await delayOrAbort(tiePause(tie), signal);
      signal.throwIfAborted();
    }
  }

  /**
   * Takes the lock, and asks the check's question in the same message if possible.
   *
   * @returns Undefined when it was busy until the deadline.
   */
  protected async take(
    session: MySqlSession,
    check: Check,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<Taken | undefined> {
    // Unencoded, since other seras search the process list for it.
    const name = word(this.options.presence.lock);
    const granted = await getNamedLock(session, name, deadline, signal, {
      next: [check.first(isMine([name]))],
      unless: check.agreement.isNeeded ? check.agreement.conflicts() : undefined,
      busy: ([next]) => check.refuseOthers(next),
    });
    return granted && { granted, names: [name] };
  }

  /** Begins to hold what was taken; releases it, and returns the other number of slots, if there is one. */
  async #begin(session: MySqlSession, taken: Taken, check: Check): Promise<HeldLock | number> {
    try {
      const held = await this.#verified(session, taken, check);
      if (typeof held === "number") await releaseNamedLock(session, taken.names, taken.settled);
      return held;
    } catch (error) {
      // Closed at once: another attempt must not take the lock twice, nor others wait for it, and the next waiter finds out.
      await session.close();
      throw error;
    }
  }

  /**
   * Makes sure that this session holds the lock, since a proxy may have sent the statements to different servers; that the
   * server is still safe to lock on, since it may have become a replica during the wait (the held lock repeats both checks);
   * and that nobody holds it with another number of slots.
   *
   * The check that was sent with the request counts only if the request is fresh, since the lock is known to be held only
   * from when that was sent; otherwise the check is repeated. It is also repeated if the connection's number is not that of
   * the login: a proxy with several connections may send one message over one of them and the next over another.
   *
   * @returns The other number of slots if there is one.
   */
  async #verified(session: MySqlSession, taken: Taken, check: Check): Promise<HeldLock | number> {
    const { lease } = this.options;
    const { names, slot, settled, granted: { asked, next: [next] } } = taken;
    const ask = async (isFirst: boolean, serverTime = 0) => {
      const question = isFirst
        ? check.first(isMine(names), slot === undefined ? slot : sql`${slot}`)
        : check.again(isMine(names));
      return check.read(await session.queryAll(question, { serverTime }), isFirst);
    };
    const took = asked.age;
    const isFresh = next !== undefined && "rows" in next && took <= freshFor(lease);
    const along = isFresh ? check.read(next.rows, true) : undefined;
    const isAlone = along !== undefined && along.whole("id") % 2 ** 32 === session.loginId;
    const confirmed = isAlone ? asked : new Moment();
    const first = isAlone ? along : await ask(true);
    const id = session.id = first.whole("id");
    const idle = first.whole("idle");
    if (!check.isOurs(first) || along !== undefined && along.whole("id") !== id) {
      throw LockUnavailableError.on(session.where, {
        what: "the server does not keep the lock with this connection",
        cure: "a proxy may move connections between servers; connect directly to the server",
      });
    }
    refuseUnsafe(session.where, check.stateIn(first));
    if (check.agreement.isNeeded && first.bit("conflicts")) {
      const { number, isTie } = await check.agreement.others(id);
      if (number !== undefined || isTie) return number ?? 1;
      if (slot !== undefined) await check.agreement.settle(sql`${slot}`);
    }
    const endRequests = new EndRequests();
    return await holdInSession(session, {
      slot,
      asked: endRequests.signal,
      isHeld: async () => {
        const seen = await ask(false, lease.ttl);
        const why = whyUnsafe(check.stateIn(seen));
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        const asker = seen.whole("asker");
        if (asker > 0) endRequests.noticed(async () => (await import("./end_request.ts")).whoAsks(session, asker));
        return check.isOurs(seen) && seen.whole("id") === id;
      },
      release: () => releaseNamedLock(session, names, settled),
      releaseWhere: (condition) => releaseNamedLockWhere(session, names, condition, settled),
    }, { lease, idle: idle * 1000 || Infinity, confirmed, took });
  }
}
