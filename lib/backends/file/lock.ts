import type { HeldLock } from "../../lock/lock.ts";
import type { Presence } from "../../lock/presence.ts";
import { slotName } from "../../lock/slot_name.ts";
import type { Seen } from "../../who/sighting.ts";
import type { BackendLock, LockOptions } from "../backend.ts";
import { HeldFileLock } from "./held_lock.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { takePlain } from "./plain_lock.ts";
import type { HeldSlot } from "./slots.ts";
import { isInPlace, removedAgain } from "./take.ts";
import { Turn } from "./turn.ts";

/** How often to start again because somebody removed one of several files. */
const TRIES = 100;

/** The options of a lock in files. */
export type FileLockOptions = Pick<LockOptions, "lease" | "slots" | "also" | "maxWaiters">;

/** The locked files of a lock. */
interface Taken {
  readonly plain: LockFile[];
  slot?: HeldSlot | undefined;
}

/**
 * A lock of the operating system (flock(2), on Windows LockFileEx) on the file `NAME.lock` in a folder: for one
 * machine, without a server. The kernel frees it when the process ends in any way. flock(1) on the same path takes
 * part. Each further slot of a lock is such a file, too.
 *
 * The files are never removed: a waiter would lock the removed file while a newcomer locks a new one.
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
    // While it waits for one of several locks it may hold others.
    return { sightings: seen.filter((one) => one.pid !== Deno.pid || one.host !== host), otherSessions: [] };
  }

  async acquire(wait: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    // If it was lost, it would keep the new one out.
    this.#held?.free();
    const { lease, maxWaiters } = this.#options;
    const ended = AbortSignal.any([signal, this.#closed.signal]);
    using turn = new Turn(this.#folder, this.#presence.lock, maxWaiters, wait, ended);
    for (let tries = 0; tries < TRIES; tries++) {
      // By `hold`, those who look twice can tell whether it is still the same hold.
      const hold = crypto.randomUUID();
      const taken: Taken = { plain: [] };
      let isHeld = false;
      try {
        if (!await this.#takeAll(taken, turn, hold)) return undefined;
        const files = filesOf(taken);
        // While sera waited for one, another may have been removed.
        if (files.length > 1 && !files.every(isInPlace)) continue;
        isHeld = true;
        return this.#held = new HeldFileLock(files, hold, lease, taken.slot?.slot);
      } finally {
        if (!isHeld) { for (const file of filesOf(taken)) file.close(); }
      }
    }
    throw removedAgain(this.#folder);
  }

  /** Takes one lock after the other; those that are taken are in `taken`, whatever happens. */
  async #takeAll(taken: Taken, turn: Turn, hold: string): Promise<boolean> {
    for (const lock of this.#plain) {
      const file = await takePlain(this.#folder, lock, turn);
      if (!file) return false;
      taken.plain.push(file);
      this.#write(file, { lock }, hold);
    }
    const { slots } = this.#options;
    if (slots === undefined) return true;
    const { takeSlot } = await import("./take_slot.ts");
    const { lock } = this.#presence;
    const held = taken.slot = await takeSlot(this.#folder, lock, slots, turn);
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

/** In the order in which they are freed: the marks show until the slot is free. */
function filesOf({ plain, slot }: Taken): LockFile[] {
  return slot ? [slot.file, ...plain, ...slot.marks] : plain;
}
