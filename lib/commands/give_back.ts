/** How a run ends once its command has, or was not started: recorded, the lock kept if it is to be, and given back. */

import { delayOrAbort, firstOf, settled } from "../waiting.ts";
import { formatDuration } from "../text/duration.ts";
import { LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { tryLog } from "../log/try_log.ts";
import type { Execution } from "./execution.ts";

/** What follows from a lock that was gone when it was to be given back. */
export const NOT_RUN = "the command was not run here";

/**
 * Records the run's end in the ledger. That it is not there is said, but the command's own exit code is kept.
 *
 * @returns Whether it is there, or does not have to be.
 */
export async function record(
  { lock, run, logger }: Execution,
  outcome: "succeeded" | "failed" | "unstarted",
  exitCode: number,
): Promise<boolean> {
  if (!run) return true;
  if (lock.lost.aborted) {
    tryLog(logger, "error", "error", `Not recorded in the ledger: ${run.ifUnrecorded}`);
    return false;
  }
  try {
    await run.finish(outcome, exitCode);
    return true;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    tryLog(logger, "error", "error", error.message);
    return false;
  }
}

/** Keeps the lock for as long as it is to be held at least, unless a signal has ended, or ends, the run. */
export async function keep({ lock, minHold, watch, logger }: Execution, held: number): Promise<void> {
  const { signals, will } = watch;
  if (minHold === undefined || held >= minHold || signals.passedOn !== undefined || lock.lost.aborted) return;
  const kept = delayOrAbort(minHold - held, signals.endPassingOn(), lock.lost);
  // Nothing is left beside a sera that only keeps its lock.
  await will.end();
  // What is lost after this look was held until the command had ended.
  if (await firstOf(settled(isHeld(lock)), settled(kept.then(() => false)))) {
    logger.log("info", "note", `Keeping the lock for another ${formatDuration(minHold - held)} (min-hold).`);
  }
  await kept;
}

/**
 * Gives the lock back. When it was gone by then, that is said, but the command's own exit code is kept.
 *
 * @param ifGone Says what follows if it was.
 */
export async function release(
  lock: HeldLock,
  logger: Logger,
  since: number,
  ifGone: () => string,
): Promise<void> {
  try {
    await lock.release();
    const held = Math.round(performance.now() - since);
    logger.log("info", "released", `Lock released, held for ${formatDuration(held)}.`, { held });
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    logger.log("error", "error", `${messageOf(error)}; ${ifGone()}`);
  }
}
