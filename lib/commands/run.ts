import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import type { Settings } from "../config/config.ts";
import { formatDuration } from "../duration.ts";
import { InterruptedError, type LockUnavailableError, MaxRunError, SeraError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { namespacedName } from "../lock/advisory_key.ts";
import { lockKey, lockName } from "../lock/lock_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import type { Logger } from "../log/logger.ts";
import { everyoneExecutes, waitAndSkip } from "../modes.ts";
import { executeHolding } from "./execute.ts";

/** What to run and how long to wait for it. */
export interface RunRequest {
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  readonly wait: number;
  /** The command's words, at least one. */
  readonly words: readonly string[];
}

/**
 * sera's main job: gets the lock, runs the command, gives the lock back.
 *
 * @returns The exit code: the command's own, or one of {@linkcode ExitCode}.
 * @throws {SeraError} When there is nothing to return.
 */
export async function runUnderLock(request: RunRequest, settings: Settings, io: Io, logger: Logger): Promise<number> {
  for (const note of settings.notes) logger.log("info", "note", note);
  const key = settings.name ?? lockKey(request.words);
  const name = settings.namespace === undefined ? lockName(key) : namespacedName(settings.namespace, key);
  logger.aboutLock(name);
  using signals = new SignalRelay();
  await using will = new LastWill();
  await using backend = await openBackend(settings.server, name, {
    tlsCa: settings.tlsCa,
    lease: settings.lease,
    allowUnsafeServer: settings.allowUnsafeServer,
    retrying: retryingOnce(logger),
    label: settings.label ?? request.words[0]!,
    env: io.env,
  });

  const began = performance.now();
  const mode = settings.waitAndSkip ? waitAndSkip : everyoneExecutes;
  let turn;
  try {
    turn = await mode(backend, request.wait, signals.interrupted, logger);
  } catch (error) {
    if (error instanceof InterruptedError) return 128 + error.signalNumber;
    throw error;
  }
  const waited = Math.round(performance.now() - began);

  if (turn.outcome === "busy") {
    const span = request.wait === 0 ? "" : ` within ${formatDuration(request.wait)}`;
    const message = `Lock not acquired${span}: somebody else has it - the command was not executed.`;
    logger.log("notice", "busy", message, { waited, exitCode: ExitCode.busy });
    return ExitCode.busy;
  }
  if (turn.outcome === "skipped") {
    const exitCode = settings.detailedExitCodes ? ExitCode.skipped : ExitCode.ok;
    logger.log("info", "skipped", "They are done - skipped the command.", { waited, exitCode });
    return exitCode;
  }

  logger.log("info", "acquired", `Lock acquired after ${formatDuration(waited)}.`, { waited });
  const { grace, onLost, maxRun } = settings;
  const { exitCode, stoppedBy } = await executeHolding(turn.lock, request.words, {
    signals,
    will,
    logger,
    io,
    grace,
    onLost,
    maxRun: maxRun === undefined
      ? undefined
      : { limit: maxRun, error: new MaxRunError(`The command ran longer than ${formatDuration(maxRun)} (max-run)`) },
  });
  return stoppedBy instanceof SeraError ? stoppedBy.exitCode : exitCode;
}

/**
 * Tells of trouble that is waited out, the first time and whenever it becomes another. The first time everybody is told,
 * for the wait may be a long one, or for ever.
 */
function retryingOnce(logger: Logger): (why: LockUnavailableError) => void {
  let told: string | undefined;
  return ({ message }) => {
    if (message === told) return;
    logger.log(told === undefined ? "error" : "notice", "note", `${message}; trying again until the wait is over.`);
    told = message;
  };
}
