import { Deadline } from "../../deadline.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";

/** One attempt to get a lock: how long it may wait, and its seat, if those who wait are counted. */
export class Turn implements Disposable {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  readonly #folder: LockFolder;
  readonly #lock: string;
  readonly #seats: number | undefined;
  readonly #waits: boolean;
  #seat: LockFile | undefined;

  /**
   * @param lock The lock whose waiters are counted.
   * @param seats How many may wait; undefined if they are not counted.
   * @param wait How long it may wait, in milliseconds.
   * @param signal Ends the wait.
   */
  constructor(folder: LockFolder, lock: string, seats: number | undefined, wait: number, signal: AbortSignal) {
    this.#folder = folder;
    this.#lock = lock;
    this.#seats = seats;
    this.#waits = wait > 0;
    this.deadline = new Deadline(wait);
    this.signal = signal;
  }

  /**
   * To be called before it waits.
   *
   * @returns Whether it may, even if the time for it is over by now.
   * @throws {QueueFullError} When too many wait.
   * @throws {LockUnavailableError} When that cannot be told.
   * @throws The signal's reason when it is aborted.
   */
  async mayWait(): Promise<boolean> {
    if (!this.#waits) return false;
    if (this.#seats !== undefined && !this.#seat) {
      const { takeSeat } = await import("./seats.ts");
      this.#seat = await takeSeat(this.#folder, this.#lock, this.#seats, this.signal);
    }
    return true;
  }

  /** Gives the seat up. */
  [Symbol.dispose](): void {
    this.#seat?.close();
  }
}
