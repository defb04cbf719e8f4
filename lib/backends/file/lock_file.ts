import { LockUnavailableError, messageOf } from "../../errors.ts";
import { systemCure } from "../../system/limits.ts";
import type { LockFolder } from "./lock_folder.ts";
import { openPlainFile } from "./open_plain_file.ts";
import { isCode, isSameFile } from "./plain_file.ts";

/** The open file of a lock. It is in the lock folder itself: no link led elsewhere. */
export class LockFile {
  readonly path: string;
  /** Where somebody may leave the request to release the lock, see `end_request.ts`. */
  readonly endRequest: string;
  readonly #file: Deno.FsFile;
  readonly #info: Deno.FileInfo;
  /** How the text about a holder begins. */
  readonly #begin: string;
  #written = false;

  private constructor(path: string, lock: string, file: Deno.FsFile, info: Deno.FileInfo) {
    this.path = path;
    this.endRequest = path.replace(/lock$/, "end");
    this.#file = file;
    this.#info = info;
    this.#begin = `{"lock":"${lock}",`;
  }

  /**
   * Opens the file of a lock, and creates it if it is missing; see {@linkcode openPlainFile}.
   *
   * @param lock The lock's name.
   * @param signal Aborts it.
   * @throws {LockUnavailableError} When it cannot be opened, or must not be used.
   * @throws The signal's reason when it is aborted.
   */
  static async open(folder: LockFolder, lock: string, signal: AbortSignal): Promise<LockFile> {
    const path = `${folder.path}/${lock}.lock`;
    const { file, info } = await openPlainFile(path, folder, signal);
    return new LockFile(path, lock, file, info);
  }

  /**
   * Takes the lock if it is free.
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
   * Waits for the lock without a limit. The kernel has a queue, so a waiter costs nothing, and is woken at once.
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

  /** As {@linkcode tryLock}, but in shared mode: others may hold it so as well. */
  tryShare(): boolean {
    try {
      return this.#file.tryLockSync(false);
    } catch (error) {
      throw this.#unlockable(error);
    }
  }

  /**
   * Whether nobody holds it, in either mode. Who tries it at the same moment finds it locked.
   *
   * @throws {LockUnavailableError} When it cannot be locked.
   */
  isFree(): boolean {
    if (!this.tryLock()) return false;
    this.unlock();
    return true;
  }

  /** Frees the lock, and keeps the file open. */
  unlock(): void {
    try {
      this.#file.unlockSync();
    } catch (error) {
      throw this.#unlockable(error);
    }
  }

  #unlockable(error: unknown): LockUnavailableError {
    const cure = systemCure(error) ?? "its file system may not support locks; use another folder";
    return new LockUnavailableError(`Cannot lock the file: ${this.path}: ${messageOf(error)}`, cure);
  }

  /**
   * Whether the path still leads to the open file: only there do others meet its lock.
   *
   * @throws {Error} The system's, if it cannot be told.
   */
  isInPlace(): boolean {
    try {
      return isSameFile(Deno.lstatSync(this.path), this.#info);
    } catch (error) {
      return isElsewhere(error);
    }
  }

  /** Like {@linkcode isInPlace}, but a file system that does not answer does not block anything else. */
  async isStillInPlace(): Promise<boolean> {
    try {
      return isSameFile(await Deno.lstat(this.path), this.#info);
    } catch (error) {
      return isElsewhere(error);
    }
  }

  /** Whether somebody has left a request there; false if that cannot be told. */
  async hasEndRequest(): Promise<boolean> {
    return await Deno.lstat(this.endRequest).then(() => true, () => false);
  }

  /**
   * Writes into the file who holds it. This is for people, so errors are ignored: a full disk, or a file that this user
   * may only read, must not prevent the command. A file with other content is left as it is: it is somebody's own file.
   */
  writeHolder(text: string): void {
    try {
      if (!this.#written && !this.#makeEmpty()) return;
      this.#written = true;
      this.#file.writeSync(new TextEncoder().encode(text));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  /**
   * Empties the file if it holds only a holder's text. To be called before anything is read. Returns whether it is
   * empty.
   */
  #makeEmpty(): boolean {
    const bytes = new Uint8Array(this.#begin.length);
    const length = this.#file.readSync(bytes) ?? 0;
    // The last holder has emptied it.
    if (length === 0) return true;
    // A holder that was killed leaves its text, or a part of it.
    if (!this.#begin.startsWith(new TextDecoder().decode(bytes.subarray(0, length)))) return false;
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    return true;
  }

  /** Renews the file's times, so that it is not removed as an old file. Only its owner can. */
  touch(): void {
    try {
      const now = new Date();
      this.#file.utimeSync(now, now);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  /** Frees the lock. If unlocking fails, closing the file frees it too. */
  close(): void {
    try {
      if (this.#written) this.#file.truncateSync(0);
      this.#file.unlockSync();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    this.#file.close();
  }
}

/** False if the file does not exist any more; throws any other error. */
function isElsewhere(error: unknown): false {
  // On a network file system another machine may have removed the folder.
  if (error instanceof Deno.errors.NotFound || isCode(error, "ESTALE")) return false;
  throw error;
}
