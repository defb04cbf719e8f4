import { aborted, elapsed, firstOf } from "../../waiting.ts";

/**
 * Rings when somebody closes a file that was open for writing; the kernel does that for those who die. It may ring in vain,
 * and it may not ring: on other systems than Linux, on some file systems, for a file that may only be read, or when the user
 * has no inotify instance left. So nobody may depend on it.
 */
export class Bell implements Disposable {
  readonly #watcher: Deno.FsWatcher | undefined;
  #hasRung = false;
  #ring: () => void = () => undefined;

  /** @param path The file. */
  constructor(path: string) {
    if (Deno.build.os !== "linux") return;
    try {
      this.#watcher = Deno.watchFs(path, { recursive: false });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return;
    }
    this.#listen(this.#watcher).catch(() => undefined);
  }

  async #listen(events: AsyncIterable<Deno.FsEvent>): Promise<void> {
    for await (const _ of events) {
      this.#hasRung = true;
      this.#ring();
    }
  }

  /**
   * Waits for a ring since the last call.
   *
   * @param limit Milliseconds.
   * @returns Whether it has rung.
   * @throws The signal's reason when it is aborted.
   */
  async rung(limit: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#hasRung) {
      const over = () => undefined;
      await firstOf<void>(aborted(signal, over), (resolve) => void (this.#ring = resolve), elapsed(limit, over));
    }
    signal.throwIfAborted();
    const hasRung = this.#hasRung;
    this.#hasRung = false;
    return hasRung;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
