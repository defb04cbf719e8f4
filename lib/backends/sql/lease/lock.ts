import type { Deadline } from "../../../deadline.ts";
import { LockUnavailableError } from "../../../errors.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import { hold } from "../../../lock/hold.ts";
import { BEATS_OF_LASTING, Moment } from "../../../lock/lease.ts";
import type { HeldLock } from "../../../lock/lock.ts";
import { marginOf, Silence } from "../../../lock/silence.ts";
import { formatDuration } from "../../../text/duration.ts";
import { delayOrAbort, TimeLimit } from "../../../waiting.ts";
import type { Seen } from "../../../who/sighting.ts";
import type { BackendLock } from "../../backend.ts";
import type { Session } from "../session.ts";
import { SessionLock } from "../session_lock.ts";
import type { Asker } from "../asker.ts";
import { LeaseConnection } from "./connection.ts";
import { LeaseKeeper } from "./keeper.ts";
import { Pauses } from "./pauses.ts";
import type { LeaseOptions } from "./options.ts";
import type { Claim, TakeFrom } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** The least time to connect again, in milliseconds. */
const SHORTEST_LIMIT = 1000;

/**
 * A lock that is a row in a table: a lease, which outlives the connection. Where session locks work, the session lock of
 * the same name is taken first, so that waiters queue for it and do not poll, and so that nodes without leases are kept
 * out too.
 */
export class LeaseLock<S extends Session> extends SessionLock<S> implements BackendLock {
  readonly #server: LeaseServer<S>;
  readonly #options: LeaseOptions;
  /** The same for every try, so that one whose answer got lost is no obstacle for the next. */
  readonly #owner = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly #silence = new Silence();
  /** The session that holds the session lock, if any does. */
  #queuedIn: S | undefined;
  /** The connection of the lease that was acquired last. */
  #held: LeaseConnection<S> | undefined;
  /** Whether an answer has shown that the lease is another's. From then on only their silence counts, and no clock. */
  #isObserving = false;
  /** Whether the row is known to exist. */
  #hasRow = false;
  /** Whether a claim was sent and not answered, so that the lease may be ours. */
  #isUnsure = false;

  constructor(server: LeaseServer<S>, options: LeaseOptions) {
    super(options.retrying);
    this.#server = server;
    this.#options = options;
  }

  protected override get where(): string {
    return this.#server.where;
  }

  protected override open(signal: AbortSignal, limit: number): Promise<S> {
    return this.#server.open(signal, limit);
  }

  get #lock(): string {
    return this.#options.presence.lock;
  }

  async sightings(table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readLeaseSightings } = await import("./sightings.ts");
    return await readLeaseSightings(
      this.#server,
      await this.session(signal),
      { lock: this.#lock },
      table,
      signal,
    );
  }

  protected override async attempt(session: S, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined> {
    const { queue } = this.#server;
    if (this.#server.hasSessionLocks(session) && this.#queuedIn !== session) {
      if (!await queue.enter(session, deadline, signal)) return undefined;
      this.#queuedIn = session;
    }
    const held = await this.#claimBy(session, deadline, signal);
    if (!held && this.#queuedIn === session) {
      // The holder has lost it with a connection, and may take it again.
      this.#queuedIn = undefined;
      await queue.leave(session);
    }
    return held;
  }

  /** Claims the lease until the deadline passes. */
  async #claimBy(session: S, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined> {
    const { table } = this.#server;
    const pauses = new Pauses();
    let from = this.#isObserving ? undefined : this.#byClock(session);
    for (;;) {
      const isLast = deadline.passed;
      const held = from && await this.#claim(session, from, signal);
      if (held) return held;
      const lease = await table.read(abortable(session, signal), this.#lock);
      this.#silence.saw(lease);
      if (lease) this.#isObserving = this.#hasRow = true;
      const over = this.#silence.over();
      from = lease === undefined ? "nobody" : over && { seen: over };
      if (isLast) return from && await this.#claim(session, from, signal);
      if (from) continue;
      const pause = Math.min(pauses.next(), this.#silence.left(), deadline.remaining);
      await delayOrAbort(pause, signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /**
   * What may be taken at the first look, by the server's clock. Without session locks there may be several servers, each
   * with a clock of its own.
   */
  #byClock(session: S): TakeFrom {
    return { slack: marginOf(this.#options.lease.ttl), ttls: this.#queuedIn === session ? 0 : 1 };
  }

  /** Claims the lease once, and makes its row if there is none. */
  async #claim(session: S, from: TakeFrom, signal: AbortSignal): Promise<HeldLock | undefined> {
    const { presence: { lock, host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const { table } = this.#server;
    const asker = abortable(session, signal);
    const claim: Claim = { lock, owner: this.#owner, ttl, from, host, pid, label };
    const isNew = from === "nobody" && !this.#hasRow;
    this.#isUnsure = true;
    const sent = new Moment();
    const fence = isNew
      ? await table.insert(asker, claim, lastRun)
      : await table.claim(asker, claim, recorded ? lastRun : undefined);
    this.#isUnsure = false;
    this.#hasRow ||= isNew;
    return fence === undefined ? undefined : await this.#hold(session, fence, sent);
  }

  async #hold(session: S, fence: bigint, confirmed: Moment): Promise<HeldLock> {
    const { presence: { lock }, lease, reconnected } = this.#options;
    const mine = { owner: this.#owner, fence };
    const connection = new LeaseConnection(
      session,
      (closed) => this.#reopen(closed),
      (session) => this.#server.settingsFrom(session),
      ({ where }, why) => reconnected?.(where, why),
    );
    this.#held = connection;
    // Whoever releases the lease releases that too.
    const queuedIn = this.#queuedIn;
    this.#queuedIn = undefined;
    const keeper = new LeaseKeeper({ lock, mine, ttl: lease.ttl, server: this.#server, connection, queuedIn });
    return await hold(keeper, {
      lease: { ...lease, beats: BEATS_OF_LASTING },
      idle: Infinity,
      confirmed,
      took: confirmed.age,
    });
  }

  /** Opens another session for the holder, soon enough to try the next server before the lease is over. */
  async #reopen(closed: AbortSignal): Promise<S> {
    const limit = Math.max(this.#options.lease.ttl / BEATS_OF_LASTING, SHORTEST_LIMIT);
    using late = new TimeLimit(limit, () => {
      const what = `not connected within ${formatDuration(Math.round(limit))}`;
      return LockUnavailableError.on(this.where, { what, cure: "check the server and the network" }, {
        transient: true,
      });
    });
    return await this.session(AbortSignal.any([closed, late.signal]), limit);
  }

  /** Frees a lease that is ours without our knowing, since the answer got lost. Tries once. */
  async #takeBack(): Promise<void> {
    const { table } = this.#server;
    const lock = this.#lock;
    try {
      const session = await this.#reopen(new AbortController().signal);
      const lease = await table.read(session, lock);
      if (lease?.owner === this.#owner) await table.release(session, lock, lease);
    } catch (error) {
      // It expires.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isUnsure) await this.#takeBack();
    await super[Symbol.asyncDispose]();
    // A lease that was not released would be renewed over another connection.
    this.#held?.destroy();
  }
}

/** A session whose statements a signal aborts. */
function abortable(session: Session, signal: AbortSignal): Asker {
  return {
    where: session.where,
    queryAll: (statement, options) => session.queryAll(statement, { ...options, signal }),
  };
}
