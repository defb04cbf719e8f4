/** The waiters for a lock with slots, in the order in which they came, and who takes a slot that is free. */

import { OtherSlotsError, QueueFullError } from "../../errors.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import { type Found, type KeyValue, readTxn, type TxnAnswer } from "./answers.ts";
import type { CallOptions } from "./client.ts";
import { type Decision, takenWay, txnOf } from "./decision.ts";
import { NonsenseError } from "./json.ts";
import type { LedgerKeys } from "./ledger_keys.ts";
import type { Comer, Line, Place } from "./line.ts";
import { partsOfKey, slotsOf } from "./names.ts";
import { keysOf, refuseSlots } from "./queue.ts";
import { Path, step, txn } from "./requests.ts";
import { slotInKey, SlotKeys } from "./slot_keys.ts";
import { SlotRequests, type Way } from "./slot_requests.ts";

/**
 * How many slots one request tries besides slot 0: etcd reads each again for all before it (measured: 1.6 ms for one, 4 ms
 * for 9, 12 ms for 20). Where more may be free the next request tries those that are.
 */
const MOST_AT_ONCE = 4;

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
 * The line for a lock with slots. A look at the slots and what follows from it are one transaction: so a slot that is free
 * is taken, whoever else comes, and who takes the lock to have another number of them is found before.
 */
export class SlotQueue implements Line {
  readonly #comer: Comer;
  readonly #slots: number;
  readonly #keys: SlotKeys;
  readonly #requests: SlotRequests;
  /** The slots from 1 on that may be free. */
  #free: readonly number[] = [];

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
        // There are more than one request tries.
        if (this.#free.length > 0 && !(mayWait && queued > 0n)) continue;
        if (!mayWait) return undefined;
        if (maxWaiters !== undefined && waiters >= BigInt(maxWaiters)) throw new QueueFullError(maxWaiters);
        found = await this.#ask(this.#requests.queue(revision), options);
      }
      if (found === "again") continue;
      if (found === undefined || isBusy(found)) throw new NonsenseError("no key");
      // Unless the same request has tried all slots, one may be free by now.
      const isTried = mayQueue && this.#free.length === 0;
      return found.awaited === this.#keys.freed && !isTried ? await this.find(found, options) : found;
    }
  }

  async find(place: Place, options: CallOptions): Promise<Place | undefined> {
    if (place.slot !== undefined) return await this.#findHeld(place, options);
    this.#free = this.#all();
    for (;;) {
      const found = await this.#ask(this.#requests.proceed(place.created, this.#some()), options);
      if (found === "again" || isBusy(found) && this.#free.length > 0) continue;
      if (isBusy(found)) return { ...place, awaited: this.#keys.freed, revision: found.revision };
      return found?.slot !== undefined || found?.created === place.created ? found : undefined;
    }
  }

  async #findHeld(place: Place, options: CallOptions): Promise<Place | undefined> {
    const body = txn([], [step.range({ key: place.key, keysOnly: true })]);
    const answer = readTxn(await this.#comer.client.call(Path.txn, body, options));
    return answer.range(0).keys[0]?.created === place.created ? { ...place, revision: answer.revision } : undefined;
  }

  async #ask(decision: Decision<Way>, options: CallOptions): Promise<Outcome> {
    const { client, ledger } = this.#comer;
    const { is, answer, revision } = takenWay(decision, await client.call(Path.txn, txnOf(decision), options));
    switch (is.way) {
      case "taken":
        return this.#taken(is.slot, revision, revision, ledger && this.#hasLeft(is.slot, answer.range(0), ledger));
      case "queued": {
        this.#look(answer);
        const [mine, before] = answer.range(2).keys;
        return this.#waiting(mine, before, revision);
      }
      case "busy": {
        this.#look(answer);
        const [first, queued] = [answer.range(1).count, answer.range(2).count];
        // The first one who came for slot 0 holds it.
        return { queued, waiters: queued + (first > 0n ? first - 1n : 0n), revision };
      }
      case "plain":
        throw new OtherSlotsError(1, this.#slots);
      case "not new":
      case "not next": {
        // An earlier request was carried out.
        const [[mark], [mine]] = [answer.range(0).keys, answer.range(1).keys];
        if (mark) return this.#taken(slotOf(mark, this.#slots), mark.created, revision);
        if (mine) return this.#waiting(mine, is.way === "not next" ? answer.range(2).keys[0] : undefined, revision);
        if (is.way === "not next") return undefined;
        const { client: { address: { prefix } }, lock } = this.#comer;
        refuseSlots([...answer.range(2).keys, ...answer.range(3).keys], slotsOf(prefix, lock), this.#slots);
        return undefined;
      }
      case "again":
        return "again";
    }
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
    if (!mine) throw new NonsenseError("no key");
    const { waiter: key, waiters, freed } = this.#keys;
    const awaited = before ? keysOf(before, waiters) : freed;
    return { key, created: mine.created, awaited, revision, hasLeftRuns: undefined };
  }

  /** Reads from the first step which slots may be free. */
  #look(answer: TxnAnswer): void {
    const { client: { address: { prefix } } } = this.#comer;
    const held = new Set(
      answer.range(0).keys.map(({ key }) => slotInKey(partsOfKey(prefix, key ?? "")?.rest ?? "")?.slot),
    );
    this.#free = this.#all().filter((slot) => !held.has(slot));
  }

  /** All slots but slot 0. */
  #all(): readonly number[] {
    return Array.from({ length: this.#slots - 1 }, (_, index) => index + 1);
  }

  /** Slots to try: not the same ones as others, if there are more than fit into a request. */
  #some(): readonly number[] {
    if (this.#free.length <= MOST_AT_ONCE) return this.#free;
    const from = Math.floor(Math.random() * this.#free.length);
    return [...this.#free.slice(from), ...this.#free.slice(0, from)].slice(0, MOST_AT_ONCE);
  }
}

function isBusy(found: Outcome): found is Busy {
  return typeof found === "object" && "queued" in found;
}

/** The slot that a mark tells about. */
function slotOf({ value }: KeyValue, slots: number): number {
  const slot = wholeFrom(new TextDecoder().decode(value), 0, slots - 1);
  if (slot === undefined) throw new NonsenseError("no slot");
  return slot;
}
