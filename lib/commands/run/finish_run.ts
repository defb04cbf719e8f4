/** The end of a run, after its command has ended or was not started: it is recorded, and the lock is released. */

import { delayOrAbort, firstOf, settled } from "../../waiting.ts";
import { formatDuration } from "../../text/duration.ts";
import { lineOf, LockLostError, LockUnavailableError, messageOf } from "../../errors.ts";
import { type HeldLock, isHeld } from "../../lock/lock.ts";
import type { Logger } from "../../log/logger.ts";
import { tryLog } from "../../log/try_log.ts";
import type { Execution } from "./execution.ts";

/** The consequence of a lock that was lost, when the command was not started. */
export const NOT_RUN = "the command was not run here";

/**
 * Records the run's end in the ledger. A failure is reported, and does not change the exit code.
 *
 * @param isLast Whether the lock is not kept any longer, so that it may be released at the same time.
 * @returns Whether it is recorded, or there is no ledger.
 */
export async function recordEnd(
  { lock, run, logger }: Execution,
  outcome: "succeeded" | "failed" | "unstarted",
  exitCode: number,
  isLast: boolean,
): Promise<boolean> {
  if (!run) return true;
  if (lock.lost.aborted) {
    tryLog(
      logger,
      "error",
      "error",
      `Cannot record in the ledger how the command ended, since the lock is lost: ${lineOf(run.unrecorded)}`,
    );
    return false;
  }
  try {
    await run.finish(outcome, exitCode, isLast);
    return true;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    tryLog(logger, "error", "error", error.message);
    return false;
  }
}

/** Keeps the lock until `min-hold` is over, unless a signal has ended, or ends, the run, or somebody asks for the lock. */
export async function keepForMinHold({ lock, minHold, watch, logger }: Execution, held: number): Promise<void> {
  const { signals, helperShell } = watch;
  if (minHold === undefined || held >= minHold || signals.passedOn !== undefined) return;
  if (lock.lost.aborted || lock.asked.aborted) return;
  const kept = delayOrAbort(minHold - held, signals.endPassingOn(), lock.lost, lock.asked);
  // While sera only keeps its lock there is nothing to watch.
  await helperShell.end();
  // A lock that is lost after this look was held until the command had ended.
  if (await firstOf(settled(isHeld(lock)), settled(kept.then(() => false)))) {
    logger.announce("note", `Keeping the lock for another ${formatDuration(minHold - held)} (--min-hold).`);
  }
  await kept;
}

/**
 * Releases the lock. If it was lost, that is reported, and does not change the exit code.
 *
 * @param ifGone Gives the consequence of a lost lock.
 * @returns Whether it was held until then, and is released.
 */
export async function release(
  lock: HeldLock,
  logger: Logger,
  since: number,
  ifGone: () => string,
): Promise<boolean> {
  try {
    await lock.release();
    const held = Math.round(performance.now() - since);
    logger.log("info", "released", `Lock released, held for ${formatDuration(held)}.`, { held });
    return true;
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    logger.log("error", "error", `${messageOf(error)}; ${ifGone()}`);
    return false;
  }
}
