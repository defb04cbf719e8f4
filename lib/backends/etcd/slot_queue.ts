/** The queue for a lock with slots: first come, first served. */

import { OtherSlotsError, QueueFullError } from "../../errors.ts";
import { slotIn } from "../../lock/slot_name.ts";
import type { Found, KeyValue, TxnAnswer } from "./answers.ts";
import type { CallOptions } from "./client.ts";
import { branchTaken, type Decision, txnOf } from "./decision.ts";
import { MalformedAnswerError } from "./json.ts";
import { currentKeys } from "./current_keys.ts";
import type { LedgerKeys } from "./ledger_keys.ts";
import type { Comer, Line, Place } from "./line.ts";
import { slotsOf } from "./names.ts";
import { keysOf, refuseSlots } from "./queue.ts";
import { Path } from "./requests.ts";
import { SlotKeys, slotOfMark } from "./slot_keys.ts";
import { type SlotOutcome, SlotRequests } from "./slot_requests.ts";

/**
 * How many slots one request tries besides slot 0. They are nested transactions, whose cost grows with the square of their
 * number (measured: 1.6 ms for one, 4 ms for 9, 12 ms for 20). If more may be free, the next request tries those.
 */
const MAX_SLOTS_PER_REQUEST = 4;

/** All slots are held, or others wait for them. */
interface Busy {
  /** How many wait for any of them. */
  readonly queued: bigint;
  /** The same, with those who wait for slot 0 alone. */
  readonly waiters: bigint;
  readonly revision: bigint;
}

/** The outcome of a request: the own place, none, or that another request is needed for one. */
type Outcome = Place | Busy | "again" | undefined;

/**
 * The queue for a lock with slots. Looking at the slots and taking one is a single transaction, so that concurrent sessions
 * cannot make a free slot look busy, and a session with another number of slots is noticed first. The first waiter watches
 * for slots that become free, and asks for that one. Every other waiter watches only the key before its own.
 */
export class SlotQueue implements Line {
  readonly #comer: Comer;
  readonly #slots: number;
  readonly #keys: SlotKeys;
  readonly #requests: SlotRequests;
  /** The slots that may be free; slot 0 is among them only for the first waiter. */
  #free: readonly number[] = [];
  /** The revision of the own key if it is the first waiter's; the first waiter stays the first. */
  #first: bigint | undefined;

  constructor(comer: Comer, slots: number) {
    const { client: { address: { prefix } }, lock, lease } = comer;
    this.#comer = comer;
    this.#slots = slots;
    this.#keys = new SlotKeys(prefix, lock, slots, lease);
    this.#requests = new SlotRequests(comer, this.#keys);
  }

