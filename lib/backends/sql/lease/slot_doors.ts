import { Deadline } from "../../../deadline.ts";
import { rowsIfAny } from "../batch.ts";
import type { Session } from "../session.ts";
import { atOnce, type Entered } from "./entered.ts";
import type { Look } from "./look.ts";
import type { OpenSlot } from "./open_slots.ts";
import type { LeaseServer } from "./server.ts";

/**
 * How often to look again where a lease is free and the session lock of its slot is not: somebody has just taken that,
 * and is about to claim the lease.
 */
const COMING = 4;

/**
 * How long to wait for such a session lock then, in milliseconds: the last holder has freed the lease, and is about to
 * release that, too. Who holds it for longer has no lease. A whole second, since servers count those.
 */
const LEAVING = 1000;

/** The session locks of a lock's slots, where there are such: who wants to claim a slot's lease needs that of the slot. */
export class SlotDoors<S extends Session> {
  readonly #server: LeaseServer<S>;
  readonly #entered: Entered<S>;
  readonly #lock: string;
  #first: string | undefined;
  /** Slots whose session lock is held by somebody without a lease. */
  readonly #foreign = new Set<string>();

  constructor(server: LeaseServer<S>, entered: Entered<S>, lock: string) {
    this.#server = server;
    this.#entered = entered;
    this.#lock = lock;
  }

  /** The slot whose session lock it has by {@linkcode enter}, although its lease may be another's. */
  get first(): string | undefined {
    return this.#first;
  }

  /** Waits for the session lock of any slot, where that can be done, until the deadline. Returns whether it has one. */
  async enter(session: S, deadline: Deadline, signal: AbortSignal): Promise<boolean> {
    this.#first = await this.#entered.enterSlot(session, this.#lock, deadline, signal);
    return this.#first !== undefined;
  }

  /** Leaves the session lock of {@linkcode enter}, unless it is that of the slot that was acquired. */
  leaveFirst(acquired: string | undefined): void {
    if (this.#first !== undefined && this.#first !== acquired) this.#entered.leaveLater(this.#first);
    this.#first = undefined;
  }

  /** Leaves the session lock of a slot whose lease could not be claimed, unless that is where it waits. */
  async leave(lock: string): Promise<void> {
    if (lock !== this.#first) await this.#entered.leave(lock);
  }

  /** Whether it does not have the lock of those yet who wait where session locks know of no slots. */
  hasToQueue(session: S): boolean {
    return !this.#server.queue.enterSlot && this.#entered.in(this.#queue) !== session;
  }

  /**
   * Waits for that: whoever has it is the only one who looks for a slot.
   *
   * @returns What a look has shown that went with the request, if any did; undefined if others had it until the deadline.
   */
  async enterQueue(session: S, deadline: Deadline, signal: AbortSignal): Promise<{ look?: Look } | undefined> {
    const looking = this.#server.table.looking?.(this.#lock);
    const next = looking ? [looking.statement] : [];
    const outcomes = await this.#entered.enterAnd(session, this.#queue, deadline, signal, next);
    const rows = rowsIfAny(outcomes?.[0]);
    return looking && rows ? { look: looking.read(rows) } : outcomes && {};
  }

  /** Leaves that, if it has it. Does not wait for the answer. */
  leaveQueue(): void {
    this.#entered.leaveLater(this.#queue);
  }

  get #queue(): string {
    return `${this.#lock}.q`;
  }

  /**
   * Gets the session lock of an open slot, of the first one that has it free.
   *
   * @param looks How often it has been told to look again.
   */
  async enterOne(
    session: S,
    open: readonly OpenSlot[],
    looks: number,
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
    if (unsure.length > 0 && looks < COMING) return "look again";
    for (const one of unsure) {
      if (await this.#entered.enter(session, one.lock, new Deadline(LEAVING), signal)) return one;
      this.#foreign.add(one.lock);
    }
    return undefined;
  }
}
