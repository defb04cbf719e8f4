import type { Deadline } from "../../deadline.ts";
import { ConfigError, LockUnavailableError } from "../../errors.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { LeasedLock } from "../../lock/leased_lock.ts";
import { hold } from "../../lock/hold.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { presenceOf } from "../../lock/presence.ts";
import type { Seen } from "../../who/sighting.ts";
import type { BackendLock, LockOptions } from "../backend.ts";
import { SessionLock } from "../sql/session_lock.ts";
import type { EtcdClient } from "./client.ts";
import { EtcdKeeper } from "./keeper.ts";
import type { Line } from "./line.ts";
import { lineOf } from "./line_of.ts";
import { EtcdSession } from "./session.ts";
import { valueOf } from "./value.ts";
import { timeoutWithin, type Turn, waitForTurn } from "./waiting.ts";

/**
 * How old the lease of a waiter is, in TTLs, when it is time to report that no member answers. That is twice as old as it
 * gets while all is well: the election of a leader takes a second or two.
 */
const TROUBLE_AGE = 2 / 3;

/**
 * A lock is a queue of keys, each with a lease. The oldest key is the holder's: first come, first served. Keys and leases
 * belong to the whole cluster, so a place in the queue outlives connections and members.
 */
export class EtcdLock extends SessionLock<EtcdSession> implements BackendLock {
  readonly #client: EtcdClient;
  readonly #lock: string;
  readonly #options: LockOptions;
  /** Whether a wait was asked for. */
  #isAsked = false;
  /** A session that is to be opened: a request for its lease may have been carried out. */
  #opening: EtcdSession | undefined;
  #opened: EtcdSession | undefined;
  /** Sessions that are being given back. */
  readonly #leaving = new Set<Promise<void>>();
  #held: LeasedLock | undefined;

  /**
   * @param client Is closed with the lock.
   * @param lock The lock's name.
   */
  constructor(client: EtcdClient, lock: string, options: LockOptions) {
    super((why) => {
      if (!this.#keepsItsPlace()) options.retrying(why);
    });
    this.#client = client;
    this.#lock = lock;
    this.#options = options;
  }

  protected override get where(): string {
    return this.#client.where;
  }

  protected override async open(signal: AbortSignal, limit: number): Promise<EtcdSession> {
    // What happened to the previous session.
    if (!this.#opening) this.#leave();
    const session = this.#opening ??= new EtcdSession(this.#client, this.#options.lease.ttl);
    try {
      await session.open({ signal, timeout: timeoutWithin(limit, this.#client.address.endpoints.length) });
    } catch (error) {
      // Then there is no lease to give back.
      const isRefused = error instanceof ConfigError || error instanceof LockUnavailableError && !error.transient;
      if (isRefused || session.closed.aborted) this.#opening = undefined;
      throw error;
    }
    this.#opening = undefined;
    return this.#opened = session;
  }

  async sightings(_table: TableName, signal: AbortSignal): Promise<Seen> {
    const { readSightings } = await import("./sightings.ts");
    const seen = [];
    for (const lock of new Set([this.#lock, ...this.#options.also ?? []])) {
      seen.push(await readSightings(this.#client, { lock }, signal, this.#opened?.lease.id));
    }
    return { ...seen[0]!, sightings: seen.flatMap(({ sightings }) => sightings) };
  }

  override async acquire(wait: number, signal: AbortSignal, patience = wait): Promise<HeldLock | undefined> {
    // A lost session that still has its key would block the new one.
    if (this.#held?.lost.aborted) this.#leave();
    this.#isAsked = wait > 0;
    let lock;
    try {
      return lock = await super.acquire(wait, signal, patience);
    } finally {
      if (!lock) this.#leave();
      // Until then others would count it as a waiter.
      if (!lock && this.#options.maxWaiters !== undefined) await Promise.all(this.#leaving);
    }
  }

  protected override async attempt(
    session: EtcdSession,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    const turn = await waitForTurn({
      session,
      line: session.line ??= await this.#lineOf(session),
      deadline,
      isAsked: this.#isAsked,
      isLimited: this.#options.maxWaiters !== undefined,
      signal,
    });
    return turn && await this.#hold(session, turn);
  }

  async #lineOf({ lease: { id: lease } }: EtcdSession): Promise<Line> {
    const { ledger, maxWaiters, slots } = this.#options;
    const client = this.#client;
    const { prefix } = client.address;
    // The name that is shown is the main lock's.
    const valueFor = (lock: string) => valueOf({ ...presenceOf(lock, this.#options), name: undefined });
    return await lineOf({
      client,
      lock: this.#lock,
      lease,
      value: valueOf({ ...presenceOf(this.#lock, this.#options), slots }),
      valueFor,
      ledger: ledger?.on ? new (await import("./ledger_keys.ts")).LedgerKeys(prefix) : undefined,
      maxWaiters,
    }, this.#options);
  }

  async #hold(session: EtcdSession, { place, seen, took }: Turn): Promise<HeldLock> {
    session.stopWaiting();
    const { lease, reconnected: moved } = this.#options;
    const { ttl: idle, confirmed } = session.lease;
    const keeper = new EtcdKeeper({
      session,
      place,
      ttl: Math.min(lease.ttl, idle),
      holder: async (signal) => {
        return (await import("./sightings.ts")).holderOf(this.#client, this.#lock, place.slot, signal);
      },
      moved,
    });
    return this.#held = await hold(keeper, { lease, idle, confirmed, seen, took });
  }

  /** Whether trouble need not be reported yet: the next member is asked, and the place in the queue lasts for a while. */
  #keepsItsPlace(): boolean {
    const session = this.#opened;
    if (!session?.place || session.closed.aborted || this.#client.address.endpoints.length === 1) return false;
    return session.lease.confirmed.age < TROUBLE_AGE * session.lease.ttl;
  }

  /** Revokes the lease of a session that holds no lock; does not wait for the answer. */
  #leave(): void {
    for (const session of [this.#opening, this.#opened]) {
      if (!session) continue;
      const left = session.close().finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    this.#opening = this.#opened = undefined;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    await Promise.all(this.#leaving);
    await super[Symbol.asyncDispose]();
    this.#client.close();
  }
}
