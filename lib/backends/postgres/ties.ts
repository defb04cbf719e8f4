import { OtherSlotsError } from "../../errors.ts";
import { delayOrAbort } from "../../waiting.ts";
import type { PostgresSession } from "./session.ts";

/**
 * How often to ask again after the sight of somebody with another number of slots, and how long to pause before that at
 * first, in milliseconds. Of two who have come at the same moment neither may hold the lock yet, or stay.
 */
const TRIES = 5;
const PAUSE = 20;

/**
 * Asks for a slot, and again where somebody is seen with another number of slots, or without any: who knows of no slots
 * looks when it holds the lock already, and gives way.
 *
 * @throws {OtherSlotsError} When that one stays.
 */
export async function despiteTies<T>(
  session: PostgresSession,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof OtherSlotsError) || tries === TRIES) throw error;
      await delayOrAbort(PAUSE * tries * (0.5 + Math.random()), signal, session.closed);
      signal.throwIfAborted();
    }
  }
}
