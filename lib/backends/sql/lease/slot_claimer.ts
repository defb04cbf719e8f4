import { OtherSlotsError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import { type ExpiryWatch, SHORTEST_MARGIN } from "../../../lock/expiry_watch.ts";
import { slotIn } from "../../../lock/slot_name.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import type { Session } from "../session.ts";
import { Agreement } from "./agreement.ts";
import { abortable, type Claimed, confirmedClaim } from "./claimer.ts";
import type { Entered } from "./entered.ts";
import type { Look } from "./look.ts";
import { type OpenSlot, openSlots, shuffled } from "./open_slots.ts";
import type { LeaseOptions } from "./options.ts";
import { newOwner, slotsFor } from "./owner.ts";
import type { Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";
import { SlotDoors } from "./slot_doors.ts";

/** How often to begin again when somebody with another number of slots came at the same time, and the longest pause. */
const TIES = 10;
const TIE_PAUSE = 100;

/** The first pause before another look, in milliseconds, where somebody is about to claim a slot or to give one back. */
const COMING_PAUSE = 5;

/** A slot that has been acquired. */
export interface ClaimedSlot extends Claimed {
  /** The name of its row. */
  readonly lock: string;
  readonly slot: number;
}

/** Claims one slot of a lock: any that is free, or that may be taken over. */
export class SlotClaimer<S extends Session> {
  /** Whether a slot may be ours although nobody keeps it, see `Claimer`. */
  mayBeOurs = false;
  readonly #server: LeaseServer<S>;
  /** The session locks beside the slots' leases. */
  readonly doors: SlotDoors<S>;
  readonly #options: LeaseOptions;
  readonly #lock: string;
  readonly #slots: number;
  readonly #agreement: Agreement<S>;
  readonly #owner: string;
  #expiries = new Map<string, ExpiryWatch<Lease>>();
  /** Whether others have been seen to be alive. From then on only their silence counts, and no clock. */
  #isObserving = false;

  constructor(server: LeaseServer<S>, entered: Entered<S>, slots: number, options: LeaseOptions) {
    this.#server = server;
    this.doors = new SlotDoors(server, entered, options.presence.lock);
    this.#options = options;
    this.#lock = options.presence.lock;
    this.#slots = slots;
    this.#agreement = new Agreement(server, entered, slots);
    this.#owner = newOwner(slots);
  }

  /** To be called when all slots have been seen to be held by those who live, see `Claimer`. */
  trustNoClock(): void {
    this.#isObserving = true;
  }

  /**
   * Claims a slot if there is one to be had.
   *
   * @param seen What a look has just shown, if there has been one.
   * @returns Undefined if all are held.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws {OtherSlotsError} When somebody holds the lock who takes it to have another number of slots.
   * @throws The signal's reason when it is aborted.
   */
  async claim(session: S, signal: AbortSignal, seen?: Look): Promise<ClaimedSlot | undefined> {
    const asker = abortable(session, signal);
    let first = this.#firstSlot;
    for (let ties = 0, coming = 0, isFirst = true;;) {
      let entered: OpenSlot | "look again" | undefined = first;
      let hasRow = true;
      if (!entered) {
        const look = seen ?? await this.#server.table.look(asker, this.#lock);
        seen = undefined;
        const other = await this.#agreement.other(session, asker, look.leases, this.#owner);
        if (other) {
          this.#agreement.refuse(other);
          await this.#pause(session, COMING_PAUSE, signal);
          continue;
        }
        const open = this.#open(session, look);
        entered = await this.doors.enterOne(session, isFirst ? open : shuffled(open), coming, signal);
        isFirst = false;
        if (entered === undefined) return undefined;
        if (entered === "look again") {
          await this.#pause(session, COMING_PAUSE * 2 ** coming++, signal);
          continue;
        }
        hasRow = look.names.has(entered.lock);
      }
      first = undefined;
      // The next may look while this one claims.
      this.doors.leaveQueue();
      const claimed = await this.#claimOnce(session, asker, entered, hasRow);
      if (typeof claimed === "object") return claimed;
      if (claimed === undefined) continue;
      if (++ties > TIES) throw new OtherSlotsError(claimed, this.#slots);
      await this.#pause(session, TIE_PAUSE * Math.random(), signal);
    }
  }

  /** To be called by the first of those who wait: it goes by the clock once more, as one who comes anew would. */
  lookAnew(): void {
    this.#expiries = new Map();
  }

  /** Frees the slots that are ours. */
  async takeBack(asker: Asker): Promise<void> {
    const { table } = this.#server;
    for (const lease of (await table.look(asker, this.#lock)).leases) {
      if (lease.owner === this.#owner) await table.release(asker, lease.lock, lease);
    }
    this.mayBeOurs = false;
  }

  /** What to try without a look: most likely the lease of the session lock that it has got is nobody's. */
  get #firstSlot(): OpenSlot | undefined {
    const lock = this.doors.first;
    // With an answer that got lost, another slot may be ours.
    if (lock === undefined || this.mayBeOurs || this.#expiries.size > 0) return undefined;
    return { lock, slot: slotIn(lock).slot, from: this.#isObserving ? "nobody" : { slack: SHORTEST_MARGIN, ttls: 0 } };
  }

  /** The slots that may be claimed, in the order in which to try. */
  #open(session: S, look: Look): readonly OpenSlot[] {
    return openSlots(look, this.#expiries, {
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

  /** Returns undefined if somebody was faster, and a number if somebody takes the lock to have so many slots. */
  async #claimOnce(
    session: S,
    asker: Asker,
    { lock, slot, from }: OpenSlot,
    hasRow: boolean,
  ): Promise<ClaimedSlot | number | undefined> {
    const { table } = this.#server;
    const { presence: { host, pid, label }, lease: { ttl }, recorded, lastRun } = this.#options;
    const claim = { lock, owner: this.#owner, ttl, from: from === "mine" ? "nobody" : from, host, pid, label } as const;
    const sent = new Moment();
    this.mayBeOurs = true;
    const { fence, others } = hasRow
      ? await table.claimAndLook(asker, claim, recorded ? lastRun : undefined)
      : await table.insertAndLook(asker, claim, lastRun);
    const mine = fence === undefined ? undefined : { owner: this.#owner, fence };
    const other = mine && await this.#agreement.other(session, asker, others, this.#owner);
    if (mine && other) await table.release(asker, lock, mine);
    const confirmed = mine && !other ? await confirmedClaim(table, asker, { lock, mine }, ttl, sent) : undefined;
    if (mine && confirmed) return { lock, slot, mine, confirmed };
    this.mayBeOurs = false;
    await this.doors.leave(lock);
    return other && slotsFor(other.owner);
  }
}
