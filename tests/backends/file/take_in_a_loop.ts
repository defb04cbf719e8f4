/**
 * A worker that takes a slot of a lock without waiting, and gives it back, again and again, beside others of which some use
 * another number of slots. Each on a thread of its own, they meet between any two calls to the kernel.
 */

import { OtherSlotsError } from "../../../lib/errors.ts";
import { never, open } from "../open.ts";

/** What to take, and how often. */
export interface Loop {
  readonly server: string;
  readonly lock: string;
  readonly slots: number;
  readonly rounds: number;
  /** How many hold a slot with each number of slots. */
  readonly holders: Int32Array<SharedArrayBuffer>;
  /** The other number. */
  readonly other: number;
}

/** What came of it. */
export interface Outcome {
  /** How often it held a slot. */
  readonly taken: number;
  /** How often a slot was held with the other number of slots at the same time. */
  readonly mixed: number;
  /** Numbers of slots for which it was refused, 0 where no slot was free. */
  readonly refusals: readonly number[];
}

/** A worker's globals; the default types are those of a window. */
const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<Loop>) => void;
  postMessage(outcome: Outcome): void;
};

worker.onmessage = async ({ data: { server, lock, slots, rounds, holders, other } }) => {
  let [taken, mixed] = [0, 0];
  const refusals: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using backend = await open(server, lock, undefined, { slots });
    try {
      const held = await backend.acquire(0, never);
      if (!held) {
        refusals.push(0);
        continue;
      }
      taken++;
      Atomics.add(holders, slots, 1);
      if (Atomics.load(holders, other) > 0) mixed++;
      Atomics.sub(holders, slots, 1);
      await held.release();
    } catch (error) {
      if (!(error instanceof OtherSlotsError)) throw error;
      refusals.push(error.slots);
    }
  }
  worker.postMessage({ taken, mixed, refusals });
};
