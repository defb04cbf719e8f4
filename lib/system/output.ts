import { delayOrAbort, within } from "../waiting.ts";

/** The first and the longest pause before writing again to a full non-blocking pipe, in milliseconds. */
const FIRST_PAUSE = 5;
const MAX_PAUSE = 100;

/** How long a text waits for earlier texts on the other stream, in milliseconds. */
const MAX_TURN_WAIT = 1000;

/** How many texts can wait for a reader. Further ones are lost, so that a stuck reader cannot use up the memory. */
const MAX_WAITING = 1000;

/** Something that can be written to. */
export type Stream = Pick<typeof Deno.stdout, "write">;

/**
 * Writes texts to a stream, one after the other, in the background. Output must never affect the command: a reader that
 * does not read delays neither signals nor the lock, and a closed pipe or a full disk loses the text, not the run.
 */
export class Output {
  readonly #stream: Stream;
  #count = 0;
  #written: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Whether all texts are written, or lost. */
  get isDone(): boolean {
    return this.#count === 0;
  }

  /** Why the first lost text could not be written; undefined if none was lost. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when all texts put so far are written, or lost. */
  get written(): Promise<void> {
    return this.#written;
  }

  /**
   * Adds a text to the queue.
   *
   * @param other The other stream. Texts already in its queue are written first, if its reader reads: both streams may lead
   * to the same place.
   */
  put(text: string, other: Output): void {
    if (this.#count === MAX_WAITING) return;
    this.#count++;
    const turn = other.#count === 0 ? undefined : within(MAX_TURN_WAIT, other.written);
    this.#written = this.#written.then(() => turn).then(() => this.#write(new TextEncoder().encode(text)))
      .finally(() => this.#count--);
  }

  async #write(rest: Uint8Array): Promise<void> {
    let wait = FIRST_PAUSE;
    while (rest.length > 0) {
      try {
        // Not writeSync: a full blocking pipe would stop the whole process.
        rest = rest.subarray(await this.#stream.write(rest));
        wait = FIRST_PAUSE;
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) {
          this.#failure ??= error;
          return;
        }
        await delayOrAbort(wait);
        wait = Math.min(2 * wait, MAX_PAUSE);
      }
    }
  }
}
