import { LockLostError } from "../errors.ts";

/**
 * One lock of a backend, which can be asked for. It knows no command; what is above it knows no database.
 *
 * An attempt ends in one of three ways: held, busy (undefined), or it throws.
 */
export interface Lock extends AsyncDisposable {
  /**
   * Asks for the lock.
   *
   * @param wait How long to wait for another holder, in milliseconds: 0 tries once, `Infinity` waits for ever. The time
   * needed to reach the server does not count.
   * @param signal Abandons the wait; no waiter stays behind.
   * @param patience How long to try again after trouble that may pass, in milliseconds; the wait if it is not given.
   * @returns The held lock, or undefined when somebody else held it for the whole wait.
   * @throws {LockUnavailableError} When the lock cannot be asked for.
   * @throws The signal's reason when it is aborted.
   */
  acquire(wait: number, signal: AbortSignal, patience?: number): Promise<HeldLock | undefined>;

  /**
   * The session that the lock is asked for in, opened if there is none; undefined where locks need no server.
   *
   * @throws {LockUnavailableError} When the server cannot be reached, refuses, or is unsuitable.
   */
  session(signal: AbortSignal): Promise<LockSession | undefined>;

  /** Frees whatever it still keeps open. Never waits for a server that does not answer. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The session that a lock is asked for in, and ends with. Who has to speak in it knows what kind it is. */
export interface LockSession {
  /** Where it leads, for messages. */
  readonly where: string;
  /** What the server calls it; undefined where that is not known. */
  readonly number: number | undefined;
  /** What tells the server from others, wherever it is asked from; undefined where that is not known. */
  readonly serverMark: string | undefined;
  /** Fires once when it has ended for any reason; the reason is an Error. */
  readonly closed: AbortSignal;
  /** Ends it at once; the server notices and takes back what was asked for. */
  destroy(): void;
}

/** A lock that is held. */
export interface HeldLock {
  /** Fires once when the lock is no longer held, other than by {@linkcode release}. Its reason is a `LockLostError`. */
  readonly lost: AbortSignal;

  /** The session that holds it, for statements that belong under the lock; undefined where locks need no server. */
  readonly session: LockSession | undefined;

  /**
   * In how many milliseconds everything that needs the lock must have ended, unless a look shows before that it is still
   * held; `Infinity` where only the end of this process takes it away.
   */
  readonly left: number;

  /** Called after each look that showed the lock to be held, so that there is more time {@linkcode left}. */
  onRenewed: (() => void) | undefined;

  /**
   * Tells that the command has ended: nothing has to be stopped any more before the lease ends, so that a look may be
   * answered later. Where a look takes no time there is one, so that {@linkcode lost} may fire.
   */
  commandEnded(): void;

  /** Whether the lock is known to have been held until the command had ended, so that nobody else ran it meanwhile. */
  readonly heldToEnd: boolean;

  /**
   * Makes sure that the lock is still held, unless that has just been seen, or after the command's end seen since then.
   *
   * @throws {LockLostError} When it is not; then {@linkcode lost} has fired.
   */
  confirm(): Promise<void>;

  /**
   * Gives the lock back, and makes sure that it was still ours to give.
   *
   * @throws {UnreleasedError} When the place does not take it back.
   * @throws {LockLostError} When it turns out that the lock was not held any more.
   */
  release(): Promise<void>;
}

/** A lock could not be given back, and is freed when the session ends. */
export class UnreleasedError extends LockLostError {}

/** Whether a lock is still held, as {@linkcode HeldLock.confirm} has it. */
export async function isHeld(lock: HeldLock): Promise<boolean> {
  try {
    await lock.confirm();
    return true;
  } catch (error) {
    if (error instanceof LockLostError) return false;
    throw error;
  }
}
