/**
 * Deno runs operations that may block, such as writing to a pipe, in threads that it starts on demand. If it cannot start
 * one (RLIMIT_NPROC), it aborts the whole process. So sera keeps one thread alive while a command runs.
 */

/** How often the thread is used, in milliseconds: an idle one ends after 10 s. */
const INTERVAL = 4000;

/** Keeps one of Deno's threads alive until it is disposed of. */
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

/** Uses a thread, as cheaply as possible. */
function use(): void {
  Deno.lstat("/").catch(() => undefined);
}
