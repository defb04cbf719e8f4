import { OtherSlotsError } from "../../errors.ts";
import { slotName } from "../../lock/slot_name.ts";
import { numberInUse, untilConsistent } from "./slot_agreement.ts";
import { enterGate } from "./gate.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { countMarkerName, gateName, markerName } from "./names.ts";
import { LockFileCache } from "./lock_file_cache.ts";
import { isInPlace } from "./take.ts";

/** How many slots to try first, before opening the files of all. */
const FIRST = 4;

/** A slot that is held. */
export interface HeldSlot {
  readonly slot: number;
  /** The slot's file. */
  readonly file: LockFile;
  /**
   * The markers that go with it, to be freed after it in this order: that of the number, then that of the lock. If it were
   * the other way round, in between somebody with another number could enter, and somebody with this number beside it.
   */
  readonly markers: readonly LockFile[];
}

/** Tries to take a slot of one lock. Disposing of it closes the files, except those of a slot that was kept. */
export class Slots implements Disposable {
  readonly #folder: LockFolder;
  readonly #lock: string;
  readonly #count: number;
  readonly #files: LockFileCache;
  /** How many to try at first. */
  #first: number;

  constructor(folder: LockFolder, lock: string, count: number) {
    this.#folder = folder;
    this.#lock = lock;
    this.#count = count;
    this.#files = new LockFileCache(folder);
    this.#first = Math.min(FIRST, count);
  }

  /** The path of a file that each holder closes after it has freed its slot, however it ends. */
  get watchedPath(): string {
    return `${this.#folder.path}/${countMarkerName(this.#lock, this.#count)}.lock`;
  }

  /**
   * Takes a slot if one is free.
   *
   * @returns Undefined if all are held.
   * @throws {OtherSlotsError} When others hold the lock with another number of slots.
   * @throws {LockUnavailableError} When they cannot be tried.
   * @throws The signal's reason when it is aborted.
   */
  async tryAll(signal: AbortSignal): Promise<HeldSlot | undefined> {
    const found = await untilConsistent(this.#folder, this.#lock, signal, async (isLast) => {
      const found = await this.#tryFirst(this.#first, isLast, signal);
      if (found !== "busy" || this.#first === this.#count) return found;
      this.#first = this.#count;
      return await this.#tryFirst(this.#count, isLast, signal);
    });
    return found === "busy" ? undefined : found;
  }

  /** Tries this many slots; undefined if the state is inconsistent. */
  async #tryFirst(count: number, isLast: boolean, signal: AbortSignal): Promise<HeldSlot | "busy" | undefined> {
    // Before entering the gate, since opening files takes longer than locking them. In this order, see `markers`: Linux frees
    // the locks of a process that dies from the highest file number to the lowest (task_work_run() runs the last work first).
    const marker = await this.#files.open(markerName(this.#lock), signal);
    const own = await this.#files.open(countMarkerName(this.#lock, this.#count), signal);
    const slots: LockFile[] = [];
    while (slots.length < count) {
      slots.push(await this.#files.open(slotName(this.#lock, slots.length), signal));
    }
    using _gate = await enterGate(this.#folder, gateName(this.#lock), signal);
    const isOurs = !own.isFree();
    if (!isOurs && !marker.isFree()) {
      const number = await numberInUse(this.#folder, this.#lock, signal);
      if (number === undefined || number === this.#count) return undefined;
      throw new OtherSlotsError(number, this.#count);
    }
    let isShared = false;
    for (const [slot, file] of slots.entries()) {
      const state = tryLock(file);
      if (state === "held") return hold(slot, file);
      isShared ||= state === "shared";
      if (slot > 0 || isOurs) continue;
      // Slot 0 is held, but no marker is: its holder does not use slots.
      if (isLast) throw new OtherSlotsError(1, this.#count);
      return undefined;
    }
    return isShared && !isLast ? undefined : "busy";

    function hold(slot: number, file: LockFile): HeldSlot | undefined {
      if (marker.tryShare() && own.tryShare() && [file, marker, own].every(isInPlace)) {
        return { slot, file, markers: [own, marker] };
      }
      // One of the files was removed or locked.
      for (const one of [file, own, marker]) one.unlock();
      return undefined;
    }
  }

  /** Leaves the files of a slot open when this is disposed of. */
  keep({ file, markers }: HeldSlot): void {
    this.#files.keep([file, ...markers]);
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/** Locks a slot if it is free; `shared` if perhaps an observer is only testing it, where the kernel lists no locks. */
function tryLock(file: LockFile): "held" | "shared" | "busy" {
  if (file.tryLock()) return "held";
  if (!file.tryShare()) return "busy";
  file.unlock();
  return file.tryLock() ? "held" : "shared";
}
