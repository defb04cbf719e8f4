import type { PostgresServer } from "./server.ts";
import type { Deadline } from "../../deadline.ts";
import { LockLostError, LockUnavailableError, OtherSlotsError, type Trouble, UnfitServerError } from "../../errors.ts";
import { AdvisoryLock } from "./advisory_lock.ts";
import type { Along, Granted } from "./acquisition.ts";
import type { Answer } from "../sql/answer.ts";
import { freshFor, Moment } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { EndRequests } from "../../lock/end_request.ts";
import { NotPrimaryError, whereIs } from "./errors.ts";
import { withinLimit } from "./limits.ts";
import { openPostgresSession } from "./open_session.ts";
import type { PostgresSession } from "./session.ts";
import { HeldCheck } from "./held_check.ts";
import { refuseUnsuitable } from "./set_up.ts";
import { markOf } from "../sql/mark.ts";
import { POSTGRESQL } from "../sql/quoting.ts";
import { SessionLock } from "../sql/session_lock.ts";
import { holdInSession } from "../sql/hold_in_session.ts";
import type { BackendLock } from "../backend.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { Seen } from "../../who/sighting.ts";
import { askerOf, endRequestFor, whoAsks } from "./end_request.ts";
import type { PostgresOptions } from "./options.ts";
import { slotName } from "../../lock/slot_name.ts";
import type { Slots } from "./slots.ts";
import { retryTie } from "./retry_tie.ts";
import { RequestedLocks } from "./requested_locks.ts";

/** The longest mark, in characters, that the server shows in full after the check of one plain lock: it cuts at 1023. */
const MAX_MARK_LENGTH = 230;

/** The advisory locks of PostgreSQL that are acquired together, in one database. */
export class PostgresLock extends SessionLock<PostgresSession> implements BackendLock {
  readonly #server: PostgresServer;
  readonly #requested: RequestedLocks;
  readonly #lock: AdvisoryLock;
  readonly #check: HeldCheck;
  readonly #options: PostgresOptions;

  /**
   * @param options The lock's name is in its presence.
   * @param slots Its slots, if it has any.
   */
  constructor(server: PostgresServer, options: PostgresOptions, slots?: Slots) {
    super(options.retrying);
    const { presence, also, maxWaiters } = options;
    this.#server = server;
    this.#requested = new RequestedLocks(presence.lock, also, slots);
    this.#check = new HeldCheck(this.#requested);
    const waitsFor = (session: PostgresSession, lock: string) => this.#waitsFor(session, lock);
    this.#lock = new AdvisoryLock(presence.lock, { requested: this.#requested, maxWaiters, waitsFor });
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
    const ask = async () => {
      const granted = await this.#lock.wait(session, deadline, signal, this.#along(session));
      return granted && await this.#begin(session, granted, signal);
    };
    return await (this.#requested.slots ? retryTie(session, signal, ask) : ask());
  }

  /** With slots the request itself checks for conflicts. */
  #along(session: PostgresSession): Along {
    return {
      statement: this.#check.look(session),
      whileBusy: (outcome) => {
        const conflict = this.#requested.slots
          ? undefined
          : this.#requested.conflict(this.#check.looked(session, outcome));
        if (conflict) throw conflict;
      },
    };
  }

  /** Begins to hold what was granted, if there is no conflict. */
  async #begin(session: PostgresSession, granted: Granted, signal: AbortSignal): Promise<HeldLock> {
    try {
      return await this.#hold(session, granted, signal);
    } catch (error) {
      // Closed at once, so that the next waiter finds out, too, and another attempt does not take the locks twice.
      if (!(error instanceof OtherSlotsError)) await session.close();
      throw error;
    }
  }

  async #hold(session: PostgresSession, { along, asked, took }: Granted, signal: AbortSignal): Promise<HeldLock> {
    const { lease, presence } = this.#options;
    // A single answer may be late by chance.
    const isFresh = along !== undefined && took <= freshFor(lease);
    const confirmed = isFresh ? asked : new Moment();
    const outcome = isFresh ? along : await this.#check.lookNow(session, signal);
    const seen = this.#check.looked(session, outcome);
    if (!seen.truth("mine")) {
      throw LockUnavailableError.on(session.where, {
        what: "the server does not keep the lock with this connection",
        cure:
          "a pooler may move connections between sessions, or locks have no effect there; connect directly to a PostgreSQL " +
          "server itself",
      });
    }
    const why = this.#whyUnfit(seen);
    if (why !== undefined) throw UnfitServerError.on(session.where, why);
    const conflict = this.#requested.conflict(seen);
    if (conflict) {
      await this.#lock.giveUp(session);
      throw conflict;
    }
    const { slot } = this.#lock;
    const lock = slotName(presence.lock, slot ?? 0);
    session.mark = markOf({ ...presence, lock, since: seen.whole("now") });
    // After a long check the server would not show the mark.
    const isLong = this.#requested.isMany || session.mark.textFor(POSTGRESQL).length > MAX_MARK_LENGTH;
    if (!this.#lock.leaveSeat(session) && isLong) session.show();
    const endRequests = new EndRequests();
    const names = [...this.#requested.names.filter((name) => name !== presence.lock), lock];
    const asker = askerOf(names.map((name) => endRequestFor(name, session.pid)));
    return await holdInSession(session, {
      slot,
      asked: endRequests.signal,
      isHeld: async () => {
        const seen = await this.#check.ask(session, asker, { serverTime: lease.ttl });
        if (isLong) session.show();
        const why = this.#whyUnfit(seen);
        if (why !== undefined) throw new LockLostError(`${session.where} has changed: ${why.what}`, why.cure);
        const by = seen.whole("asker");
        if (by > 0) endRequests.noticed(() => whoAsks(session, by));
        return seen.truth("mine");
      },
      release: () => this.#lock.release(session),
      releaseWhere: (condition) => this.#lock.releaseWhere(session, condition),
    }, { lease, idle: session.idleTimeout, confirmed, took });
  }

  /** Lets others see which lock is waited for. */
  #waitsFor(session: PostgresSession, lock: string): void {
    const { presence } = this.#options;
    const { names, slots } = this.#requested;
    if (names.length === 1) return;
    const also = names.filter((name) => name !== lock);
    session.mark = markOf({ ...presence, lock, also, slots: lock === presence.lock ? slots?.count : undefined });
  }

  /** Why the server is no longer fit to lock on, and what to do; undefined if it is still fit. */
  #whyUnfit(seen: Answer<"standby" | "read_only">): Trouble | undefined {
    try {
      refuseUnsuitable(seen, this.#server, this.#options.allowUnsafeServer);
      return undefined;
    } catch (error) {
      if (error instanceof NotPrimaryError) return error;
      throw error;
    }
  }
}
