import type { HeldLock } from "../../lock/lock.ts";
import type { Presence } from "../../lock/presence.ts";
import { slotName } from "../../lock/slot_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { BackendLock, LockOptions } from "../backend.ts";
import { HeldFileLock } from "./held_file_lock.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { takePlain } from "./plain_lock.ts";
import type { HeldSlot } from "./slots.ts";
import { isInPlace, keepsVanishing } from "./take.ts";
import { Attempt } from "./attempt.ts";

/** How often to start again when one of several files is removed. */
const ATTEMPTS = 100;

/** The options of a lock in files. */
export type FileLockOptions = Pick<LockOptions, "lease" | "slots" | "also" | "maxWaiters">;

/** The locked files of a lock. */
interface Taken {
  readonly plain: LockFile[];
  slot?: HeldSlot | undefined;
}

/**
 * A lock of the operating system (flock(2), on Windows LockFileEx) on the file `NAME.lock` in a folder: for one
 * machine, without a server. The kernel frees it however the process ends. flock(1) on the same path uses the same lock.
 * Each further slot of a lock is such a file too.
 *
 * The files are never removed: a waiter would then lock the removed file, and a newcomer a new one.
 */
export class FileLock implements BackendLock {
  readonly #folder: LockFolder;
  readonly #presence: Presence;
  readonly #options: FileLockOptions;
  /** All plain locks, in the order in which everybody asks for them. */
  readonly #plain: readonly string[];
  readonly #closed = new AbortController();
  #held: HeldFileLock | undefined;

  /**
   * @param folder From `prepareLockFolder`.
   * @param presence Who asks, and for which lock.
   * @param options Its lease says how often to check that the files are still in place.
   */
  constructor(folder: LockFolder, presence: Presence, options: FileLockOptions) {
    this.#folder = folder;
    this.#presence = presence;
    this.#options = options;
    const { slots, also = [] } = options;
    this.#plain = [...new Set(slots === undefined ? [presence.lock, ...also] : also)].sort();
  }

  session(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async sightings(): Promise<Seen> {
    const { lookAtFiles } = await import("./sightings.ts");
    const { lock, host } = this.#presence;
    const seen = [...new Set([lock, ...this.#plain])].flatMap((lock) => lookAtFiles(this.#folder.path, { lock }));
    // While this sera waits for one of several locks, it may hold others.
    return { sightings: seen.filter((one) => one.pid !== Deno.pid || one.host !== host), otherSessions: [] };
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    // A lost lock may still be on the old file; it must not exclude the new one.
    this.#held?.free();
    const { lease, maxWaiters } = this.#options;
    const ended = AbortSignal.any([signal, this.#closed.signal]);
    using attempt = new Attempt(this.#folder, this.#presence.lock, maxWaiters, wait, ended);
    for (let tries = 0; tries < ATTEMPTS; tries++) {
      // `hold` identifies this acquisition, so that others can tell whether it is still the same one.
      const hold = crypto.randomUUID();
      const taken: Taken = { plain: [] };
      let isHeld = false;
      try {
        if (!await this.#takeAll(taken, attempt, hold)) return undefined;
        const files = filesOf(taken);
        // While sera waited for one, another may have been removed.
        if (files.length > 1 && !files.every(isInPlace)) continue;
        isHeld = true;
        return this.#held = new HeldFileLock(files, hold, lease, taken.slot?.slot);
      } finally {
        if (!isHeld) { for (const file of filesOf(taken)) file.close(); }
      }
    }
    throw keepsVanishing(this.#folder);
  }

  /** Takes one lock after the other. Those taken are in `taken`, even after an error. */
  async #takeAll(taken: Taken, attempt: Attempt, hold: string): Promise<boolean> {
    for (const lock of this.#plain) {
      const file = await takePlain(this.#folder, lock, attempt);
      if (!file) return false;
      taken.plain.push(file);
      this.#write(file, { lock }, hold);
    }
    const { slots } = this.#options;
    if (slots === undefined) return true;
    const { takeSlot } = await import("./take_slot.ts");
    const { lock } = this.#presence;
    const held = taken.slot = await takeSlot(this.#folder, lock, slots, attempt);
    if (!held) return false;
    this.#write(held.file, { lock: slotName(lock, held.slot), slots }, hold);
    return true;
  }

  #write(file: LockFile, what: Pick<Presence, "lock" | "slots">, hold: string): void {
    file.writeHolder(JSON.stringify({ ...this.#presence, ...what, since: Date.now(), hold }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error("the lock was closed"));
    this.#held?.free();
    return Promise.resolve();
  }
}

/** In the order in which they are freed: the markers must be seen until the slot is free. */
function filesOf({ plain, slot }: Taken): LockFile[] {
  return slot ? [slot.file, ...plain, ...slot.markers] : plain;
}
