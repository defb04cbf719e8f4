/** Calls a function at regular intervals, one call at a time, until one fails or the heartbeat is disposed of. */
export class Heartbeat implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /**
   * @param interval Milliseconds from the start of one beat to the start of the next. A beat that takes longer is followed
   * by the next at once.
   * @param beat What to do on each beat.
   * @param failed Called with the error of a failed beat, which is the last one.
   * @param since How long ago the first interval began, in milliseconds.
   */
  constructor(interval: number, beat: () => Promise<void>, failed: (error: unknown) => void, since = 0) {
    const next = (delay: number) => {
      // The runtime warns on stderr about a negative delay.
      this.#timer = setTimeout(async () => {
        const began = performance.now();
        try {
          await beat();
        } catch (error) {
          if (!this.#stopped) failed(error);
          return;
        }
        if (!this.#stopped) next(interval - (performance.now() - began));
      }, Math.max(0, delay));
    };
    next(interval - since);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