  async enter(mayWait: boolean, options: CallOptions): Promise<Place | undefined> {
    const { maxWaiters } = this.#comer;
    const mayQueue = mayWait && maxWaiters === undefined;
    this.#free = this.#all();
    for (;;) {
      let found = await this.#ask(this.#requests.enter(this.#some(), mayWait, mayQueue), options);
      if (isBusy(found)) {
        const { queued, waiters, revision } = found;
        // There are more slots than one request tries.
        if (this.#free.length > 0 && !(mayWait && queued > 0n)) continue;
        if (!mayWait) return undefined;
        if (maxWaiters !== undefined && waiters >= BigInt(maxWaiters)) throw new QueueFullError(maxWaiters);
        found = await this.#ask(this.#requests.queue(revision), options);
      }
      if (found === "again") continue;
      if (found === undefined || isBusy(found)) throw new MalformedAnswerError("no key");
      // Unless the same request has tried all slots, one may be free by now.
      const isTried = mayQueue && this.#free.length === 0;
      return found.awaited === this.#keys.freed && !isTried ? await this.find(found, options) : found;
    }
  }

  async find(place: Place, options: CallOptions, gone: readonly string[] = []): Promise<Place | undefined> {
    if (place.slot !== undefined) return await this.#findHeld(place, options);
    const { created } = place;
    this.#free = created === this.#first ? this.#keys.slotsIn(gone) : [];
    for (;;) {
      const [slot] = this.#free;
      const request = slot === undefined ? this.#requests.look(created) : this.#requests.proceed(created, slot);
      const found = await this.#ask(request, options);
      if (found === "again" || isBusy(found)) throw new MalformedAnswerError("no key");
      if (found?.slot !== undefined) return found;
      if (found?.created !== created) return undefined;
      if (created !== this.#first || this.#free.length === 0) return found;
    }
  }

  async #findHeld(place: Place, options: CallOptions): Promise<Place | undefined> {
    const [now] = await currentKeys(this.#comer.client, [place], options);
    return now?.created === place.created ? place : undefined;
  }

  async #ask(decision: Decision<SlotOutcome>, options: CallOptions): Promise<Outcome> {
    const { client, ledger } = this.#comer;
    const { is, answer, revision } = branchTaken(decision, await client.call(Path.txn, txnOf(decision), options));
    switch (is.kind) {
      case "taken":
        return this.#taken(is.slot, revision, revision, ledger && this.#hasLeft(is.slot, answer.range(0), ledger));
      case "queued": {
        this.#look(answer);
        const [mine, before] = answer.range(2).keys;
        if (!before) this.#first = mine?.created;
        return this.#waiting(mine, before, revision);
      }
      case "busy": {
        this.#look(answer);
        const [first, queued] = [answer.range(1).count, answer.range(2).count];
        // The oldest key of slot 0 is its holder's, the others are waiters'.
        return { queued, waiters: queued + (first > 0n ? first - 1n : 0n), revision };
      }
      case "plain":
        throw new OtherSlotsError(1, this.#slots);
      case "seen": {
        this.#look(answer);
        if (answer.range(1).count === 0n) this.#free = [0, ...this.#free];
        const before = is.isFirst ? undefined : answer.range(4).keys[0];
        if (!before) this.#first = answer.range(3).keys[0]?.created;
        return this.#own(answer, 2, before);
      }
      case "not new": {
        const own = this.#own(answer, 0);
        if (own) return own;
        const { client: { address: { prefix } }, lock } = this.#comer;
        refuseSlots([...answer.range(2).keys, ...answer.range(3).keys], slotsOf(prefix, lock), this.#slots);
        return undefined;
      }
      case "again":
        return "again";
    }
  }

  /**
   * The own place, by the own keys. There is a marker if a previous attempt succeeded, although its answer was lost.
   *
   * @param step The first of the steps that asked for them.
   * @param before The waiter before the own one.
   */
  #own(answer: TxnAnswer, step: number, before?: KeyValue): Place | undefined {
    const [[mark], [mine]] = [answer.range(step).keys, answer.range(step + 1).keys];
    if (mark) return this.#taken(slotOfMark(mark, this.#slots), mark.created, answer.revision);
    return mine && this.#waiting(mine, before, answer.revision);
  }

  #taken(slot: number, created: bigint, revision: bigint, hasLeftRuns?: boolean): Place {
    const { mark } = this.#keys;
    return { key: this.#keys.own(slot), created, awaited: undefined, revision, hasLeftRuns, slot, mark };
  }

  /**
   * Whether there are unfinished runs that no other holder will end: those of this slot, and of slots that the lock no
   * longer has.
   */
  #hasLeft(slot: number, { keys, count }: Found, ledger: LedgerKeys): boolean {
    if (count > BigInt(keys.length)) return true;
    const slots = keys.map(({ key = "" }) => slotIn(ledger.nameIn("allRunning", key)).slot);
    return slots.some((left) => left === slot || left >= this.#slots);
  }

  /** @param before The key before the own one; undefined if that is the first, or if it is not known. */
  #waiting(mine: KeyValue | undefined, before: KeyValue | undefined, revision: bigint): Place {
    if (!mine) throw new MalformedAnswerError("no key");
    const { waiter: key, waiters, freed } = this.#keys;
    const awaited = before ? keysOf(before, waiters) : freed;
    return { key, created: mine.created, awaited, revision, hasLeftRuns: undefined };
  }

  /** Reads from the first step which slots may be free. */
  #look(answer: TxnAnswer): void {
    const held = this.#keys.slotsIn(answer.range(0).keys.map(({ key = "" }) => key));
    this.#free = this.#all().filter((slot) => !held.includes(slot));
  }

  /** All slots but slot 0. */
  #all(): readonly number[] {
    return Array.from({ length: this.#slots - 1 }, (_, index) => index + 1);
  }

  /** Slots to try: not the same ones as others, if there are more than fit into a request. */
  #some(): readonly number[] {
    if (this.#free.length <= MAX_SLOTS_PER_REQUEST) return this.#free;
    const from = Math.floor(Math.random() * this.#free.length);
    return [...this.#free.slice(from), ...this.#free.slice(0, from)].slice(0, MAX_SLOTS_PER_REQUEST);
  }
}

function isBusy(found: Outcome): found is Busy {
  return typeof found === "object" && "queued" in found;
}
