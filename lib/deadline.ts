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

/**
 * Resolves after a delay, or as soon as the signal fires. Tells nothing of which of the two it was: the caller looks.
 *
 * @param delay Milliseconds; any length, also `Infinity`.
 */
export async function delayOrAbort(delay: number, signal: AbortSignal): Promise<void> {
  const deadline = new Deadline(delay);
  do {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, Math.min(deadline.remaining, LONGEST_TIMER));
      signal.addEventListener("abort", done, { once: true });
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  } while (!deadline.passed);
}
