import type { CommandEnd } from "../../child/supervise.ts";
import { LockLostError } from "../../errors.ts";
import { tryLog } from "../../log/try_log.ts";
import { SpareThread } from "../../system/spare_thread.ts";
import { formatDuration } from "../../text/duration.ts";
import { afterTheEnd } from "../../log/verdict.ts";
import type { Execution } from "./execution.ts";
import { keepForMinHold, recordEnd, release } from "./finish_run.ts";
import { startHolding } from "./start_holding.ts";
import { KILLED, untilEnded } from "./until_ended.ts";

const AT_THE_SAME_TIME = "another node may have run the command at the same time";

/**
 * Runs a command under a lock, and stops it when the lock is lost or sera itself fails. The lock is given back last, when
 * the command has been reaped and, if sera has stopped it, its whole process group has ended.
 *
 * @returns What sera exits with.
 * @throws {CommandStartError} When the command cannot be started; the lock is released.
 * @throws {InterruptedError} When a signal came before it was started; the lock is released.
 * @throws {LockLostEarlyError} When the lock is lost before it is started.
 */
export async function executeHolding(execution: Execution): Promise<number> {
  const { lock, logger, progress, run, exitCodeOf } = execution;
  logger.inRun(run?.id);
  const since = performance.now();
  using _ = new SpareThread();
  const command = await startHolding(execution, since);
  const end = await untilEnded(command, execution);
  lock.commandEnded();
  progress.ended(exitCodeOf(end));
  return await wrapUp(await endWatch(end, execution), since, execution);
}

/**
 * Stops watching the command: signals are no longer passed on, and the helper shell is ended.
 *
 * @returns How the command ended; the shell may have killed it, and is asked about that.
 */
async function endWatch(end: CommandEnd, execution: Execution): Promise<CommandEnd> {
  const { watch: { helperShell, signalInfo, signals }, run, minHold } = execution;
  let known = end;
  await tryStep(execution, async () => {
    signals.endPassingOn();
    known = await killedByWill(end, execution);
  });
  // Soon, since the command's number may be reused, but never awaited: a shell that somebody has stopped takes seconds, and
  // the end is recorded and the lock given back meanwhile.
  tryStep(execution, async () => {
    // Ask first if sera may stay for long: it must still know which signals to ignore.
    if (run || minHold !== undefined) await signalInfo.ignored();
    await helperShell.end();
  });
  return known;
}

/** Records the end, keeps the lock for `min-hold`, and gives it back. If any of that fails, the exit code stands. */
async function wrapUp(end: CommandEnd, since: number, execution: Execution): Promise<number> {
  const { lock, logger, progress, run, minHold } = execution;
  const { exitCode, stoppedBy } = end;
  const status = execution.exitCodeOf(end);
  progress.ended(status);
  logger.exitsWith(status);

  const held = Math.round(performance.now() - since);
  const how = stoppedBy ? `stopped after ${formatDuration(held)}` : `finished with exit code ${exitCode}`;
  tryLog(logger, "info", "finished", `Command ${how}.`, { held, commandExitCode: exitCode });
  const outcome = exitCode === 0 && !stoppedBy ? "succeeded" : "failed";
  const isLast = minHold === undefined || held >= minHold || lock.asked.aborted;
  const wasLost = lock.lost.aborted;
  let isRecorded = false;
  await tryStep(execution, async () => void (isRecorded = await recordEnd(execution, outcome, status, isLast)));
  if (stoppedBy instanceof LockLostError) return status;
  await tryStep(execution, () => keepForMinHold(execution, held));
  // The lock was lost while the end was recorded: that has been reported, and there is nothing to give back.
  if (!wasLost && !isRecorded && lock.lost.aborted) return status;
  const ifGone = () => {
    // If the end was recorded in the lock's own session, the lock was held until then.
    if (!lock.heldToEnd && !(run && isRecorded && lock.session)) return AT_THE_SAME_TIME;
    return minHold === undefined || held >= minHold
      ? "another node may have run the command since it ended here"
      : "the command had already ended, but another node may have run it before --min-hold was over";
  };
  await tryStep(execution, async () => void await release(lock, logger, since, ifGone));
  return status;
}

/** Finds out whether the shell killed the command, because sera was stopped or stuck until the time limit had passed. */
async function killedByWill(end: CommandEnd, { watch, logger, exitCodeOf }: Execution): Promise<CommandEnd> {
  const { exitCode, stoppedBy } = end;
  if (stoppedBy || exitCode !== KILLED || !(await watch.helperShell.status())?.fenced) return end;
  const error = new LockLostError(
    "Lock lost: sera was stopped or stuck for too long, and the command was killed",
  );
  const known = { exitCode, stoppedBy: error };
  tryLog(logger, "error", "error", error.message, { exitCode: exitCodeOf(known) });
  return known;
}

/** Does a step that comes after the command's end. If it fails, that is reported, and the exit code stands. */
async function tryStep({ logger }: Execution, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    tryLog(logger, "error", "error", afterTheEnd(error));
  }
}
