import { LockUnavailableError } from "../../errors.ts";
import { Heartbeat } from "../../lock/heartbeat.ts";
import type { LockSession } from "../../lock/lock.ts";
import { TimeLimit } from "../../waiting.ts";
import type { CallOptions, EtcdClient } from "./client.ts";
import { KeyEnd } from "./key_end.ts";
import { EtcdLease } from "./lease.ts";
import type { Line, Place } from "./line.ts";
import { untilRenewed } from "./until_renewed.ts";

/** How long to try to revoke a lease that is not needed, in milliseconds; it would expire anyway. */
const REVOKE_TIMEOUT = 1000;

/** How many renewals a waiter sends within the TTL: one of them may go unanswered. */
const BEATS_OF_WAITERS = 3;

/** The lease ended before the lock was held; the caller may begin again with a new one. */
export class LeaseGoneError extends LockUnavailableError {}

/**
 * What etcd calls a session: a lease, and the keys attached to it. It does not depend on a connection, and ends with the
 * lease. Writes for the holder are made on the condition that the key has the same create revision.
 */
export class EtcdSession implements LockSession {
  readonly number = undefined;
  readonly serverMark = undefined;
  readonly client: EtcdClient;
  readonly lease: EtcdLease;
  /** The queue for the lock; undefined until the session has entered it. */
  line: Line | undefined;
  /** Its place in the queue, once its key is put. The create revision of that key is the fencing token. */
  place: Place | undefined;
  readonly keyEnd = new KeyEnd();
  readonly #closed = new AbortController();
  #heartbeat: Heartbeat | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Sends nothing yet.
   *
   * @param ttl The TTL of the lease, in milliseconds.
   */
  constructor(client: EtcdClient, ttl: number) {
    this.client = client;
    this.lease = new EtcdLease(client, ttl);
  }

  get where(): string {
    return this.client.where;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Gets the lease. May be repeated.
   *
   * @throws {LockUnavailableError} When it is not known whether the lease exists.
   */
  async open(options: CallOptions): Promise<void> {
    if (!await this.lease.grant(options)) throw this.gone();
  }

  /** Renews the lease from now on, as often as a waiter has to, until the lock is held or the session ends. */
  keepWaiting(): void {
    const { ttl, confirmed } = this.lease;
    this.#heartbeat ??= new Heartbeat(
      ttl / BEATS_OF_WAITERS,
      async () => {
        const renewed = await untilRenewed((options) => this.lease.renew(options), { ttl, ended: this.closed });
        if (!renewed) this.gone();
      },
      (error) => this.end(error instanceof Error ? error : new Error(String(error))),
      confirmed.age,
    );
  }

  /** Stops these renewals: the holder's keeper renews the lease from now on. */
  stopWaiting(): void {
    this.#heartbeat?.[Symbol.dispose]();
    this.#heartbeat = undefined;
  }

  /** To be called when the lock was released with the lease. */
  released(): void {
    this.#closing ??= Promise.resolve();
    this.end(new Error("the lock was released"));
  }

  /** To be called when the lease is known to be gone before the lock was held. */
  gone(): LeaseGoneError {
    const what = "the lease ended before the lock was held, as when sera is suspended";
    const error = LeaseGoneError.on(this.where, { what, cure: "let sera run, or use a longer --ttl" }, {
      transient: true,
    });
    this.#closing ??= Promise.resolve();
    this.end(error);
    return error;
  }

  /** Ends the session here; in etcd it lasts until {@linkcode close}, or until the lease ends. */
  end(why: Error): void {
    this.stopWaiting();
    if (!this.closed.aborted) this.#closed.abort(why);
  }

  /** Ends the session at once, and revokes the lease and the key as soon as etcd answers, or not at all. */
  destroy(): void {
    this.close();
  }

  /** As {@linkcode destroy}; resolves when that is over. */
  close(): Promise<void> {
    this.end(new Error("sera has revoked its lease"));
    return this.#closing ??= this.#giveBack();
  }

  async #giveBack(): Promise<void> {
    using limit = new TimeLimit(REVOKE_TIMEOUT, () => LockUnavailableError.on(this.where, { what: "no answer" }));
    try {
      await this.lease.revoke({ signal: limit.signal });
    } catch (error) {
      // It expires.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }
}
