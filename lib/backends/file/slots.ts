import { OtherSlotsError } from "../../errors.ts";
import { slotName } from "../../lock/slot_name.ts";
import { numberInUse, untilClear } from "./agreement.ts";
import { enterGate } from "./gate.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";
import { gateName, marksName, numberName } from "./names.ts";
import { OpenFiles } from "./open_files.ts";
import { isInPlace } from "./take.ts";

/** How many slots are tried first, before the files of all are opened. */
const FIRST = 4;

/** A slot that is held. */
export interface HeldSlot {
  readonly slot: number;
  /** The slot's file. */
  readonly file: LockFile;
  /** The marks that go with it, to be freed after it. */
  readonly marks: readonly LockFile[];
}

/** The slots of one lock, to try them. Disposing of it closes their files, except those of a slot that is held. */
export class Slots implements Disposable {
  readonly #folder: LockFolder;
  readonly #lock: string;
  readonly #count: number;
  readonly #files: OpenFiles;
  /** How many to try at first. */
  #first: number;

  constructor(folder: LockFolder, lock: string, count: number) {
    this.#folder = folder;
    this.#lock = lock;
    this.#count = count;
    this.#files = new OpenFiles(folder);
    this.#first = Math.min(FIRST, count);
  }

  /** The path of a file that each holder closes when its slot is free, however it ends. */
  get bell(): string {
    return `${this.#folder.path}/${numberName(this.#lock, this.#count)}.lock`;
  }

  /**
   * Takes a slot if one is free.
   *
   * @returns Undefined if all are held.
   * @throws {OtherSlotsError} When the lock is held by somebody for whom it has another number of slots.
   * @throws {LockUnavailableError} When they cannot be tried.
   * @throws The signal's reason when it is aborted.
   */
  async tryAll(signal: AbortSignal): Promise<HeldSlot | undefined> {
    const found = await untilClear(this.#folder, this.#lock, signal, async (isLast) => {
      const found = await this.#tryFirst(this.#first, isLast, signal);
      if (found !== "busy" || this.#first === this.#count) return found;
      this.#first = this.#count;
      return await this.#tryFirst(this.#count, isLast, signal);
    });
    return found === "busy" ? undefined : found;
  }

  /** Tries as many slots; undefined if the looks do not fit together. */
  async #tryFirst(count: number, isLast: boolean, signal: AbortSignal): Promise<HeldSlot | "busy" | undefined> {
    // Before the gate: to open files takes longer than to lock them.
    const marks = await this.#files.open(marksName(this.#lock), signal);
    const own = await this.#files.open(numberName(this.#lock, this.#count), signal);
    const slots: LockFile[] = [];
    while (slots.length < count) {
      slots.push(await this.#files.open(slotName(this.#lock, slots.length), signal));
    }
    using _gate = await enterGate(this.#folder, gateName(this.#lock), signal);
    const isOurs = !own.isFree();
    if (!isOurs && !marks.isFree()) {
      const number = await numberInUse(this.#folder, this.#lock, signal);
      if (number === undefined || number === this.#count) return undefined;
      throw new OtherSlotsError(number, this.#count);
    }
    let isShared = false;
    for (const [slot, file] of slots.entries()) {
      const turn = tryLock(file);
      if (turn === "held") return hold(slot, file);
      isShared ||= turn === "shared";
      if (slot > 0 || isOurs) continue;
      // Held without a mark, and nobody else has one: its holder does not use slots.
      if (isLast) throw new OtherSlotsError(1, this.#count);
      return undefined;
    }
    return isShared && !isLast ? undefined : "busy";

    function hold(slot: number, file: LockFile): HeldSlot | undefined {
      if (marks.tryShare() && own.tryShare() && [file, marks, own].every(isInPlace)) {
        return { slot, file, marks: [marks, own] };
      }
      // Somebody has removed or locked one of the files.
      for (const one of [file, marks, own]) one.unlock();
      return undefined;
    }
  }

  /** Leaves the files of a slot open. */
  keep({ file, marks }: HeldSlot): void {
    this.#files.keep([file, ...marks]);
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/** Locks a slot if it is free; `shared` if it is only looked at, perhaps, where the kernel lists no locks. */
function tryLock(file: LockFile): "held" | "shared" | "busy" {
  if (file.tryLock()) return "held";
  if (!file.tryShare()) return "busy";
  file.unlock();
  return file.tryLock() ? "held" : "shared";
}
