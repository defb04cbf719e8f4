/** The longest delay that a timer takes, in milliseconds, some 24 days; a longer one would fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A point in time on the monotonic clock, so that setting the wall clock neither shortens nor stretches a wait. */
export class Deadline {
  readonly #at: number;

  /** @param wait Milliseconds from now; `Infinity` never passes. */
  constructor(wait: number) {
    this.#at = performance.now() + wait;
  }

  /** Milliseconds left, never below 0. */
  get remaining(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Whether it has passed. */
  get passed(): boolean {
    return this.remaining === 0;
  }
}
