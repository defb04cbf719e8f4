import type { Deadline } from "../deadline.ts";
import { delayOrAbort, firstOf, onAbort, settled } from "../waiting.ts";
import { LockUnavailableError, troubleOf } from "../errors.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";

/** Pauses before another try, in milliseconds: the first one, and the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/** How long something is tried. */
export interface Persistence {
  readonly deadline: Deadline;
  /** Fires at a signal that ends the tries. */
  readonly signal: AbortSignal;
  /** Whether an error may pass. */
  readonly mayPass: (error: LockUnavailableError) => boolean;
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
}

/**
 * Tries again what has failed in the session that holds a lock, as long as it still holds it. The lock's heartbeat goes on
 * meanwhile.
 *
 * @throws {LockUnavailableError} What the last try has failed with; whether the lock is lost, its signal tells.
 */
export async function whileHeld<T>(
  lock: HeldLock,
  { deadline, signal, mayPass, retrying }: Persistence,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await unlessLost(lock, attempt);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      if (signal.aborted || lock.lost.aborted || deadline.passed || !mayPass(error)) throw error;
      retrying(error);
      await delayOrAbort(Math.min(pause * (0.5 + Math.random()), deadline.remaining), signal, lock.lost);
      if (signal.aborted || !await isHeld(lock)) throw error;
    }
  }
}

/** A server that does not answer any more is waited for no longer than the lock is held. */
async function unlessLost<T>({ lost }: HeldLock, attempt: () => Promise<T>): Promise<T> {
  return await firstOf(settled(attempt()), (_, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onAbort(lost, () => {
      const { what, cure } = troubleOf(lost.reason);
      // The session's own error is reported to the statement first, and says more.
      timer = setTimeout(() => reject(new LockUnavailableError(what, cure, { transient: true })));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  });
}
