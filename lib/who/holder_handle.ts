import type { Trouble } from "../errors.ts";

/**
 * A handle on one holder of a lock, to end it. It never affects the next holder: each call checks, in the same atomic step,
 * that the holder is still the same one.
 */
export interface HolderHandle extends AsyncDisposable {
  /** Why the holder cannot be asked to end; undefined if it can, or if that is not known. */
  readonly unaskable: string | undefined;
  /** How soon a live holder notices a request, in milliseconds. */
  readonly noticedWithin: number;

  /**
   * Whether it still holds the lock.
   *
   * @throws {LockUnavailableError} When that cannot be told.
   */
  holds(signal: AbortSignal): Promise<boolean>;

  /**
   * Asks the holder's sera to stop its command and to release the lock; it sees that with its next renewal. The request
   * stands until the handle is disposed of. To be repeated, since somebody else who asked may have withdrawn the request.
   *
   * @throws {LockUnavailableError} When the request cannot be left.
   */
  ask(signal: AbortSignal): Promise<void>;

  /**
   * Takes the lock from the holder, which is not asked: ends its session, its lease, or its process.
   *
   * @returns Undefined if it did not hold the lock any more; then nothing was done.
   * @throws {LockUnavailableError} When that is not allowed; its cure names the privilege that is missing.
   */
  force(signal: AbortSignal): Promise<ForcedRelease | undefined>;
}

/** A lock that was taken from its holder. */
export interface ForcedRelease {
  /** How long the holder's command may still run, in milliseconds; undefined if nothing is known about that. */
  readonly mayRun?: number | undefined;
  /** What failed besides; the lock is free all the same. */
  readonly incomplete?: Trouble | undefined;
}
