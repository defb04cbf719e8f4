import type { RunRequest } from "../args/operands.ts";
import type { LastWill } from "../child/last_will.ts";
import type { SignalRelay } from "../child/signals.ts";
import type { Settings } from "../settings/settings.ts";
import { formatDuration } from "../text/duration.ts";
import { InterruptedError, type LockUnavailableError, MaxRunError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { Register } from "../ledger/register.ts";
import type { Lock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import type { Mode } from "../modes/mode.ts";
import type { Progress } from "./progress.ts";
import { executeHolding, tellInterrupted } from "./execute.ts";
import { NOT_RUN, release } from "./give_back.ts";
import type { holderOf } from "./holder.ts";
import { statusOf } from "./until_ended.ts";
import { lockVariables } from "./variables.ts";

/** What a turn goes by. */
export interface Surroundings {
  readonly settings: Settings;
  readonly request: RunRequest;
  readonly io: Io;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly will: LastWill;
  readonly signals: SignalRelay;
  readonly backend: Lock;
  readonly mode: Mode;
  /** Says who holds the lock. */
  readonly holder: () => ReturnType<typeof holderOf>;
  readonly register: Register | undefined;
  readonly retrying: (why: LockUnavailableError) => void;
  /** What the command's environment says of the lock, but for the run. */
  readonly variables: Parameters<typeof lockVariables>[0];
}

/**
 * Waits for the lock, runs the command if that is to be, and gives the lock back.
 *
 * @param wait Milliseconds; less than was asked for when it is another try.
 * @returns The exit code.
 */
export async function takeTurn(wait: number, all: Surroundings): Promise<number> {
  const { settings, request, io, logger, progress, will, signals, backend, mode, holder, register, retrying } = all;
  const { above } = all.variables;
  const { grace, onLost, maxRun, minHold } = settings;
  const began = performance.now();
  let turn, who;
  try {
    turn = await mode(backend, {
      wait,
      signal: signals.interrupted,
      logger,
      retrying,
      waiting: logger.tells("info") || above !== undefined
        ? async () => {
          const { words = "somebody else", fields } = await holder();
          logger.log("info", "waiting", `Waiting for ${words}.`, { holder: fields });
        }
        : undefined,
    });
    if (turn.outcome === "busy" && (logger.tells("notice") || above !== undefined)) who = await holder();
  } catch (error) {
    // What was given up for a signal may have failed with an error of its own.
    const cause = signals.interrupted.aborted ? signals.interrupted.reason : error;
    if (cause instanceof InterruptedError) return tellInterrupted(cause, logger);
    throw error;
  }
  const waited = Math.round(performance.now() - began);

  if (turn.outcome === "busy") {
    const span = request.wait === 0 ? "" : ` within ${formatDuration(request.wait)}`;
    const whose = who?.words === undefined ? "" : ` (${who.words})`;
    const message = `Lock not acquired${span}: somebody else has it${whose} - the command was not executed.`;
    logger.log("notice", "busy", message, { waited, exitCode: ExitCode.busy, holder: who?.fields });
    return ExitCode.busy;
  }
  if (turn.outcome === "skipped") {
    const exitCode = settings.detailedExitCodes ? ExitCode.skipped : ExitCode.ok;
    logger.exitsWith(exitCode);
    logger.log("info", "skipped", `${turn.reason} - skipped the command.`, { waited });
    await release(turn.lock, logger, performance.now(), () => NOT_RUN);
    await register?.prune();
    return exitCode;
  }

  if (turn.note !== undefined) logger.log("info", "note", turn.note);
  logger.log("info", "acquired", `Lock acquired after ${formatDuration(waited)}.`, { waited });
  const { run } = turn;
  const ended = await executeHolding(turn.lock, request.words, {
    signals,
    will,
    logger,
    io,
    progress,
    grace,
    onLost,
    minHold,
    run,
    statusOf,
    variables: lockVariables({ ...all.variables, session: turn.lock.session, runId: run?.id }),
    maxRun: maxRun === undefined
      ? undefined
      : { limit: maxRun, error: new MaxRunError(`The command ran longer than ${formatDuration(maxRun)} (max-run)`) },
  });
  // A session that has lost its lock may not answer.
  if (!turn.lock.lost.aborted) await register?.prune();
  return statusOf(ended);
}
