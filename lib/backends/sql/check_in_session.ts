import { Deadline } from "../../deadline.ts";
import { delayOrAbort } from "../../waiting.ts";
import type { Finding } from "../../doctor/report.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { Session } from "./session.ts";
import type { SessionLock } from "./session_lock.ts";

/** How long a server may take to end the sessions of earlier checks, and the pause between two tries, in milliseconds. */
const GOODBYE = 2000;
const PAUSE = 50;

/**
 * Checks something in a session such as a run has.
 *
 * @param lock Whose session it is; disposed of in the end.
 * @throws {LockUnavailableError} When there is no session to be had, or the check fails.
 */
export async function checkInSession<S extends Session>(
  lock: SessionLock<S>,
  check: (session: S) => Promise<Finding>,
): Promise<Finding> {
  await using _ = lock;
  return await check(await openPatiently(lock));
}

/** Waits for the sessions of earlier checks to end, where the user may have few at once. */
async function openPatiently<S extends Session>(lock: SessionLock<S>): Promise<S> {
  const { signal } = new AbortController();
  for (const deadline = new Deadline(GOODBYE);;) {
    const isLast = deadline.passed;
    try {
      return await lock.session(signal);
    } catch (error) {
      if (isLast || !(error instanceof LockUnavailableError) || !error.transient) throw error;
    }
    await delayOrAbort(PAUSE, signal);
  }
}
