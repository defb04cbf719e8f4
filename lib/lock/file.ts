import { delayOrAbort } from "../deadline.ts";
import { LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import type { Backend, HeldLock } from "./lock.ts";
import type { Presence } from "./presence.ts";

/**
 * Locks with the operating system (flock(2), on Windows LockFileEx), on the file `NAME.lock` in a folder: for one
 * machine, with no server. The kernel frees the lock when the process ends, however it ends, and flock(1) on the same
 * path takes part.
 *
 * The files stay: removing one would let a waiter lock the removed file while a newcomer locks its successor.
 */
export class FileBackend implements Backend {
  readonly #path: string;
  readonly #presence: Presence;
  #held: HeldFileLock | undefined;

  /**
   * @param folder An existing folder, see `prepareLockFolder`.
   * @param presence Who asks, and for which lock.
   */
  constructor(folder: string, presence: Presence) {
    this.#path = `${folder}/${presence.lock}.lock`;
    this.#presence = presence;
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    for (;;) {
      const file = await this.#lock(wait, signal);
      if (!file) return undefined;
      if (isAt(this.#path, file)) {
        // The last part tells those who look twice whether it is still the same.
        inscribe(file, JSON.stringify({ ...this.#presence, since: Date.now(), hold: crypto.randomUUID() }));
        return this.#held = new HeldFileLock(this.#path, file);
      }
      // Somebody removed the file while we waited for it: what we hold is a lock that nobody else will meet.
      file.close();
    }
  }

  async #lock(wait: number, signal: AbortSignal): Promise<Deno.FsFile | undefined> {
    signal.throwIfAborted();
    const file = this.#open();
    try {
      if (file.tryLockSync(true)) return file;
    } catch (error) {
      file.close();
      throw new LockUnavailableError(
        `Cannot lock the file: ${this.#path}: ${
          messageOf(error)
        }; its file system may keep no locks, use another folder`,
      );
    }
    if (wait === 0) {
      file.close();
      return undefined;
    }

    // The kernel queues us, so that a waiter costs nothing and is woken at once. There is no calling such a wait off:
    // one that is given up is freed as soon as it is granted, or with the process.
    let givenUp = false;
    const granted = file.lock(true).then(() => {
      if (givenUp) file.close();
      return true;
    });
    const timer = new AbortController();
    const waited = delayOrAbort(wait, AbortSignal.any([signal, timer.signal])).then(() => false);
    if (await Promise.race([granted, waited])) {
      timer.abort();
      return file;
    }
    givenUp = true;
    granted.catch(() => file.close());
    signal.throwIfAborted();
    return undefined;
  }

  #open(): Deno.FsFile {
    try {
      // Readable by the group for folders that a group shares; whoever can open the file can hold the lock.
      return Deno.openSync(this.#path, { read: true, write: true, create: true, mode: 0o660 });
    } catch (error) {
      throw new LockUnavailableError(
        `Cannot open the lock file: ${this.#path}: ${messageOf(error)}; mend that, or use ` +
          "--server file:/some/dir",
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#held?.free();
    return Promise.resolve();
  }
}

class HeldFileLock implements HeldLock {
  /** Never fires: only the end of the process takes a flock away. */
  readonly lost = new AbortController().signal;
  readonly session = undefined;
  readonly left = Infinity;
  onRenewed = undefined;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #freed = false;

  constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  async confirm(): Promise<void> {
    // The file may be gone, but then so is the way to the lock for others, and release() says so.
  }

  release(): Promise<void> {
    if (this.#freed) return Promise.reject(new LockLostError(`The lock was given back before: ${this.#path}`));
    const kept = isAt(this.#path, this.#file);
    this.free();
    if (kept) return Promise.resolve();
    return Promise.reject(new LockLostError(`The lock file was removed while it was held: ${this.#path}`));
  }

  /** Gives the lock back without a look at it. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    inscribe(this.#file, "");
    this.#file.unlockSync();
    this.#file.close();
  }
}

/** Puts into the lock's file who holds it. That is for people: a full disk must not keep the command from running. */
function inscribe(file: Deno.FsFile, text: string): void {
  try {
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** Whether the path still leads to the open file. */
function isAt(path: string, file: Deno.FsFile): boolean {
  const open = file.statSync();
  try {
    const found = Deno.statSync(path);
    return found.ino === open.ino && found.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
