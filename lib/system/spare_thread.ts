/**
 * The runtime does what may take long, such as to write to a pipe that is full, in threads beside, which it starts when
 * they are needed. Where none can be started (RLIMIT_NPROC) it ends the whole process. So while a command runs one is
 * there all the time.
 */

/** A thread that has nothing to do ends after 10 s; so often it gets something, in milliseconds. */
const INTERVAL = 4000;

/** Keeps a thread of the runtime's, from now on until it is disposed of. */
export class SpareThread implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    use();
    this.#timer = setInterval(use, INTERVAL);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** The least that takes a thread. */
function use(): void {
  Deno.lstat("/").catch(() => undefined);
}
