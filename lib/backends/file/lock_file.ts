import { LockUnavailableError, messageOf } from "../../errors.ts";
import { systemCure } from "../../system/limits.ts";
import type { LockFolder } from "./lock_folder.ts";
import { openPlainFile } from "./open_plain_file.ts";
import { isCode, isSameFile } from "./plain_file.ts";

/** The open file of a lock, of which it is sure that it lies in the lock folder itself. */
export class LockFile {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #info: Deno.FileInfo;
  /** How the text of a holder begins. */
  readonly #begin: string;
  #inscribed = false;

  private constructor(path: string, lock: string, file: Deno.FsFile, info: Deno.FileInfo) {
    this.path = path;
    this.#file = file;
    this.#info = info;
    this.#begin = `{"lock":"${lock}",`;
  }

  /**
   * Opens a lock's file, and makes it if it is missing; see {@linkcode openPlainFile}.
   *
   * @param lock The lock's name.
   * @param signal Gives it up.
   * @throws {LockUnavailableError} When it cannot be opened, or must not be used.
   * @throws The signal's reason when it is aborted.
   */
  static async open(folder: LockFolder, lock: string, signal: AbortSignal): Promise<LockFile> {
    const path = `${folder.path}/${lock}.lock`;
    const { file, info } = await openPlainFile(path, folder, signal);
    return new LockFile(path, lock, file, info);
  }

  /**
   * Takes the lock if nobody has it.
   *
   * @throws {LockUnavailableError} When it cannot be locked.
   */
  tryLock(): boolean {
    try {
      return this.#file.tryLockSync(true);
    } catch (error) {
      throw this.#unlockable(error);
    }
  }

  /**
   * Waits for the lock, without an end: the kernel queues us, so that a waiter costs nothing and is woken at once.
   *
   * @throws {LockUnavailableError} When it cannot be locked.
   */
  async lock(): Promise<void> {
    try {
      await this.#file.lock(true);
    } catch (error) {
      throw this.#unlockable(error);
    }
  }

  #unlockable(error: unknown): LockUnavailableError {
    const cure = systemCure(error) ?? "its file system may keep no locks, use another folder";
    return new LockUnavailableError(`Cannot lock the file: ${this.path}: ${messageOf(error)}`, cure);
  }

  /**
   * Whether the path still leads to the open file: others meet the lock only there.
   *
   * @throws {Error} The system's, when that cannot be seen.
   */
  isInPlace(): boolean {
    try {
      return isSameFile(Deno.lstatSync(this.path), this.#info);
    } catch (error) {
      return isElsewhere(error);
    }
  }

  /** As {@linkcode isInPlace}, but a file system that does not answer keeps nothing else waiting. */
  async isStillInPlace(): Promise<boolean> {
    try {
      return isSameFile(await Deno.lstat(this.path), this.#info);
    } catch (error) {
      return isElsewhere(error);
    }
  }

  /**
   * Puts into the file who holds it. That is for people: a full disk, or a file that this user may only read, must not keep
   * the command from running. What is no such text stays: the file is somebody's who had it before.
   */
  inscribe(text: string): void {
    try {
      if (!this.#inscribed && !this.#isOurs()) return;
      this.#inscribed = true;
      this.#file.writeSync(new TextEncoder().encode(text));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  /** Makes sure that the file, which nobody has read or written here before, is empty; unless it has another's text. */
  #isOurs(): boolean {
    const bytes = new Uint8Array(this.#begin.length);
    const length = this.#file.readSync(bytes) ?? 0;
    // As the last holder leaves it.
    if (length === 0) return true;
    // A holder that died leaves its text, or a part of it.
    if (!this.#begin.startsWith(new TextDecoder().decode(bytes.subarray(0, length)))) return false;
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    return true;
  }

  /** Keeps those who remove old files from removing this one. Only its owner may. */
  touch(): void {
    try {
      const now = new Date();
      this.#file.utimeSync(now, now);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  /** Frees the lock, whatever has become of the file: closing it does so too. */
  close(): void {
    try {
      if (this.#inscribed) this.#file.truncateSync(0);
      this.#file.unlockSync();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    this.#file.close();
  }
}

/** False when there is no such file any more; throws what else kept it from being seen. */
function isElsewhere(error: unknown): false {
  // On a network file system another machine may have removed the folder.
  if (error instanceof Deno.errors.NotFound || isCode(error, "ESTALE")) return false;
  throw error;
}
