import { pauseAfter } from "../../../lock/pause_after.ts";

/** The first pause, in milliseconds; each is twice as long as the one before, until the longest is reached. */
const FIRST_MEAN = 100;
/** The mean of the longest pauses, in milliseconds: a little more than a second, so that a second has one at most. */
const MAX_MEAN = 1050;
/** The random part of a pause, as a fraction of it, so that many waiters do not ask at the same time. */
const JITTER = 0.3;

/** The pauses of a waiter that polls. */
export class Pauses {
  #mean = FIRST_MEAN;

  /** The next pause, in milliseconds. */
  next(): number {
    const pause = this.#mean * (1 + JITTER * (2 * Math.random() - 1));
    this.#mean = Math.min(2 * this.#mean, MAX_MEAN);
    return pause;
  }
}

/** The pauses of the first waiter in a queue, which is the only one that polls. */
export class HeadPauses {
  readonly #since = performance.now();

  /** The next pause, in milliseconds. */
  next(): number {
    return pauseAfter(performance.now() - this.#since);
  }
}
