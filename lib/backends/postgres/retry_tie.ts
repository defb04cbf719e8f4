import { OtherSlotsError } from "../../errors.ts";
import { delayOrAbort } from "../../waiting.ts";
import type { PostgresSession } from "./session.ts";

/**
 * How many attempts to make while others use another number of slots, and how long to pause after the first, in
 * milliseconds. Of two sessions that come at the same moment each may see the other, and both may give way.
 */
const ATTEMPTS = 5;
const PAUSE = 20;

/**
 * Makes an attempt to take a slot, and repeats it while others use another number of slots, or none: a session that takes
 * the lock without slots looks for holders of slots only afterwards, and then gives way.
 *
 * @throws {OtherSlotsError} When the conflict persists.
 */
export async function retryTie<T>(
  session: PostgresSession,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof OtherSlotsError) || attempt === ATTEMPTS) throw error;
      await delayOrAbort(PAUSE * attempt * (0.5 + Math.random()), signal, session.closed);
      signal.throwIfAborted();
    }
  }
}
