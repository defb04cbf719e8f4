import { getsOwnSession, RefusedStartError, type RunningCommand, startCommand } from "../../child/spawn.ts";
import { InterruptedError, LockLostEarlyError, LockLostError, LockUnavailableError } from "../../errors.ts";
import { FLUSH_TIMEOUT } from "../../io.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { verdictOf } from "../../log/verdict.ts";
import { setVariables } from "./environment.ts";
import type { Execution } from "./execution.ts";
import { NOT_RUN, recordEnd, release } from "./finish_run.ts";

/**
 * Starts a command under a lock. If that is not possible, the lock is released.
 *
 * @param since When the lock was acquired, on the clock of performance.now().
 * @throws {CommandStartError} When it cannot be started.
 * @throws {InterruptedError} When a signal has come first.
 * @throws {LockLostEarlyError} When the lock is already lost; then there is nothing to give back.
 */
export async function startHolding(execution: Execution, since: number): Promise<RunningCommand> {
  const { lock, words, logger, io, progress } = execution;
  const { helperShell, signals } = execution.watch;
  await Promise.all([helperShell.ready, io.flush?.(FLUSH_TIMEOUT)]);
  if (!helperShell.isWatching) {
    logger.log("info", "note", "There is no /bin/sh: if sera is killed, the command will keep running.");
  }
  await confirm(lock);
  let command;
  try {
    signals.interrupted.throwIfAborted();
    refuseAsked(lock);
    signals.expect(getsOwnSession());
    setVariables(execution.variables, io);
    await helperShell.throwIfBroken();
    progress.throwIfGivenUp();
    lock.commandStarts?.();
    command = startCommand(words);
  } catch (error) {
    const cause = error instanceof RefusedStartError
      ? (await import("../../child/why_not_started.ts")).notStarted(error)
      : error;
    const { exitCode } = cause instanceof InterruptedError ? cause : verdictOf(cause);
    await recordEnd(execution, "unstarted", exitCode, true);
    await release(lock, logger, since, () => NOT_RUN);
    throw cause;
  }
  helperShell.onGone = (message) => logger.log("error", "note", message);
  progress.started();
  return command;
}

/** Starts nothing for a lock that somebody asks for. */
function refuseAsked({ asked }: HeldLock): void {
  if (asked.aborted) throw new LockUnavailableError(`${asked.reason.message}; the command was not started`);
}

/** Makes sure that the lock is still held: sera may have been suspended meanwhile. */
async function confirm(lock: HeldLock): Promise<void> {
  try {
    await lock.confirm();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    throw new LockLostEarlyError(`${error.message}; the command was not started`);
  }
}
