import { delayOrAbort, within } from "../waiting.ts";

/** Pauses before another try when a pipe that somebody made non-blocking is full, in milliseconds. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 100;

/** How long a text waits for those that were said before it on the other stream, in milliseconds. */
const LONGEST_TURN = 1000;

/** As many texts wait for a reader; what comes on top is lost, so that a stuck one costs no more memory than this. */
const MOST_WAITING = 1000;

/** What can be written to. */
export type Stream = Pick<typeof Deno.stdout, "write">;

/**
 * Writes texts to a stream, one after the other and beside all else. What sera says must never decide about the command:
 * a reader that does not read keeps neither signals nor the lock waiting, and one that has gone, or a full disk, costs the
 * text and not the run.
 */
export class Output {
  readonly #stream: Stream;
  #count = 0;
  #written: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Whether nothing waits to be written. */
  get isDone(): boolean {
    return this.#count === 0;
  }

  /** Why the first text that was lost could not be written; undefined where none was. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when all that has been put so far is written, or lost. */
  get written(): Promise<void> {
    return this.#written;
  }

  /**
   * Puts a text behind those that wait.
   *
   * @param other Another stream, on which what was put before comes first if its reader reads: it may be the same one.
   */
  put(text: string, other: Output): void {
    if (this.#count === MOST_WAITING) return;
    this.#count++;
    const turn = other.#count === 0 ? undefined : within(LONGEST_TURN, other.written);
    this.#written = this.#written.then(() => turn).then(() => this.#write(new TextEncoder().encode(text)))
      .finally(() => this.#count--);
  }

  async #write(rest: Uint8Array): Promise<void> {
    let wait = FIRST_PAUSE;
    while (rest.length > 0) {
      try {
        // Not writeSync: a full pipe that is not non-blocking would stop the whole process.
        rest = rest.subarray(await this.#stream.write(rest));
        wait = FIRST_PAUSE;
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) {
          this.#failure ??= error;
          return;
        }
        await delayOrAbort(wait);
        wait = Math.min(2 * wait, LONGEST_PAUSE);
      }
    }
  }
}
