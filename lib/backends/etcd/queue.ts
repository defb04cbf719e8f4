/** The queue for a lock: its keys in the order in which they were created. The oldest is the holder's. */

import { OtherSlotsError, QueueFullError } from "../../errors.ts";
import { type KeyValue, readTxn, type TxnAnswer } from "./answers.ts";
import type { CallOptions } from "./client.ts";
import { type JsonObject, MalformedAnswerError } from "./json.ts";
import type { Comer, Line, Place } from "./line.ts";
import { keyOf, queueOf, slotsOf } from "./names.ts";
import { type Keys, Path, step, txn, when, whenAll } from "./requests.ts";

/** The queue for a plain lock. */
export class Queue implements Line {
  /** The own key. */
  readonly key: string;
  /** All keys of the queue. */
  readonly all: Keys;
  /** The keys of all sessions that use slots. */
  readonly slots: Keys;
  readonly #comer: Comer;

  constructor(comer: Comer) {
    const { client: { address: { prefix } }, lock, lease } = comer;
    this.#comer = comer;
    this.key = keyOf(prefix, lock, lease);
    this.all = { key: queueOf(prefix, lock), prefix: true };
    this.slots = slotsOf(prefix, lock);
  }

  async enter(mayWait: boolean, options: CallOptions): Promise<Place | undefined> {
    const { maxWaiters } = this.#comer;
    const isIn = when.created(this.key, "EQUAL", 0n);
    if (mayWait && maxWaiters === undefined) return (await this.#put([isIn], options)).place;
    let { place, count, revision } = await this.#put([whenAll.absent(this.all)], options);
    while (mayWait && !place) {
      // One of them is the holder's.
      if (count > BigInt(maxWaiters!)) throw new QueueFullError(maxWaiters!);
      ({ place, count, revision } = await this.#put([isIn, whenAll.createdUpTo(this.all, revision)], options));
    }
    return place;
  }

  /** Puts the own key if the conditions hold and no holder or waiter uses slots. */
  async #put(
    conditions: readonly JsonObject[],
    options: CallOptions,
  ): Promise<{ readonly place: Place | undefined; readonly count: bigint; readonly revision: bigint }> {
    const { client, value, lease } = this.#comer;
    const body = txn(
      [...conditions, whenAll.absent(this.slots)],
      [
        step.put(this.key, value, lease),
        step.range({ ...this.all, sort: "newest first", limit: 2, keysOnly: true }),
        ...this.#leftRuns(),
      ],
      [
        step.range({ key: this.key, keysOnly: true }),
        step.range({ ...this.slots, limit: 1, keysOnly: true }),
        step.range({ ...this.all, countOnly: true }),
      ],
    );
    const answer = readTxn(await client.call(Path.txn, body, options));
    const { succeeded, revision } = answer;
    if (succeeded) {
      const [mine, before] = answer.range(1).keys;
      if (!mine) throw new MalformedAnswerError("no key");
      return { place: this.#placeOf(mine, before, answer), count: 0n, revision };
    }
    // A previous attempt succeeded, although its answer was lost.
    const [mine] = answer.range(0).keys;
    const place = mine && await this.find(mine, options);
    if (!place) refuseSlots(answer.range(1).keys, this.slots);
    return { place, count: answer.range(2).count, revision };
  }

  /** @param place The revision in which the own key was created counts. */
  async find({ created }: Pick<Place, "created">, options: CallOptions): Promise<Place | undefined> {
    const before = { createdUpTo: created - 1n, sort: "newest first", limit: 1 } as const;
    const body = txn([], [
      step.range({ key: this.key, keysOnly: true }),
      step.range({ ...this.all, ...before, keysOnly: true }),
      ...this.#leftRuns(),
    ]);
    const answer = readTxn(await this.#comer.client.call(Path.txn, body, options));
    const [mine] = answer.range(0).keys;
    return mine?.created === created ? this.#placeOf(mine, answer.range(1).keys[0], answer) : undefined;
  }

  /** @param answer Ends with the answer to {@linkcode #leftRuns}. */
  #placeOf({ created }: KeyValue, before: KeyValue | undefined, answer: TxnAnswer): Place {
    return {
      key: this.key,
      created,
      awaited: before && keysOf(before, this.all),
      revision: answer.revision,
      hasLeftRuns: this.#comer.ledger && answer.range(2).count > 0n,
    };
  }

  /**
   * Asks for unfinished runs along with the place, which saves the holder a request. The answer stays true while the lock is
   * held, since nobody else begins a run.
   */
  #leftRuns(): readonly JsonObject[] {
    const { ledger, lock } = this.#comer;
    return ledger ? [step.range({ ...ledger.inSlots("allRunning", lock), countOnly: true })] : [];
  }
}

/** The key to wait for. One that is not text cannot be named. */
export function keysOf({ key }: KeyValue, queue: Keys): Keys {
  return key === undefined ? queue : { key };
}

/**
 * Refuses a lock whose holders or waiters use another number of slots.
 *
 * @param found The keys of sessions that use another number.
 * @param slots What the keys of all sessions with slots begin with.
 * @param asked How many slots were asked for.
 * @throws {OtherSlotsError} When there is one.
 */
export function refuseSlots([one]: readonly KeyValue[], slots: Keys, asked = 1): void {
  // The prefix already contains the first digit.
  if (one) throw new OtherSlotsError(Number.parseInt(one.key?.slice(slots.key.length - 1) ?? "") || 0, asked);
}
