import { Deadline } from "../../deadline.ts";
import { delayOrAbort, NEVER } from "../../waiting.ts";
import type { Finding } from "../../doctor/report.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { Session } from "./session.ts";
import type { SessionLock } from "./session_lock.ts";

/** How long a server may take to end the sessions of earlier checks, in milliseconds. */
const CLOSE_TIMEOUT = 2000;
/** The pause between two attempts, in milliseconds. */
const PAUSE = 50;

/**
 * Checks something in a session like that of a run.
 *
 * @param lock The lock whose session to use; it is disposed of.
 * @throws {LockUnavailableError} When it cannot connect, or the check fails.
 */
export async function checkInSession<S extends Session>(
  lock: SessionLock<S>,
  check: (session: S) => Promise<Finding>,
): Promise<Finding> {
  await using _ = lock;
  return await check(await openPatiently(lock));
}

/** Retries for a while: the user may be limited to a few sessions, and those of earlier checks may still be ending. */
async function openPatiently<S extends Session>(lock: SessionLock<S>): Promise<S> {
  for (const deadline = new Deadline(CLOSE_TIMEOUT);;) {
    const isLast = deadline.passed;
    try {
      return await lock.session(NEVER);
    } catch (error) {
      if (isLast || !(error instanceof LockUnavailableError) || !error.transient) throw error;
    }
    await delayOrAbort(PAUSE, NEVER);
  }
}
