import { Deadline, delayOrAbort } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";

/** How long a server may take to end the sessions of earlier checks, and the pause between two tries, in milliseconds. */
const GOODBYE = 2000;
const PAUSE = 50;

/**
 * Waits for the sessions of earlier checks to end, where the user may have few at once.
 *
 * @param open Opens a session.
 * @throws {LockUnavailableError} What the last try has thrown.
 */
export async function openPatiently<S>(open: () => Promise<S>): Promise<S> {
  const { signal } = new AbortController();
  for (const deadline = new Deadline(GOODBYE);;) {
    const isLast = deadline.passed;
    try {
      return await open();
    } catch (error) {
      if (isLast || !(error instanceof LockUnavailableError) || !error.transient) throw error;
    }
    await delayOrAbort(PAUSE, signal);
  }
}
