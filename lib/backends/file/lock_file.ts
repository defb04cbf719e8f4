import { LockUnavailableError, messageOf } from "../../errors.ts";
import { systemCure } from "../../system/limits.ts";
import type { LockFolder } from "./lock_folder.ts";
import { openPlainFile } from "./open_plain_file.ts";
import { isCode, isSameFile } from "./plain_file.ts";

/** The open file of a lock. It is in the lock folder itself, not behind a link. */
export class LockFile {
  readonly path: string;
  /** The path for a request to release the lock, see `end_request.ts`. */
  readonly endRequest: string;
  readonly #file: Deno.FsFile;
  readonly #info: Deno.FileInfo;
  /** The beginning of every holder's record. */
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
   * Waits for the lock without a limit. The kernel keeps a queue: waiting costs nothing, and a waiter is woken at once.
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

  /** Like {@linkcode tryLock}, but in shared mode, which others may hold at the same time. */
  tryShare(): boolean {
    try {
      return this.#file.tryLockSync(false);
    } catch (error) {
      throw this.#unlockable(error);
    }
  }

  /**
   * Whether nobody holds it in either mode. The test locks it for a moment, so another test at the same time sees it locked.
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
   * Whether the path still leads to the open file, since others lock whatever is at the path.
   *
   * @throws {Error} The system's error, if it cannot be found out.
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

  /** Whether there is a request to release the lock; false if it cannot be found out. */
  async hasEndRequest(): Promise<boolean> {
    return await Deno.lstat(this.endRequest).then(() => true, () => false);
  }

  /**
   * Writes into the file who holds it. This is for people, so errors are ignored: a full disk or a read-only file must not
   * prevent the command. A file with other content is left alone: it is somebody's own file.
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
   * Empties the file if it contains only a holder's record. Call this before anything is read. Returns whether it is empty.
   */
  #makeEmpty(): boolean {
    const bytes = new Uint8Array(this.#begin.length);
    const length = this.#file.readSync(bytes) ?? 0;
    // The previous holder emptied it.
    if (length === 0) return true;
    // A holder that was killed leaves its record, or a part of it.
    if (!this.#begin.startsWith(new TextDecoder().decode(bytes.subarray(0, length)))) return false;
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    return true;
  }

  /** Renews the file's times, so that it is not removed as an old file. Works only for its owner. */
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

/** Returns false if the file no longer exists; throws any other error. */
function isElsewhere(error: unknown): false {
  // On a network file system another machine may have removed the folder.
  if (error instanceof Deno.errors.NotFound || isCode(error, "ESTALE")) return false;
  throw error;
}
