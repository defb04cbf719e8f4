import { pauseAfter } from "../../../lock/pause_after.ts";

/** The mean of the first pause, in milliseconds. */
const FIRST_MEAN = 100;
/** The maximum of the mean, in milliseconds: a little more than a second, so that there is at most one pause a second. */
const MAX_MEAN = 1050;
/** The random part of a pause, as a fraction of it, so that many waiters do not ask at the same time. */
const JITTER = 0.3;

/** The pauses of one of many waiters that poll: they double. */
export class DoublingBackoff {
  #mean = FIRST_MEAN;

  /** The next pause, in milliseconds. */
  next(): number {
    const pause = this.#mean * (1 + JITTER * (2 * Math.random() - 1));
    this.#mean = Math.min(2 * this.#mean, MAX_MEAN);
    return pause;
  }
}

/** The pauses of the only waiter that polls, the first in a queue: they grow with the time it has waited. */
export class ProportionalBackoff {
  readonly #since = performance.now();

  /** The next pause, in milliseconds. */
  next(): number {
    return pauseAfter(performance.now() - this.#since);
  }
}
