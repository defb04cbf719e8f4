import { Deadline } from "../../deadline.ts";
import type { LockFile } from "./lock_file.ts";
import type { LockFolder } from "./lock_folder.ts";

/** One attempt to get a lock: how long it may wait, and its seat if the number of waiters is limited. */
export class Attempt implements Disposable {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  readonly #folder: LockFolder;
  readonly #lock: string;
  readonly #seats: number | undefined;
  readonly #waits: boolean;
  #seat: LockFile | undefined;

  /**
   * @param lock The lock whose waiters are counted.
   * @param seats How many may wait; undefined if there is no limit.
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
   * Call this before waiting. Takes a seat if the number of waiters is limited.
   *
   * @returns Whether this attempt may wait at all, even if its time is up by now.
   * @throws {QueueFullError} When the limit of waiters is reached.
   * @throws {LockUnavailableError} When it cannot be found out.
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
