import type { Deadline } from "../deadline.ts";
import { delayOrAbort, firstOf, onAbort, settled } from "../waiting.ts";
import { LockUnavailableError, troubleOf } from "../errors.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";

/** The pauses between two attempts, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 100;
const MAX_PAUSE = 2000;

/** How long to go on trying. */
export interface RetryOptions {
  readonly deadline: Deadline;
  /** Ends the attempts when it fires. */
  readonly signal: AbortSignal;
  /** Whether an error may go away by itself. */
  readonly mayPass: (error: LockUnavailableError) => boolean;
  /** Called with the error before each further attempt. */
  readonly retrying: (why: LockUnavailableError) => void;
}

/**
 * Repeats an attempt that fails, as long as the lock is held. The lock is renewed meanwhile.
 *
 * @throws {LockUnavailableError} The error of the last attempt. Look at `lock.lost` to learn whether the lock is lost.
 */
export async function retryWhileHeld<T>(
  lock: HeldLock,
  { deadline, signal, mayPass, retrying }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, MAX_PAUSE)) {
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

/** Waits for a server that no longer answers only as long as the lock is held. */
async function unlessLost<T>({ lost }: HeldLock, attempt: () => Promise<T>): Promise<T> {
  return await firstOf(settled(attempt()), (_, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onAbort(lost, () => {
      const { what, cure } = troubleOf(lost.reason);
      // Let the session's own error, which says more, reach the running statement first.
      timer = setTimeout(() => reject(new LockUnavailableError(what, cure, { transient: true })));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  });
}
