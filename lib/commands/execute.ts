import type { SignalRelay } from "../child/signals.ts";
import type { LastWill } from "../child/last_will.ts";
import { type RunningCommand, startCommand } from "../child/spawn.ts";
import { holdsPassword } from "../config/server.ts";
import { delayOrAbort } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import { type InterruptedError, LockLostError, LockUnavailableError, messageOf, SeraError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { supervise, type Supervised } from "../supervise.ts";

/** What the execution of a command goes by. */
export interface Execution {
  readonly signals: SignalRelay;
  readonly will: LastWill;
  readonly logger: Logger;
  readonly io: Io;
  /** How long the command has between SIGTERM and SIGKILL, in milliseconds. */
  readonly grace: number;
  readonly onLost: "terminate" | "warn";
  /** How long it may run, in milliseconds, and what to say when it is stopped for that. */
  readonly maxRun?: { readonly limit: number; readonly error: Error } | undefined;
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
  const { signals, will, logger, io, maxRun } = execution;
  const since = performance.now();
  await will.ready;
  if (!will.isKept) logger.log("info", "note", "There is no /bin/sh: should sera be killed, the command would go on.");
  await confirm(lock);
  if (signals.interrupted.aborted) {
    await release(lock, logger, since);
    return { exitCode: 128 + (signals.interrupted.reason as InterruptedError).signalNumber };
  }

  let command: RunningCommand;
  try {
    hidePassword(io);
    command = startCommand(words);
  } catch (error) {
    await release(lock, logger, since);
    throw error;
  }
  will.kill(command.target);
  signals.passOnTo(command);

  const ended = new AbortController();
  const timeUp = new AbortController();
  if (maxRun) delayOrAbort(maxRun.limit, ended.signal).then(() => timeUp.abort(maxRun.error));
  const supervised = await supervise(command, {
    ...execution,
    lost: lock.lost,
    stop: timeUp.signal,
    onCause: (reason) => {
      const lost = reason instanceof LockLostError;
      const consequence = lost && execution.onLost === "warn"
        ? `; ${words[0]} goes on, and another node may start it too (on-lost=warn)`
        : `; stopping ${words[0]}${lost ? ", since another node may start it now" : ""}`;
      logger.log("error", "error", reason.message + consequence, { exitCode: exitCodeOf(reason) });
    },
  });
  ended.abort();
  const { exitCode, stoppedBy } = supervised;
  const held = Math.round(performance.now() - since);
  const how = stoppedBy ? `stopped after ${formatDuration(held)}` : `finished with exit code ${exitCode}`;
  logger.log("info", "finished", `Command ${how}.`, { held, exitCode });
  if (!(stoppedBy instanceof LockLostError)) await release(lock, logger, since);
  return supervised;
}

/** Looks at the lock once more, since time may have passed: sera may have been suspended. */
async function confirm(lock: HeldLock): Promise<void> {
  try {
    await lock.confirm();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    throw new LockUnavailableError(`${messageOf(error)}; the command was not started`);
  }
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
