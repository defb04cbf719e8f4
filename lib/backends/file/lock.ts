import { Deadline } from "../../deadline.ts";
import { aborted, elapsed, firstOf, settled } from "../../waiting.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { HeldFileLock } from "./held_lock.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { BackendLock } from "../backend.ts";
import type { Seen } from "../../who/sighting.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import type { Presence } from "../../lock/presence.ts";

/** How often to start again because somebody removed the file. */
const TRIES = 1000;

/**
 * A lock of the operating system (flock(2), on Windows LockFileEx) on the file `NAME.lock` in a folder: for one
 * machine, without a server. The kernel frees it when the process ends in any way. flock(1) on the same path takes
 * part.
 *
 * The files are never removed: a waiter would lock the removed file while a newcomer locks a new one.
 */
export class FileLock implements BackendLock {
  readonly #folder: LockFolder;
  readonly #presence: Presence;
  readonly #lease: LeaseTerms;
  #held: HeldFileLock | undefined;

  /**
   * @param folder From `prepareLockFolder`.
   * @param presence Who asks, and for which lock.
   * @param lease How often to check that the file is still in place.
   */
  constructor(folder: LockFolder, presence: Presence, lease: LeaseTerms) {
    this.#folder = folder;
    this.#presence = presence;
    this.#lease = lease;
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async sightings(): Promise<Seen> {
    const { lookAtFiles } = await import("./sightings.ts");
    return { sightings: lookAtFiles(this.#folder.path, { lock: this.#presence.lock }), strangers: [] };
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    // If it was lost, it would keep the new one out.
    this.#held?.free();
    const deadline = new Deadline(wait);
    for (let tries = 0; tries < TRIES; tries++) {
      signal.throwIfAborted();
      const file = await LockFile.open(this.#folder, this.#presence.lock, signal);
      const turn = await take(file, deadline.remaining, signal);
      if (turn === "busy") return undefined;
      if (turn === "gone") continue;
      // By `hold`, those who look twice can tell whether it is still the same hold.
      const hold = crypto.randomUUID();
      file.writeHolder(JSON.stringify({ ...this.#presence, since: Date.now(), hold }));
      return this.#held = new HeldFileLock(file, hold, this.#lease);
    }
    throw new LockUnavailableError(
      `Cannot keep a lock in ${this.#folder.path}: something keeps removing its file`,
      "find out what does that",
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#held?.free();
    return Promise.resolve();
  }
}

/**
 * Locks a file, or closes it.
 *
 * @returns `gone` if somebody removed it during the wait: nobody else will meet a lock on the removed file.
 */
async function take(file: LockFile, wait: number, signal: AbortSignal): Promise<"held" | "busy" | "gone"> {
  let givenUp = false;
  try {
    if (!file.tryLock() && !await granted()) return "busy";
    if (isInPlace(file)) return "held";
    file.close();
    return "gone";
  } catch (error) {
    if (!givenUp) file.close();
    throw error;
  }

  async function granted(): Promise<boolean> {
    if (wait === 0) {
      file.close();
      return false;
    }
    // The wait cannot be cancelled. If it is given up, the lock is freed as soon as it is granted, or when the process ends.
    const granted = file.lock().then(() => true);
    const isGranted = await firstOf(settled(granted), aborted(signal, () => false), elapsed(wait, () => false));
    if (isGranted) return true;
    givenUp = true;
    const close = () => file.close();
    granted.then(close, close);
    signal.throwIfAborted();
    return false;
  }
}

function isInPlace(file: LockFile): boolean {
  try {
    return file.isInPlace();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new LockUnavailableError(
      `Cannot look at the lock file: ${file.path}: ${messageOf(error)}`,
      "check its folder",
    );
  }
}
