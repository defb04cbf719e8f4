import type { RunningCommand } from "../../child/spawn.ts";
import { terminate, type TerminateOptions } from "../../child/terminate.ts";
import { TimeLimit } from "../../waiting.ts";
import { LockLostError } from "../../errors.ts";
import { afterTheEnd, failedWhileRunning } from "../../log/verdict.ts";
import { SHORT_FLUSH_TIMEOUT } from "../../io.ts";
import { type CommandEnd, supervise } from "../../child/supervise.ts";
import type { Execution } from "./execution.ts";
import { SurvivorMessages } from "./survivor_messages.ts";
import { tryLog } from "../../log/try_log.ts";

/** The exit code of a command that was killed: 128 and the number of SIGKILL. */
export const KILLED = 137;

/**
 * Supervises a command until it has ended and, if sera has stopped it, its whole process group has. An error in sera itself
 * stops the command.
 */
export async function untilEnded(
  command: RunningCommand,
  execution: Execution,
): Promise<CommandEnd> {
  const { lock, progress: { failed }, grace, onLost, maxRun, exitCodeOf, logger, io } = execution;
  const { helperShell, signals } = execution.watch;
  const program = execution.words[0]!;
  const messages = new SurvivorMessages(command.target);
  const onSurvivors: TerminateOptions["onSurvivors"] = (survivors) =>
    tryLog(logger, "error", "error", messages.goesOn(survivors, lock.lost.aborted));
  const onCause = (reason: Error) => {
    const lost = reason instanceof LockLostError;
    const goesOn = lost && onLost === "warn";
    const consequence = goesOn
      ? `; ${program} goes on, and another node may start it too (--on-lost=warn)`
      : `; stopping ${program}${lost ? ", since another node may start it now" : ""}`;
    const exitCode = goesOn ? undefined : exitCodeOf({ exitCode: KILLED, stoppedBy: reason });
    tryLog(logger, "error", "error", reason.message + consequence, { exitCode });
    // So that it stands before what the command says about its end.
    return io.flush?.(SHORT_FLUSH_TIMEOUT);
  };
  let endedWith: number | undefined;
  command.ended.then((exitCode) => endedWith = exitCode, () => undefined);
  using timeUp = maxRun && new TimeLimit(maxRun.limit, () => maxRun.error);
  try {
    if (onLost === "terminate") {
      helperShell.kill(command.target, lock.left);
      lock.onRenewed = () => helperShell.renew(lock.left);
    } else helperShell.kill(command.target);
    signals.passOnTo({ ownSession: command.ownSession, signal: passOn(command, messages, execution) });
    if (logger.isEnabled("info")) logBlockedSignals(execution);
    const end = await supervise(command, {
      ...{ grace, onLost, onCause, onSurvivors },
      lost: lock.lost,
      stops: [...timeUp ? [timeUp.signal] : [], lock.asked, failed],
    });
    // sera failed after the command had been stopped for another reason.
    if (failed.aborted && end.stoppedBy !== failed.reason) tryLog(logger, "error", "error", failed.reason.message);
    return end;
  } catch (error) {
    const ending = { grace, lost: lock.lost, hurry: onLost === "terminate" ? lock.lost : undefined, onSurvivors };
    if (endedWith !== undefined) {
      tryLog(logger, "error", "error", afterTheEnd(error));
      if (command.wasToldToEnd()) await terminate(command, { ...ending, told: command.wasSent("SIGTERM") });
      return { exitCode: endedWith };
    }
    const failure = failedWhileRunning(error);
    await onCause(failure);
    await terminate(command, ending);
    return { exitCode: endedWith ?? failure.exitCode, stoppedBy: failure };
  }
}

/** Says which signals sera cannot pass on: those that were blocked when it was started, which it cannot unblock. */
async function logBlockedSignals({ watch, logger }: Execution): Promise<void> {
  const blocked = await watch.signalInfo.blocked();
  if (blocked.length === 0) return;
  tryLog(
    logger,
    "info",
    "note",
    `Signals blocked before sera started, which it does not receive: ${blocked.join(", ")}.`,
  );
}

/** Passes signals on to the command. When sera may not signal it any more, that is said, once for each signal. */
function passOn(
  command: RunningCommand,
  messages: SurvivorMessages,
  { logger }: Execution,
): (signal: Deno.Signal) => void {
  const refused = new Set<Deno.Signal>();
  return (signal) => {
    if (command.signal(signal) !== "forbidden" || refused.has(signal)) return;
    refused.add(signal);
    command.living().then((processes) => tryLog(logger, "error", "error", messages.notPassedOn(signal, processes)));
  };
}
