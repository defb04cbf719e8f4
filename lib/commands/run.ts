import { SignalRelay } from "../child/signals.ts";
import type { Settings } from "../config/config.ts";
import { formatDuration } from "../duration.ts";
import { InterruptedError } from "../errors.ts";
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
  await using backend = await openBackend(settings.server, name, {
    tlsCa: settings.tlsCa,
    command: request.words[0]!,
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
  const { exitCode, stoppedBy } = await executeHolding(turn.lock, request.words, { signals, logger, io });
  return stoppedBy ? ExitCode.lockLost : exitCode;
}
