import { Deadline } from "../../../deadline.ts";
import { OtherSlotsError } from "../../../errors.ts";
import { Moment } from "../../../lock/lease.ts";
import type { Silence } from "../../../lock/silence.ts";
import { delayOrAbort } from "../../../waiting.ts";
import type { Asker } from "../asker.ts";
import type { Session } from "../session.ts";
import { Agreement } from "./agreement.ts";
import { abortable, type Claimed, confirmedClaim } from "./claimer.ts";
import { atOnce, type Entered } from "./entered.ts";
import type { Look } from "./look.ts";
import { type OpenSlot, openSlots, shuffled } from "./open_slots.ts";
import type { LeaseOptions } from "./options.ts";
import { newOwner, slotsFor } from "./owner.ts";
import type { Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** How often to begin again when somebody with another number of slots came at the same time, and the longest pause. */
const TIES = 10;
const TIE_PAUSE = 100;

/**
 * How often to look again, and the first pause in milliseconds, where a lease is free and the session lock of its slot is
 * not: somebody has just taken that, and is about to claim the lease.
 */
const COMING = 4;
const COMING_PAUSE = 5;

/**
 * How long to wait for such a session lock then, in milliseconds: the last holder has freed the lease, and is about to
 * release that, too. Who holds it for longer has no lease. A whole second, since servers count those.
 */
const LEAVING = 1000;

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
  readonly #entered: Entered<S>;
  readonly #options: LeaseOptions;
  readonly #lock: string;
  readonly #slots: number;
  readonly #agreement: Agreement<S>;
  readonly #owner: string;
  #silences = new Map<string, Silence<Lease>>();
  /** Slots whose session lock is held by somebody without a lease. */
  readonly #foreign = new Set<string>();

  constructor(server: LeaseServer<S>, entered: Entered<S>, slots: number, options: LeaseOptions) {
    this.#server = server;
    this.#entered = entered;
    this.#options = options;
    this.#lock = options.presence.lock;
    this.#slots = slots;
    this.#agreement = new Agreement(server, entered, slots);
    this.#owner = newOwner(slots);
  }

  /**
   * Claims a slot if there is one to be had.
   *
   * @returns Undefined if all are held.
   * @throws {LockUnavailableError} When the table cannot be used.
   * @throws {OtherSlotsError} When somebody holds the lock who takes it to have another number of slots.
   * @throws The signal's reason when it is aborted.
   */
  async claim(session: S, signal: AbortSignal): Promise<ClaimedSlot | undefined> {
    const asker = abortable(session, signal);
    for (let ties = 0, tries = 0, coming = 0;; tries++) {
      const look = await this.#server.table.look(asker, this.#lock);
      const other = await this.#agreement.other(session, asker, look.leases, this.#owner);
      if (other) {
        this.#agreement.refuse(other);
        await this.#pause(session, COMING_PAUSE, signal);
        continue;
      }
      const open = this.#open(session, look);
      const entered = await this.#enterOne(session, tries === 0 ? open : shuffled(open), coming < COMING, signal);
      if (entered === undefined) return undefined;
      if (entered === "look again") {
        await this.#pause(session, COMING_PAUSE * 2 ** coming++, signal);
        continue;
      }
      const claimed = await this.#claimOnce(session, asker, entered, look.names.has(entered.lock));
      if (typeof claimed === "object") return claimed;
      if (claimed === undefined) continue;
      if (++ties > TIES) throw new OtherSlotsError(claimed, this.#slots);
      await this.#pause(session, TIE_PAUSE * Math.random(), signal);
    }
  }

  /** To be called by the first of those who wait: it goes by the clock once more, as one who comes anew would. */
  lookAnew(): void {
    this.#silences = new Map();
  }

  /** Frees the slots that are ours. */
  async takeBack(asker: Asker): Promise<void> {
    const { table } = this.#server;
    for (const lease of (await table.look(asker, this.#lock)).leases) {
      if (lease.owner === this.#owner) await table.release(asker, lease.lock, lease);
    }
    this.mayBeOurs = false;
  }

  /** The slots that may be claimed, in the order in which to try. */
  #open(session: S, look: Look): readonly OpenSlot[] {
    return openSlots(look, this.#silences, {
      lock: this.#lock,
      slots: this.#slots,
      owner: this.#owner,
      ttls: this.#server.hasSessionLocks(session) ? 0 : 1,
    });
  }

  /**
   * Gets the session lock of an open slot, of the first one that has it free.
   *
   * @param isSoon Whether to look again before waiting for one.
   */
  async #enterOne(
    session: S,
    open: readonly OpenSlot[],
    isSoon: boolean,
    signal: AbortSignal,
  ): Promise<OpenSlot | "look again" | undefined> {
    const unsure: OpenSlot[] = [];
    for (const one of open) {
      const isIn = one.from === "mine" || !this.#server.hasSessionLocks(session) ||
        await this.#entered.enter(session, one.lock, atOnce(), signal);
      if (isIn) {
        this.#foreign.delete(one.lock);
        return one;
      }
      // The holder of another's lease lives, whatever its row says.
      if (one.from === "nobody" && !this.#foreign.has(one.lock)) unsure.push(one);
    }
    if (unsure.length > 0 && isSoon) return "look again";
    for (const one of unsure) {
      if (await this.#entered.enter(session, one.lock, new Deadline(LEAVING), signal)) return one;
      this.#foreign.add(one.lock);
    }
    return undefined;
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
    await this.#entered.leave(lock);
    return other && slotsFor(other.owner);
  }
}
