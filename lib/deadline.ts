/** The longest delay that `setTimeout` takes, in milliseconds, about 24 days; with a longer one it fires at once. */
export const MAX_TIMER_DELAY = 2 ** 31 - 1;

/** A point in time on the monotonic clock, so that setting the wall clock does not change how long a wait lasts. */
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
