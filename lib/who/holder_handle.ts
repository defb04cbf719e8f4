import type { Trouble } from "../errors.ts";

/**
 * The handle on one holder of a lock that was seen, to end it. Nothing that is done through it concerns whoever holds the
 * lock next: each call compares, in the act itself, what tells the one from the other.
 */
export interface HolderHandle extends AsyncDisposable {
  /** Why the holder cannot be asked to end; undefined if it can, or may. */
  readonly unaskable: string | undefined;
  /** How soon a holder that lives notices that it is asked, in milliseconds. */
  readonly noticedWithin: number;

  /**
   * Whether it still holds the lock.
   *
   * @throws {LockUnavailableError} When that cannot be told.
   */
  holds(signal: AbortSignal): Promise<boolean>;

  /**
   * Asks the holder's sera to stop its command and to release the lock; it sees that with its next renewal. The request
   * stands until the handle is disposed of. May be repeated, and has to be: somebody else who asked may have taken the request
   * back.
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
  /** What could not be done besides. */
  readonly incomplete?: Trouble | undefined;
}
