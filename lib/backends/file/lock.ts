import { Deadline } from "../../deadline.ts";
import { aborted, elapsed, firstOf, settled } from "../../waiting.ts";
import { LockUnavailableError, messageOf } from "../../errors.ts";
import { HeldFileLock } from "./file_lock.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import type { HeldLock } from "../../lock/lock.ts";
import type { BackendLock } from "../backend.ts";
import type { Seen } from "../../who/sighting.ts";
import { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import type { Presence } from "../../lock/presence.ts";

/** How often to begin anew when the file that was waited for is another one by then. */
const TRIES = 1000;

/**
 * Locks with the operating system (flock(2), on Windows LockFileEx), on the file `NAME.lock` in a folder: for one
 * machine, with no server. The kernel frees the lock when the process ends, however it ends, and flock(1) on the same
 * path takes part.
 *
 * The files stay: removing one would let a waiter lock the removed file while a newcomer locks its successor.
 */
export class FileLock implements BackendLock {
  readonly #folder: LockFolder;
  readonly #presence: Presence;
  readonly #lease: LeaseTerms;
  #held: HeldFileLock | undefined;

  /**
   * @param folder What `prepareLockFolder` gives.
   * @param presence Who asks, and for which lock.
   * @param lease How often to look whether the file is still there.
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
    // One that was lost would keep its successor out.
    this.#held?.free();
    const deadline = new Deadline(wait);
    for (let tries = 0; tries < TRIES; tries++) {
      signal.throwIfAborted();
      const file = await LockFile.open(this.#folder, this.#presence.lock, signal);
      const turn = await take(file, deadline.remaining, signal);
      if (turn === "busy") return undefined;
      if (turn === "gone") continue;
      // The last part tells those who look twice whether it is still the same.
      file.inscribe(JSON.stringify({ ...this.#presence, since: Date.now(), hold: crypto.randomUUID() }));
      return this.#held = new HeldFileLock(file, this.#lease);
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
 * Locks a file, unless it is closed thereafter.
 *
 * @returns `gone` when somebody removed it while we waited for it: its lock is one that nobody else will meet.
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
    // There is no calling such a wait off: one that is given up is freed as soon as it is granted, or with the process.
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
