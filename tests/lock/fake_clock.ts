/** A monotonic clock and timers that stand still until a test moves them. */

import { HANG } from "../cli/wait.ts";

/**
 * In place of `performance.now()`, `setTimeout()`, `clearTimeout()` and the machine's uptime until it is disposed of. What
 * is disposed of before it must not wait for time; so whatever talks to a server is best opened before the clock.
 */
export class FakeClock implements Disposable {
  /** Milliseconds since the clock was made. */
  now = 0;
  /** How much of the time the machine has slept, which only its uptime tells, in milliseconds. */
  slept = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  readonly #real = { now: performance.now, setTimeout, clearTimeout, osUptime: Deno.osUptime };
  /** No real timer has such a number, so that one of these may be cleared after the end of the clock. */
  #last = 2 ** 40;

  constructor() {
    performance.now = () => this.now;
    define(Deno, "osUptime", () => Math.floor((this.now + this.slept) / 1000));
    define(globalThis, "setTimeout", (run: () => void, delay = 0) => {
      // The runtime warns of it, on stderr.
      if (delay < 0) throw new RangeError(`a timer of ${delay} ms`);
      this.#timers.set(++this.#last, { at: this.now + delay, run });
      return this.#last;
    });
    define(globalThis, "clearTimeout", (timer: number) => void this.#timers.delete(timer));
  }

  /** How many timers have come due. */
  fired = 0;

  /** How many timers have not come due yet. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer comes due; `Infinity` if there is none. */
  get next(): number {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at));
  }

  /**
   * Resolves with what `look` gives as soon as that is truthy, while the clock stands: for what a server, a file or another
   * process has to do meanwhile.
   */
  async until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
    for (const began = this.#real.now.call(performance);;) {
      const found = await look();
      if (found) return found;
      if (this.#real.now.call(performance) - began > HANG) throw new Error(`not within ${HANG / 1000} s: ${what}`);
      await new Promise((resolve) => void this.#real.setTimeout.call(globalThis, resolve, 1));
    }
  }

  /** Moves the clock on, and runs what comes due on the way, each at its time. */
  async to(time: number): Promise<void> {
    for (;;) {
      await settled(this.#real.setTimeout);
      const [next] = [...this.#timers].filter(([, { at }]) => at <= time).toSorted(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      const [timer, { at, run }] = next;
      this.#timers.delete(timer);
      this.now = Math.max(this.now, at);
      this.fired++;
      run();
    }
    this.now = time;
  }

  /**
   * Moves the clock on until a promise is settled, and gives what it resolves to.
   *
   * @param limit After how many milliseconds of its own the clock stops, and this fails.
   */
  async during<T>(promise: Promise<T>, limit = 600_000): Promise<T> {
    let isOver = false;
    const over = () => void (isOver = true);
    promise.then(over, over);
    for (const end = this.now + limit;;) {
      await settled(this.#real.setTimeout);
      if (isOver) return await promise;
      const next = this.next;
      if (next > end) throw new Error(`not within ${limit / 1000} s of the clock`);
      await this.to(Math.max(this.now, next));
    }
  }

  [Symbol.dispose](): void {
    performance.now = this.#real.now;
    define(Deno, "osUptime", this.#real.osUptime);
    define(globalThis, "setTimeout", this.#real.setTimeout);
    define(globalThis, "clearTimeout", this.#real.clearTimeout);
  }
}

/** Lets all promises that can go on do so. */
function settled(setTimeout: typeof globalThis.setTimeout): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

function define(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { configurable: true, writable: true, value });
}
