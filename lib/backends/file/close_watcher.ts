import { canStartThread } from "../../system/can_start_thread.ts";
import { aborted, elapsed, firstOf } from "../../waiting.ts";

/**
 * Notices when a process closes a file that it had open for writing, or ends. Only a hint: there are false alarms, and none
 * at all on systems other than Linux, on some file systems, for a read-only file, or when the user has used up the inotify
 * instances.
 */
export class CloseWatcher implements Disposable {
  readonly #watcher: Deno.FsWatcher | undefined;
  #hasClosed = false;
  #notify: () => void = () => undefined;

  /** @param path The file. */
  constructor(path: string) {
    // The runtime's watcher needs a thread, and the runtime aborts if there can be none.
    if (Deno.build.os !== "linux" || !canStartThread()) return;
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
      this.#hasClosed = true;
      this.#notify();
    }
  }

  /**
   * Waits until the file was closed since the last call.
   *
   * @param limit Milliseconds.
   * @returns Whether it was closed.
   * @throws The signal's reason when it is aborted.
   */
  async closed(limit: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#hasClosed) {
      const over = () => undefined;
      await firstOf<void>(aborted(signal, over), (resolve) => void (this.#notify = resolve), elapsed(limit, over));
    }
    signal.throwIfAborted();
    const hasClosed = this.#hasClosed;
    this.#hasClosed = false;
    return hasClosed;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
