/** Looks after something at regular intervals, one look at a time, until one fails or it is disposed of. */
export class Heartbeat implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /**
   * @param interval Milliseconds from the end of one beat to the begin of the next.
   * @param beat What to do. Rejects when what it looks after is not well.
   * @param failed Called once with the error when a beat has failed; there is none after that.
   */
  constructor(interval: number, beat: () => Promise<void>, failed: (error: unknown) => void) {
    const next = () => {
      this.#timer = setTimeout(async () => {
        try {
          await beat();
        } catch (error) {
          if (!this.#stopped) failed(error);
          return;
        }
        if (!this.#stopped) next();
      }, interval);
    };
    next();
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
