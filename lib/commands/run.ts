import { SignalRelay } from "../child/signals.ts";
import { type RunningCommand, startCommand } from "../child/spawn.ts";
import type { Settings } from "../config/config.ts";
import { formatDuration } from "../duration.ts";
import { InterruptedError, LockLostError, LockUnavailableError, messageOf } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { HeldLock } from "../lock/lock.ts";
import { lockKey, lockName } from "../lock/lock_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import type { Logger } from "../log/logger.ts";
import { everyoneExecutes, waitAndSkip } from "../modes.ts";
import { supervise } from "../supervise.ts";

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
  const name = lockName(settings.name ?? lockKey(request.words));
  logger.aboutLock(name);
  using signals = new SignalRelay();
  await using backend = await openBackend(settings.server, name, { tlsCa: settings.tlsCa, env: io.env });

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
  return await executeHolding(turn.lock, request.words, signals, logger, io);
}

async function executeHolding(
  lock: HeldLock,
  words: readonly string[],
  signals: SignalRelay,
  logger: Logger,
  io: Io,
): Promise<number> {
  const since = performance.now();
  if (signals.interrupted.aborted) {
    await release(lock, logger, since);
    return 128 + (signals.interrupted.reason as InterruptedError).signalNumber;
  }
  if (lock.lost.aborted) throw new LockUnavailableError(`${messageOf(lock.lost.reason)}; the command was not started`);

  let command: RunningCommand;
  try {
    hidePassword(io);
    command = startCommand(words);
  } catch (error) {
    await release(lock, logger, since);
    throw error;
  }
  signals.passOnTo(command);

  const { exitCode, stoppedBy } = await supervise(command, lock.lost, (reason) => {
    logger.log("error", "error", `${reason.message}; stopping ${words[0]}, since another node may start it now`, {
      exitCode: ExitCode.lockLost,
    });
  });
  const held = Math.round(performance.now() - since);
  if (stoppedBy) {
    logger.log("info", "finished", `Command stopped after ${formatDuration(held)}.`, { held, exitCode });
    return ExitCode.lockLost;
  }
  logger.log("info", "finished", `Command finished with exit code ${exitCode}.`, { held, exitCode });
  await release(lock, logger, since);
  return exitCode;
}

/** Gives the lock back. When it was gone by then, that is said, but the command's own exit code is kept. */
async function release(lock: HeldLock, logger: Logger, since: number): Promise<void> {
  try {
    await lock.release();
    const held = Math.round(performance.now() - since);
    logger.log("info", "released", `Lock released, held for ${formatDuration(held)}.`, { held });
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    logger.log("error", "error", `${messageOf(error)}; another node may have run the command at the same time`);
  }
}

/**
 * Keeps a server's password out of the command's environment, also when a flag has named another server. A server without
 * one stays, for a sera in the command.
 */
function hidePassword(io: Io): void {
  const server = io.env("SERA_SERVER") ?? "";
  if (!server.startsWith("file:") && /:.*@/s.test(server)) Deno.env.delete("SERA_SERVER");
}
