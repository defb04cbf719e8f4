import type { Deadline } from "../../../deadline.ts";
import { LockUnavailableError } from "../../../errors.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import type { Session } from "../session.ts";
import { type AllClaimed, type ClaimedRow, together } from "./all_claimed.ts";
import { abortable, Claimer } from "./claimer.ts";
import { atOnce, type Entered } from "./entered.ts";
import type { Look } from "./look.ts";
import type { LeaseOptions } from "./options.ts";
import { HeadPauses, Pauses } from "./pauses.ts";
import type { LeaseServer } from "./server.ts";
import { SlotClaimer } from "./slot_claimer.ts";

/**
 * Claims all leases that one lock needs: its own or that of a slot, and those of the locks beside it. No row is kept while
 * it waits, since nobody would renew it: only session locks, in the order of their names.
 */
export class Claims<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #options: LeaseOptions;
  readonly #entered: Entered<S>;
  /** Those of plain locks, in the order of their names. */
  readonly #plain: readonly Claimer<S>[];
  readonly #slots: SlotClaimer<S> | undefined;
  /** Whether to wait at all. A wait that is shorter than a try is one, too. */
  #waits = false;

  constructor(server: LeaseServer<S>, entered: Entered<S>, options: LeaseOptions) {
    const { presence: { lock }, also = [], slots } = options;
    this.#server = server;
    this.#options = options;
    this.#entered = entered;
    const names = [...also, ...slots === undefined ? [lock] : []].toSorted();
    this.#plain = names.map((name) => new Claimer(server, entered, name, options));
    this.#slots = slots === undefined ? undefined : new SlotClaimer(server, entered, slots, options);
  }

  /** Whether a lease may be ours although nobody keeps it. */
  get mayBeOurs(): boolean {
    return this.#all.some(({ mayBeOurs }) => mayBeOurs);
  }

  /** To be called when somebody keeps all of them. */
  kept(): void {
    for (const claimer of this.#all) claimer.mayBeOurs = false;
  }

  /** Frees the leases that are ours. */
  async takeBack(asker: Asker): Promise<void> {
    for (const claimer of this.#all) await claimer.takeBack(asker);
  }

  /**
   * Claims them until the deadline passes, at least once.
   *
   * @param waits Whether to wait at all.
   * @returns Undefined if others had one of them for the whole time; then none is left, and no session lock.
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
      this.#entered.leaveSeat();
      this.#slots?.doors.leaveQueue();
      this.#slots?.doors.leaveFirst(claimed ? claimed.rows[0]!.lock : undefined);
      // After an error nobody waits for the answer.
      if (claimed === undefined) { for (const { lock } of this.#plain) this.#entered.leaveLater(lock); }
    }
    // The holder of a lease has lost its session lock with a connection, and may take it again.
    if (!claimed) { for (const { lock } of this.#plain) await this.#entered.leave(lock); }
    return claimed || undefined;
  }

  get #all(): readonly (Claimer<S> | SlotClaimer<S>)[] {
    return this.#slots ? [...this.#plain, this.#slots] : this.#plain;
  }

  #queues(session: S): boolean {
    return this.#server.hasSessionLocks(session) && this.#server.takesSeveralLocks(session);
  }

  /** @throws {LockUnavailableError} Where nothing counts those who wait. */
  #refuseUncounted(session: S): void {
    if ((this.#options.maxWaiters ?? 0) === 0 || this.#queues(session)) return;
    throw LockUnavailableError.on(session.where, {
      what: "waiters for a lease cannot be counted there, as max-waiters requires",
      cure: "leave max-waiters out, or set it to 0",
    });
  }

  /** Takes a seat before it begins to wait. */
  async #willWait(session: S, signal: AbortSignal): Promise<void> {
    const { presence: { lock }, maxWaiters } = this.#options;
    if (maxWaiters !== undefined) await this.#entered.takeSeat(session, lock, maxWaiters, signal);
  }

  /** Gets the session locks of all plain locks, where they work. */
  async #enterAll(session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    if (!this.#server.hasSessionLocks(session)) return true;
    for (const claimer of this.#plain) {
      const { lock } = claimer;
      if (!this.#queues(session) && lock !== this.#options.presence.lock) continue;
      if (await this.#entered.enter(session, lock, atOnce(), signal)) continue;
      claimer.trustNoClock();
      if (!this.#waits) return false;
      await this.#willWait(session, signal);
      if (!await this.#entered.enter(session, lock, deadline, signal)) return false;
    }
    return !this.#slots || !this.#server.queue.enterSlot ||
      await this.#enterSlot(this.#slots, session, deadline, signal);
  }

  /** Gets the session lock of any slot, as those of plain locks. */
  async #enterSlot(slots: SlotClaimer<S>, session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    if (await slots.doors.enter(session, atOnce(), signal)) return true;
    slots.trustNoClock();
    if (!this.#waits) return false;
    await this.#willWait(session, signal);
    return await slots.doors.enter(session, deadline, signal);
  }

  async #claim(session: S, deadline: Deadline, signal: AbortSignal): Promise<AllClaimed | undefined> {
    const { maxWaiters } = this.#options;
    const [only, ...more] = this.#plain;
    const isOne = only && more.length === 0 && !this.#slots && maxWaiters === undefined;
    if (isOne) {
      const claimed = await only.claim(session, this.#ttls(session, only.lock), deadline, signal);
      return claimed && together(this.#options, [{ lock: only.lock, ...claimed }]);
    }
    // Who has the session lock of a slot whose lease is another's is the only one who looks at that.
    let pauses = this.#slots && this.#queues(session) ? new HeadPauses() : new Pauses();
    let look: Look | undefined;
    for (let isWaiting = false;;) {
      const isLast = !this.#waits || isWaiting && deadline.passed;
      const all = await this.#claimAll(session, signal, look);
      if (all || isLast) return all;
      if (!isWaiting) await this.#willWait(session, signal);
      isWaiting = true;
      look = undefined;
      if (this.#slots && this.#queues(session) && this.#slots.doors.hasToQueue(session)) {
        const head = await this.#slots.doors.enterQueue(session, deadline, signal);
        if (!head) return undefined;
        this.#slots.lookAnew();
        look = head.look;
        pauses = new HeadPauses();
        continue;
      }
      await delayOrAbort(Math.ceil(Math.min(pauses.next(), deadline.remaining)), signal, session.closed);
      signal.throwIfAborted();
    }
  }

  /**
   * Claims all of them, or none.
   *
   * @param look What has just been seen of the slots, if they have been looked at.
   */
  async #claimAll(session: S, signal: AbortSignal, look: Look | undefined): Promise<AllClaimed | undefined> {
    const claimed: ClaimedRow[] = [];
    for (const claimer of this.#plain) {
      const one = await claimer.claim(session, this.#ttls(session, claimer.lock), atOnce(), signal);
      if (!one) break;
      claimed.push({ lock: claimer.lock, ...one });
    }
    if (this.#slots && claimed.length === this.#plain.length) {
      const one = await this.#slots.claim(session, signal, look);
      if (one) claimed.push(one);
    }
    if (claimed.length === this.#all.length) return together(this.#options, claimed);
    for (const [index, { mine }] of claimed.entries()) {
      await this.#plain[index]!.giveBack(abortable(session, signal), mine);
    }
    return undefined;
  }

  /** As `Claimer.claim()` takes it. */
  #ttls(session: S, lock: string): 0 | 1 {
    return this.#entered.in(lock) === session ? 0 : 1;
  }
}
