import { LockLostError } from "../errors.ts";

/**
 * One lock of a backend. This layer knows nothing of commands; the layers above it know nothing of databases.
 *
 * An attempt ends in one of three ways: held, busy (undefined), or it throws.
 */
export interface Lock extends AsyncDisposable {
  /**
   * Asks for the lock.
   *
   * @param wait How long to wait for another holder, in milliseconds: 0 tries once, `Infinity` waits forever. The time it
   * takes to reach the server does not count.
   * @param signal Ends the wait; no waiter is left on the server.
   * @param patience How long to retry after a transient error, in milliseconds; by default as long as `wait`.
   * @returns The held lock, or undefined when somebody else held it for the whole wait.
   * @throws {LockUnavailableError} When the lock cannot be asked for.
   * @throws {OtherSlotsError} When its holders use another number of slots.
   * @throws {QueueFullError} When it is busy, and the limit of waiters is reached.
   * @throws {ReplacedError} When it was to replace the holder, and a later run is doing that now.
   * @throws The signal's reason when it is aborted.
   */
  acquire(wait: number, signal: AbortSignal, patience?: number): Promise<HeldLock | undefined>;

  /**
   * The session in which the lock is asked for, opened if need be; undefined for a backend without a server.
   *
   * @throws {LockUnavailableError} When the server cannot be reached, refuses, or is unsuitable.
   */
  session(signal: AbortSignal): Promise<LockSession | undefined>;

  /** Closes whatever is still open. Never waits for a server that does not answer. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The session in which a lock is asked for, and with which it ends. Each backend knows its real type. */
export interface LockSession {
  /** The server, for messages. */
  readonly where: string;
  /** The server's number for the session; undefined if not known. */
  readonly number: number | undefined;
  /** Identifies the server, whatever address was used to reach it; undefined if not known. */
  readonly serverMark: string | undefined;
  /** Fires once when the session has ended for any reason; the reason is an Error. */
  readonly closed: AbortSignal;
  /** Ends the session at once; the server then frees the lock, or drops the request for it. */
  destroy(): void;
}

/** A lock that is held. */
export interface HeldLock {
  /**
   * Fires once when the lock is no longer held, unless {@linkcode release} was called. Its reason is a `LockLostError`.
   */
  readonly lost: AbortSignal;

  /** Fires once when somebody has asked for the release of the lock, see `HolderHandle`. Its reason is an `AskedToEndError`. */
  readonly asked: AbortSignal;

  /** The session that holds it, for statements that need the lock; undefined for a backend without a server. */
  readonly session: LockSession | undefined;

  /** The fencing token, which grows with each holder; that of the slot if there are slots. Undefined if there is none. */
  readonly token?: bigint | undefined;

  /** The slot that is held, counted from 0; undefined for a plain lock. */
  readonly slot?: number | undefined;

  /** The fencing tokens of the locks that are held together with it, in their order; undefined if there are none. */
  readonly alsoTokens?: readonly bigint[] | undefined;

  /**
   * Milliseconds until the fence: by then the command must have ended, unless the lock is renewed before; `Infinity` if
   * the lock lasts as long as this process.
   */
  readonly left: number;

  /** Called after each renewal, when there is more time {@linkcode left}. */
  onRenewed: (() => void) | undefined;

  /**
   * Call this before the command is started. Until then, disposing of the {@linkcode Lock} frees it even if it outlives
   * its session. Absent if it never does.
   */
  commandStarts?(): void;

  /**
   * Call this when the command has ended: from then on renewals may take longer, since there is nothing left to stop. A
   * backend that can check the lock locally does so at once, and {@linkcode lost} may fire.
   */
  commandEnded(): void;

  /** Whether the lock is known to have been held until the command ended, so that nobody else ran it at the same time. */
  readonly heldToEnd: boolean;

  /**
   * Makes sure that the lock is still held. Asks the server only if the last renewal is too old, or came before the
   * command's end.
   *
   * @throws {LockLostError} When it is not; then {@linkcode lost} has fired.
   */
  confirm(): Promise<void>;

  /**
   * Releases the lock, and makes sure that it was still ours.
   *
   * @throws {UnreleasedError} When the backend refuses to release it.
   * @throws {LockLostError} When the lock was no longer held.
   */
  release(): Promise<void>;
}

/** A lock could not be released; it is freed when the session ends. */
export class UnreleasedError extends LockLostError {}

/** Whether a lock is still held, according to {@linkcode HeldLock.confirm}. */
export async function isHeld(lock: HeldLock): Promise<boolean> {
  try {
    await lock.confirm();
    return true;
  } catch (error) {
    if (error instanceof LockLostError) return false;
    throw error;
  }
}
