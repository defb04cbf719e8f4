import type { Deadline } from "../../../deadline.ts";
import { LockUnavailableError } from "../../../errors.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Querier } from "../querier.ts";
import type { Session } from "../session.ts";
import { type AllClaimed, type ClaimedRow, combined } from "./all_claimed.ts";
import { abortable, Claimer } from "./claimer.ts";
import { atOnce, type SessionLocks } from "./session_locks.ts";
import type { Snapshot } from "./snapshot.ts";
import type { LeaseOptions } from "./options.ts";
import { DoublingBackoff, ProportionalBackoff } from "./backoff.ts";
import type { LeaseServer } from "./server.ts";
import { SlotClaimer } from "./slot_claimer.ts";

/**
 * Claims all leases that one lock needs: its own or that of a slot, and those of the locks held with it. While it waits it
 * holds no row, which nothing would renew, but only session locks, in the order of their names.
 */
export class Claims<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #options: LeaseOptions;
  readonly #sessionLocks: SessionLocks<S>;
  /** The claimers of plain locks, in the order of their names. */
  readonly #plain: readonly Claimer<S>[];
  readonly #slots: SlotClaimer<S> | undefined;
  /** Whether to wait at all, however short the wait. */
  #waits = false;

  constructor(server: LeaseServer<S>, sessionLocks: SessionLocks<S>, options: LeaseOptions) {
    const { presence: { lock }, also = [], slots } = options;
    this.#server = server;
    this.#options = options;
    this.#sessionLocks = sessionLocks;
    const names = [...also, ...slots === undefined ? [lock] : []].toSorted();
    this.#plain = names.map((name) => new Claimer(server, sessionLocks, name, options));
    this.#slots = slots === undefined ? undefined : new SlotClaimer(server, sessionLocks, slots, options);
  }

  /** Whether a lease may be ours although nothing renews it. */
  get mayBeOurs(): boolean {
    return this.#all.some(({ mayBeOurs }) => mayBeOurs);
  }

  /** Call this when a keeper has taken all of them over. */
  kept(): void {
    for (const claimer of this.#all) claimer.mayBeOurs = false;
  }

  /** Frees the leases that are ours. */
  async takeBack(querier: Querier): Promise<void> {
    for (const claimer of this.#all) await claimer.takeBack(querier);
  }

  /**
   * Tries to claim them until the deadline passes, at least once.
   *
   * @param waits Whether to wait at all.
   * @returns Undefined if others held one of them the whole time; then no lease and no session lock is kept.
   * @throws {LockUnavailableError} When the server or the table cannot be used.
   */
  async acquire(
    session: S,
    waits: boolean,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<AllClaimed | undefined> {
    this.#refuseUncounted(session);
    this.#waits = waits;
    let claimed;
    try {
      claimed = await this.#enterAll(session, deadline, signal) && await this.#claim(session, deadline, signal);
    } finally {
      this.#sessionLocks.leaveSeat();
      this.#slots?.slotLocks.leaveQueue();
      this.#slots?.slotLocks.leaveFirst(claimed ? claimed.rows[0]!.lock : undefined);
      // After an error, do not wait for the answer.
      if (claimed === undefined) { for (const { lock } of this.#plain) this.#sessionLocks.leaveLater(lock); }
    }
    // Release these at once: a lease's holder that has lost its session lock with a connection wants it back.
    if (!claimed) { for (const { lock } of this.#plain) await this.#sessionLocks.leave(lock); }
    return claimed || undefined;
  }

  get #all(): readonly (Claimer<S> | SlotClaimer<S>)[] {
    return this.#slots ? [...this.#plain, this.#slots] : this.#plain;
  }

  #queues(session: S): boolean {
    return this.#server.hasSessionLocks(session) && this.#server.takesSeveralLocks(session);
  }

  /** @throws {LockUnavailableError} Where waiters cannot be counted. */
  #refuseUncounted(session: S): void {
    if ((this.#options.maxWaiters ?? 0) === 0 || this.#queues(session)) return;
    throw LockUnavailableError.on(session.where, {
      what: "waiters for a lease cannot be counted there, as --max-waiters requires",
      cure: "leave --max-waiters out, or set it to 0",
    });
  }

  /** Takes a seat before it starts to wait. */
  async #willWait(session: S, signal: AbortSignal): Promise<void> {
    const { presence: { lock }, maxWaiters } = this.#options;
    if (maxWaiters !== undefined) await this.#sessionLocks.takeSeat(session, lock, maxWaiters, signal);
  }

  /** Gets the session locks of all plain locks, where they work. */
  async #enterAll(session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    if (!this.#server.hasSessionLocks(session)) return true;
    for (const claimer of this.#plain) {
      const { lock } = claimer;
      if (!this.#queues(session) && lock !== this.#options.presence.lock) continue;
      if (await this.#sessionLocks.enter(session, lock, atOnce(), signal)) continue;
      claimer.ignoreClocks();
      if (!this.#waits) return false;
      await this.#willWait(session, signal);
      if (!await this.#sessionLocks.enter(session, lock, deadline, signal)) return false;
      claimer.handedOver();
    }
    return !this.#slots || !this.#server.queue.enterSlot ||
      await this.#enterSlot(this.#slots, session, deadline, signal);
  }

  /** Gets the session lock of any slot, the same way as those of plain locks. */
  async #enterSlot(slots: SlotClaimer<S>, session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    if (await slots.slotLocks.enter(session, atOnce(), signal)) return true;
    slots.ignoreClocks();
    if (!this.#waits) return false;
    await this.#willWait(session, signal);
    return await slots.slotLocks.enter(session, deadline, signal);
  }

  async #claim(session: S, deadline: Deadline, signal: AbortSignal): Promise<AllClaimed | undefined> {
    const { maxWaiters } = this.#options;
    const [only, ...more] = this.#plain;
    const isOne = only && more.length === 0 && !this.#slots && maxWaiters === undefined;
    if (isOne) {
      const claimed = await only.claim(session, this.#ttls(session, only.lock), deadline, signal);
      return claimed && combined(this.#options, [{ lock: only.lock, ...claimed }]);
    }
    // With the session lock of a slot that somebody else holds the lease of, this is the only waiter that reads it.
    let backoff = this.#slots && this.#queues(session) ? new ProportionalBackoff() : new DoublingBackoff();
    let snapshot: Snapshot | undefined;
    for (let isWaiting = false;;) {
      const isLast = !this.#waits || isWaiting && deadline.passed;
      const all = await this.#claimAll(session, this.#waits ? deadline : undefined, signal, snapshot);
      if (all || isLast) return all;
      if (!isWaiting) await this.#willWait(session, signal);
      isWaiting = true;
      snapshot = undefined;
      if (this.#slots && this.#queues(session) && this.#slots.slotLocks.hasToQueue(session)) {
        const head = await this.#slots.slotLocks.enterQueue(session, deadline, signal);
        if (!head) return undefined;
        this.#slots.startAnew();
        snapshot = head.snapshot;
        backoff = new ProportionalBackoff();
        continue;
      }
      await delayOrAbort(Math.ceil(Math.min(backoff.next(), deadline.remaining)), signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /**
   * Claims all of them, or none.
   *
   * @param waitsUntil See `SlotClaimer.claim()`.
   * @param snapshot The rows of the slots, if they have just been read.
   */
  async #claimAll(
    session: S,
    waitsUntil: Deadline | undefined,
    signal: AbortSignal,
    snapshot: Snapshot | undefined,
  ): Promise<AllClaimed | undefined> {
    const claimed: ClaimedRow[] = [];
    for (const claimer of this.#plain) {
      const one = await claimer.claim(session, this.#ttls(session, claimer.lock), atOnce(), signal);
      if (!one) break;
      claimed.push({ lock: claimer.lock, ...one });
    }
    if (this.#slots && claimed.length === this.#plain.length) {
      const one = await this.#slots.claim(session, waitsUntil, signal, snapshot);
      if (one) claimed.push(one);
    }
    if (claimed.length === this.#all.length) return combined(this.#options, claimed);
    for (const [index, { mine }] of claimed.entries()) {
      await this.#plain[index]!.giveBack(abortable(session, signal), mine);
    }
    return undefined;
  }

  /** The parameter of `Claimer.claim()`. */
  #ttls(session: S, lock: string): 0 | 1 {
    return this.#sessionLocks.in(lock) === session ? 0 : 1;
  }
}
