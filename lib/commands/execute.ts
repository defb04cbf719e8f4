import type { SignalRelay } from "../child/signals.ts";
import { type RunningCommand, startCommand } from "../child/spawn.ts";
import { holdsPassword } from "../config/server.ts";
import { formatDuration } from "../duration.ts";
import { type InterruptedError, LockLostError, LockUnavailableError, messageOf, SeraError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { supervise, type Supervised } from "../supervise.ts";

/** What the execution of a command goes by. */
export interface Execution {
  readonly signals: SignalRelay;
  readonly logger: Logger;
  readonly io: Io;
  /** Fires when the command has to be stopped for another reason than the loss of its lock; the reason is an Error. */
  readonly stop?: AbortSignal;
}

/**
 * Runs a command under a lock, stops it when the lock is lost, and gives the lock back once the command has been reaped.
 *
 * @throws {CommandStartError} When it cannot be started; the lock is given back.
 * @throws {LockUnavailableError} When the lock is lost before it is started.
 */
export async function executeHolding(
  lock: HeldLock,
  words: readonly string[],
  execution: Execution,
): Promise<Supervised> {
  const { signals, logger, io, stop } = execution;
  const since = performance.now();
  if (signals.interrupted.aborted) {
    await release(lock, logger, since);
    return { exitCode: 128 + (signals.interrupted.reason as InterruptedError).signalNumber };
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

  const anyStop = stop ? AbortSignal.any([lock.lost, stop]) : lock.lost;
  const supervised = await supervise(command, anyStop, (reason) => {
    const why = reason instanceof LockLostError ? ", since another node may start it now" : "";
    logger.log("error", "error", `${reason.message}; stopping ${words[0]}${why}`, { exitCode: exitCodeOf(reason) });
  });
  const { exitCode, stoppedBy } = supervised;
  const held = Math.round(performance.now() - since);
  const how = stoppedBy ? `stopped after ${formatDuration(held)}` : `finished with exit code ${exitCode}`;
  logger.log("info", "finished", `Command ${how}.`, { held, exitCode });
  if (!(stoppedBy instanceof LockLostError)) await release(lock, logger, since);
  return supervised;
}

/** What sera exits with when it stops the command for this reason, if that says so itself. */
function exitCodeOf(reason: Error): number | undefined {
  return reason instanceof SeraError ? reason.exitCode : undefined;
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
  if (holdsPassword(io.env("SERA_SERVER") ?? "")) Deno.env.delete("SERA_SERVER");
}
