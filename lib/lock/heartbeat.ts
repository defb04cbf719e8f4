/** Looks after something at regular intervals, one look at a time, until one fails or it is disposed of. */
export class Heartbeat implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /**
   * @param interval Milliseconds from the begin of one beat to the begin of the next, however long a beat takes; one that
   * takes longer is followed by the next at once.
   * @param beat What to do. Rejects when what it looks after is not well.
   * @param failed Called once with the error when a beat has failed; there is none after that.
   * @param since How long ago the first interval began, in milliseconds.
   */
  constructor(interval: number, beat: () => Promise<void>, failed: (error: unknown) => void, since = 0) {
    const next = (delay: number) => {
      this.#timer = setTimeout(async () => {
        const began = performance.now();
        try {
          await beat();
        } catch (error) {
          if (!this.#stopped) failed(error);
          return;
        }
        if (!this.#stopped) next(interval - (performance.now() - began));
      }, delay);
    };
    next(interval - since);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
