import { SpareThread } from "../system/spare_thread.ts";
import { getsOwnSession, RefusedStartError, type RunningCommand, startCommand } from "../child/spawn.ts";
import { formatDuration } from "../text/duration.ts";
import { type InterruptedError, LockLostEarlyError, LockLostError } from "../errors.ts";
import { afterTheEnd, verdictOf } from "../verdict.ts";
import { LONGEST_FLUSH } from "../io.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { tell } from "../log/tell.ts";
import type { Supervised } from "../child/supervise.ts";
import { setVariables } from "./environment.ts";
import type { Execution } from "./execution.ts";
import { keep, NOT_RUN, record, release } from "./give_back.ts";
import { KILLED, untilEnded } from "./until_ended.ts";

const AT_THE_SAME_TIME = "another node may have run the command at the same time";

/**
 * Runs a command under a lock, stops it when the lock is lost or sera itself fails, and gives the lock back, last of all,
 * once the command has been reaped, and all of its process group where sera has ended it.
 *
 * @throws {CommandStartError} When it cannot be started; the lock is given back.
 * @throws {LockLostEarlyError} When the lock is lost before it is started.
 */
export async function executeHolding(
  lock: HeldLock,
  words: readonly string[],
  execution: Execution,
): Promise<Supervised> {
  const { signals, will, logger, io, progress, run, minHold, statusOf } = execution;
  logger.inRun(run?.id);
  const since = performance.now();
  using _thread = new SpareThread();
  await Promise.all([will.ready, io.flush?.(LONGEST_FLUSH)]);
  if (!will.isKept) logger.log("info", "note", "There is no /bin/sh: should sera be killed, the command would go on.");
  await confirm(lock);
  if (signals.interrupted.aborted) {
    const exitCode = tellInterrupted(signals.interrupted.reason, logger);
    await record(lock, execution, "unstarted", exitCode);
    await release(lock, logger, since, () => NOT_RUN);
    return { exitCode };
  }

  signals.expect(getsOwnSession());
  let command: RunningCommand;
  try {
    setVariables(execution.variables, io);
    await will.throwIfBroken();
    progress.throwIfGivenUp();
    command = startCommand(words);
  } catch (error) {
    const cause = error instanceof RefusedStartError
      ? (await import("../child/why_not_started.ts")).notStarted(error)
      : error;
    await record(lock, execution, "unstarted", verdictOf(cause).exitCode);
    await release(lock, logger, since, () => NOT_RUN);
    throw cause;
  }
  will.onGone = (message) => logger.log("error", "note", message);
  progress.started();
  const supervised = await untilEnded(command, words[0]!, lock, execution);
  lock.commandEnded();
  const { exitCode } = supervised;
  let { stoppedBy } = supervised;
  progress.ended(statusOf(supervised));
  await despite(execution, async () => {
    signals.endPassingOn();
    if (run) will.forget();
    stoppedBy ??= await killedByWill(exitCode, execution);
  });
  const status = statusOf(stoppedBy ? { exitCode, stoppedBy } : { exitCode });
  progress.ended(status);
  logger.exitsWith(status);

  const held = Math.round(performance.now() - since);
  const how = stoppedBy ? `stopped after ${formatDuration(held)}` : `finished with exit code ${exitCode}`;
  tell(logger, "info", "finished", `Command ${how}.`, { held, commandExitCode: exitCode });
  const outcome = exitCode === 0 && !stoppedBy ? "succeeded" : "failed";
  const wasLost = lock.lost.aborted;
  let isRecorded = false;
  await despite(execution, async () => void (isRecorded = await record(lock, execution, outcome, status)));
  if (stoppedBy instanceof LockLostError) return { exitCode, stoppedBy };
  await despite(execution, () => keep(lock, execution, held));
  // A lock that was lost while the end was recorded has been told of, and there is nothing to give back.
  const isTold = !wasLost && !isRecorded && lock.lost.aborted;
  const ifGone = () => {
    // Who could record the end in the lock's own session had the lock until then.
    if (!lock.heldToEnd && !(run && isRecorded && lock.session)) return AT_THE_SAME_TIME;
    return minHold === undefined || held >= minHold
      ? "another node may have run the command since it ended here"
      : "the command had ended before, but another node may have run it before min-hold was over";
  };
  await Promise.all([
    despite(execution, () => isTold ? Promise.resolve() : release(lock, logger, since, ifGone)),
    despite(execution, () => will[Symbol.asyncDispose]()),
  ]);
  return stoppedBy ? { exitCode, stoppedBy } : { exitCode };
}

/** What an exit code of SIGKILL means when the last will has sent it, since sera did not move while its time ran out. */
async function killedByWill(
  exitCode: number,
  { will, logger, statusOf }: Execution,
): Promise<LockLostError | undefined> {
  if (exitCode !== KILLED || !(await will.testify())?.fenced) return undefined;
  const error = new LockLostError(
    "Lock lost: sera was stopped or stuck until its time was over, and the command was killed",
  );
  tell(logger, "error", "error", error.message, { exitCode: statusOf({ exitCode, stoppedBy: error }) });
  return error;
}

/**
 * Tells that a signal has ended sera before the command was started.
 *
 * @returns What sera exits with.
 */
export function tellInterrupted({ message, signalNumber }: InterruptedError, logger: Logger): number {
  const exitCode = 128 + signalNumber;
  logger.exitsWith(exitCode);
  logger.log("info", "interrupted", `${message} - the command was not executed.`);
  return exitCode;
}

/** Looks at the lock once more, since time may have passed: sera may have been suspended. */
async function confirm(lock: HeldLock): Promise<void> {
  try {
    await lock.confirm();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    throw new LockLostEarlyError(`${error.message}; the command was not started`);
  }
}

/** Does what comes after the command's end, whose exit code stands whatever goes wrong there. */
async function despite({ logger }: Execution, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    tell(logger, "error", "error", afterTheEnd(error));
  }
}
