/** The first pause, in milliseconds; each is twice as long as the one before, until the longest is reached. */
const FIRST = 100;
/** The mean of the longest pauses, in milliseconds: a little more than a second, so that a second has one at most. */
const LONGEST = 1050;
/** By which part of it a pause is longer or shorter by chance, so that many waiters do not ask all at once. */
const JITTER = 0.3;

/** The pauses of a waiter that has to ask again and again. */
export class Pauses {
  #mean = FIRST;

  /** The next pause, in milliseconds. */
  next(): number {
    const pause = this.#mean * (1 + JITTER * (2 * Math.random() - 1));
    this.#mean = Math.min(2 * this.#mean, LONGEST);
    return pause;
  }
}

/** The shortest and the longest pause of the first of those who wait, in milliseconds. */
const SHORTEST_OF_HEAD = 10;
const LONGEST_OF_HEAD = 1000;
/** Its pauses as a part of the time that it has been the first: so much later than it could it gets a slot, on average. */
const PART = 1 / 8;

/** The pauses of a waiter who is the only one that looks. */
export class HeadPauses {
  readonly #since = performance.now();

  /** The next pause, in milliseconds. */
  next(): number {
    const waited = performance.now() - this.#since;
    return Math.min(Math.max(waited * PART, SHORTEST_OF_HEAD), LONGEST_OF_HEAD);
  }
}
