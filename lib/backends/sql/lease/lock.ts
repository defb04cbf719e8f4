import type { Deadline } from "../../../deadline.ts";
import { ConfigError, LockUnavailableError } from "../../../errors.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import { hold } from "../../../lock/hold.ts";
import type { LeasedLock } from "../../../lock/leased_lock.ts";
import { requestTimeoutOf } from "../../../lock/lease.ts";
import type { HeldLock } from "../../../lock/lock.ts";
import { formatDuration } from "../../../text/duration.ts";
import { NEVER, TimeLimit } from "../../../waiting.ts";
import type { Seen } from "../../../who/sighting.ts";
import type { BackendLock } from "../../backend.ts";
import type { Session } from "../session.ts";
import { SessionLock } from "../session_lock.ts";
import type { AllClaimed } from "./all_claimed.ts";
import { Claims } from "./claims.ts";
import { LeaseConnection } from "./connection.ts";
import { SessionLocks } from "./session_locks.ts";
import { LeaseKeeper } from "./keeper.ts";
import type { LeaseOptions } from "./options.ts";
import type { LeaseServer } from "./server.ts";

/** An acquired lock, and what keeps it. */
interface Held<S extends Session> {
  readonly lock: LeasedLock;
  readonly keeper: LeaseKeeper<S>;
  readonly connection: LeaseConnection<S>;
}

/**
 * A lock kept in a row of a table: a lease, which outlives the connection. Where session locks work, the session lock of
 * the same name is taken first, so that waiters queue for it instead of polling, and nodes without leases are excluded
 * too.
 */
export class LeaseLock<S extends Session> extends SessionLock<S> implements BackendLock {
  readonly #server: LeaseServer<S>;
  readonly #options: LeaseOptions;
  readonly #sessionLocks: SessionLocks<S>;
  readonly #claims: Claims<S>;
  #held: Held<S> | undefined;
  #waits = false;

  constructor(server: LeaseServer<S>, options: LeaseOptions) {
    super(options.retrying);
    this.#server = server;
    this.#options = options;
    this.#sessionLocks = new SessionLocks(server);
    this.#claims = new Claims(server, this.#sessionLocks, options);
  }

  protected override get where(): string {
    return this.#server.where;
  }

  protected override open(signal: AbortSignal, limit: number): Promise<S> {
    return this.#server.open(signal, limit);
  }

  async sightings(table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readLeaseSightings } = await import("./sightings.ts");
    const session = await this.session(signal);
    const { presence, also = [] } = this.#options;
    return await readLeaseSightings(this.#server, session, { lock: presence.lock }, table, signal, also);
  }

  override acquire(wait: number, signal: AbortSignal, patience = wait): Promise<HeldLock | undefined> {
    // Stop renewing a lock that was lost before its command started.
    if (this.#held?.lock.lost.aborted) this.#held.connection.stop();
    this.#waits = wait > 0;
    return super.acquire(wait, signal, patience);
  }

  protected override async attempt(session: S, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined> {
    const claimed = await this.#claims.acquire(session, this.#waits, deadline, signal);
    return claimed && await this.#hold(session, claimed);
  }

  async #hold(session: S, { rows, slot, confirmed, last }: AllClaimed): Promise<HeldLock> {
    const { lease, reconnected } = this.#options;
    const connection = new LeaseConnection(
      session,
      (closed) => this.#reopen(closed),
      (session) => this.#server.settingsFrom(session),
      ({ where }, why) => reconnected?.(where, why),
    );
    const keeper = new LeaseKeeper({
      ...{ rows, slot, ttl: lease.ttl, server: this.#server, connection, sessionLocks: this.#sessionLocks },
    });
    const lock = await hold(keeper, { lease, idle: Infinity, confirmed, took: last.age });
    this.#claims.kept();
    this.#held = { lock, keeper, connection };
    return lock;
  }

  /** Opens another session for the holder, with a limit that leaves time to try another server within the lease. */
  async #reopen(closed: AbortSignal): Promise<S> {
    const limit = requestTimeoutOf(this.#options.lease.ttl);
    using late = new TimeLimit(limit, () => {
      const what = `not connected within ${formatDuration(Math.round(limit))}`;
      return LockUnavailableError.on(this.where, { what, cure: "check the server and the network" }, {
        transient: true,
      });
    });
    try {
      return await this.session(AbortSignal.any([closed, late.signal]), limit);
    } catch (error) {
      // A missing file, such as a certificate that is being replaced, may be there again soon.
      if (error instanceof ConfigError) throw LockUnavailableError.on(this.where, error, { transient: true });
      throw error;
    }
  }

  /** Frees a lease that is ours although nothing renews it. Tries once. */
  async #takeBack(): Promise<void> {
    try {
      await this.#claims.takeBack(await this.#reopen(NEVER));
    } catch (error) {
      // The lease expires by itself.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // Otherwise an unreleased lease would be renewed over a new connection.
    this.#held?.connection.stop();
    // This happens when the ledger refused the run, or a signal came.
    if (this.#claims.mayBeOurs || this.#held?.lock.isUnused) await this.#takeBack();
    await super[Symbol.asyncDispose]();
  }
}
