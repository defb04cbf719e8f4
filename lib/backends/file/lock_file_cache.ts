import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { isInPlace } from "./take.ts";

/** Keeps the files of a lock open while they are tried repeatedly. Disposing of it closes them. */
export class LockFileCache implements Disposable {
  readonly #folder: LockFolder;
  readonly #files = new Map<string, LockFile>();

  constructor(folder: LockFolder) {
    this.#folder = folder;
  }

  /**
   * Opens the file of that name, or returns the open one if it is still in place.
   *
   * @throws {LockUnavailableError} When it cannot be used.
   * @throws The signal's reason when it is aborted.
   */
  async open(name: string, signal: AbortSignal): Promise<LockFile> {
    const known = this.#files.get(name);
    if (known) {
      if (isInPlace(known)) return known;
      this.#files.delete(name);
      known.close();
    }
    const file = await LockFile.open(this.#folder, name, signal);
    this.#files.set(name, file);
    return file;
  }

  /** Drops these files from the cache, so that they stay open. */
  keep(files: readonly LockFile[]): void {
    for (const [name, file] of this.#files) {
      if (files.includes(file)) this.#files.delete(name);
    }
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
