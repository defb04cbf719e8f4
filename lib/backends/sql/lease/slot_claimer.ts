import type { Deadline } from "../../../deadline.ts";
import { OtherSlotsError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import { type ExpiryWatch, MIN_MARGIN } from "../../../lock/expiry_watch.ts";
import { slotIn } from "../../../lock/slot_name.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Querier } from "../querier.ts";
import type { Session } from "../session.ts";
import { tiePause } from "../tie_pause.ts";
import { Agreement } from "./slot_agreement.ts";
import { abortable, type Claimed, confirmedClaim } from "./claimer.ts";
import type { SessionLocks } from "./session_locks.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSlot, openSlots, shuffled } from "./open_slots.ts";
import type { LeaseOptions } from "./options.ts";
import { newOwner, slotsFor } from "./owner.ts";
import type { Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";
import { SlotSessionLocks } from "./slot_session_locks.ts";

/** How often to retry after a tie with a holder of another number of slots. */
const TIES = 10;

/** The first pause before reading again, in milliseconds, when somebody is about to claim or release a slot. */
const COMING_PAUSE = 5;

/** A slot that has been acquired. */
export interface ClaimedSlot extends Claimed {
  /** The name of its row. */
  readonly lock: string;
  readonly slot: number;
}

/** Claims one slot of a lock: any that is free, or that may be taken over. */
export class SlotClaimer<S extends Session> {
  /** Whether a slot may be ours although nothing renews it, see `Claimer`. */
  mayBeOurs = false;
  readonly #server: LeaseServer<S>;
  /** The session locks of the slots. */
  readonly slotLocks: SlotSessionLocks<S>;
  readonly #options: LeaseOptions;
  readonly #lock: string;
  readonly #slots: number;
  readonly #agreement: Agreement<S>;
  readonly #owner: string;
  #expiries = new Map<string, ExpiryWatch<Lease>>();
  /** Whether others have been seen to be alive. From then on only observation counts, and no clock. */
  #isObserving = false;

  constructor(server: LeaseServer<S>, sessionLocks: SessionLocks<S>, slots: number, options: LeaseOptions) {
    this.#server = server;
    this.slotLocks = new SlotSessionLocks(server, sessionLocks, options.presence.lock);
    this.#options = options;
    this.#lock = options.presence.lock;
    this.#slots = slots;
    this.#agreement = new Agreement(server, sessionLocks, slots);
    this.#owner = newOwner(slots);
  }

  /** Call this when the holders of all slots have been seen to be alive, see `Claimer`. */
  ignoreClocks(): void {
    this.#isObserving = true;
  }

  /**
   * Claims a slot if one is available.
   *
   * @param waitsUntil How long to wait for a slot that is about to be released; undefined for not at all.
   * @param seen The rows of the slots, if they have just been read.
   * @returns Undefined if all are held.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws {OtherSlotsError} When others hold the lock with another number of slots.
   * @throws The signal's reason when it is aborted.
   */
  async claim(
    session: S,
    waitsUntil: Deadline | undefined,
    signal: AbortSignal,
    seen?: Snapshot,
  ): Promise<ClaimedSlot | undefined> {
    const querier = abortable(session, signal);
    let first = this.#firstSlot;
    for (let ties = 0, coming = 0, isFirst = true;;) {
      let chosen: OpenSlot | "read again" | undefined = first;
      let hasRow = true;
      if (!chosen) {
        const snapshot = seen ?? await this.#server.table.snapshot(querier, this.#lock);
        seen = undefined;
        const other = await this.#agreement.other(session, querier, snapshot.leases, this.#owner);
        if (other) {
          this.#agreement.refuse(other);
          await this.#pause(session, COMING_PAUSE, signal);
          continue;
        }
        const open = this.#open(session, snapshot);
        const order = isFirst ? open : shuffled(open);
        chosen = await this.slotLocks.enterOne(session, order, { reads: coming, waitsUntil }, signal);
        isFirst = false;
        if (chosen === undefined) return undefined;
        if (chosen === "read again") {
          await this.#pause(session, COMING_PAUSE * 2 ** coming++, signal);
          continue;
        }
        hasRow = snapshot.names.has(chosen.lock);
      }
      first = undefined;
      // Let the next waiter read while this one claims.
      this.slotLocks.leaveQueue();
      const claimed = await this.#claimOnce(session, querier, chosen, hasRow);
      if (typeof claimed === "object") return claimed;
      if (claimed === undefined) continue;
      if (++ties > TIES) throw new OtherSlotsError(claimed, this.#slots);
      await this.#pause(session, tiePause(ties), signal);
    }
  }

  /** The first waiter calls this, to judge expiry by the clock once more, as a newcomer does. */
  startAnew(): void {
    this.#expiries = new Map();
  }

  /** Frees the slots that are ours. */
  async takeBack(querier: Querier): Promise<void> {
    const { table } = this.#server;
    for (const lease of (await table.snapshot(querier, this.#lock)).leases) {
      if (lease.owner === this.#owner) await table.release(querier, lease.lock, lease);
    }
    this.mayBeOurs = false;
  }

  /** The slot to try without reading: the lease of the session lock just acquired is most likely free. */
  get #firstSlot(): OpenSlot | undefined {
    const lock = this.slotLocks.first;
    // After a lost answer, another slot may be ours.
    if (lock === undefined || this.mayBeOurs || this.#expiries.size > 0) return undefined;
    return { lock, slot: slotIn(lock).slot, from: this.#isObserving ? "nobody" : { slack: MIN_MARGIN, ttls: 0 } };
  }

  /** The slots that may be claimed, in the order in which to try. */
  #open(session: S, snapshot: Snapshot): readonly OpenSlot[] {
    return openSlots(snapshot, this.#expiries, {
      lock: this.#lock,
      slots: this.#slots,
      owner: this.#owner,
      ttls: this.#isObserving ? undefined : this.#server.hasSessionLocks(session) ? 0 : 1,
    });
  }

  async #pause(session: S, time: number, signal: AbortSignal): Promise<void> {
    await delayOrAbort(time, signal, session.closed);
    signal.throwIfAborted();
  }

  /** Returns undefined if somebody was faster, or the other number of slots if others use one. */
  async #claimOnce(
    session: S,
    querier: Querier,
    { lock, slot, from }: OpenSlot,
    hasRow: boolean,
  ): Promise<ClaimedSlot | number | undefined> {
    const { table } = this.#server;
    const { presence: { host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const claim = { lock, owner: this.#owner, ttl, from: from === "mine" ? "nobody" : from, host, pid, label } as const;
    const sent = new Moment();
    this.mayBeOurs = true;
    const { fence, others } = hasRow
      ? await table.claimAndReadOthers(querier, claim, recorded ? lastRun : undefined)
      : await table.insertAndReadOthers(querier, claim, lastRun);
    const mine = fence === undefined ? undefined : { owner: this.#owner, fence };
    const other = mine && await this.#agreement.other(session, querier, others, this.#owner);
    if (mine && other) await table.release(querier, lock, mine);
    const confirmed = mine && !other ? await confirmedClaim(table, querier, { lock, mine }, ttl, sent) : undefined;
    if (mine && confirmed) return { lock, slot, mine, confirmed };
    this.mayBeOurs = false;
    await this.slotLocks.leave(lock);
    return other && slotsFor(other.owner);
  }
}
