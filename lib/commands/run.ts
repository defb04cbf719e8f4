import type { RunRequest } from "../args/operands.ts";
import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import type { Settings } from "../settings/settings.ts";
import { Deadline, delayOrAbort } from "../deadline.ts";
import { lineOf, LockLostEarlyError, type LockUnavailableError } from "../errors.ts";
import type { Io } from "../io.ts";
import { lockKey, lockNameIn } from "../lock/lock_name.ts";
import type { Logger } from "../log/logger.ts";
import { everyoneExecutes, waitAndSkip } from "../modes/mode.ts";
import type { Progress } from "../progress.ts";
import { backendOptions } from "./backend_options.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { holderOf } from "./holder.ts";
import { type Surroundings, takeTurn } from "./take_turn.ts";
import { keyForLog } from "./variables.ts";

/** The pause before another try when a lock was lost at once, in milliseconds: a server that keeps none is not kept busy. */
const PAUSE = 500;

/**
 * sera's main job: gets the lock, runs the command, gives the lock back.
 *
 * @param progress Is told how far it has come, for what throws besides.
 * @returns The exit code: the command's own, or one of `ExitCode`.
 * @throws {SeraError} When there is nothing to return.
 */
export async function runUnderLock(
  request: RunRequest,
  settings: Settings,
  io: Io,
  logger: Logger,
  progress: Progress,
): Promise<number> {
  const key = settings.name ?? lockKey(request.words);
  const name = lockNameIn(settings.namespace, key);
  const label = settings.label ?? settings.name ?? request.words[0]!;
  logger.about({ lock: name, key: logger.isJson ? keyForLog(key) : undefined, label });
  for (const note of settings.notes) logger.log("info", "note", lineOf(note));
  const { onLost } = settings;
  await using will = new LastWill({
    timed: settings.server.offers.expires && onLost === "terminate",
    inGroup: !getsOwnSession(),
    jsonAbout: logger.isJson ? name : undefined,
  });
  const signals = new SignalRelay(will);
  // The last line tells what sera exits with.
  if (logger.isJson && logger.tells("info")) signals.endByAll();
  const retrying = retryingOnce(logger);
  await using backend = await settings.server.lock(name, {
    ...backendOptions(settings, label, io),
    names: settings.namespace === undefined ? undefined : { namespace: settings.namespace, name: settings.name },
    retrying,
  });

  const { env } = io;
  const host = Deno.hostname();
  const above = env(HELD_LOCKS);
  const holder = () =>
    holderOf(backend, settings, name, settings.name ?? request.words[0]!, above, signals.interrupted);
  const register = settings.ledger.on
    ? await (await import("./open_register.ts")).openRegister(
      settings,
      { lock: name, label },
      io,
      logger,
      signals.interrupted,
    )
    : undefined;
  const plain = settings.waitAndSkip ? waitAndSkip : everyoneExecutes;
  const mode = register ? (await import("../modes/at_most_once.ts")).atMostOnce(plain, register) : plain;
  const variables = { name, key, host, server: settings.server, above };
  const all: Surroundings = {
    settings,
    request,
    io,
    logger,
    progress,
    will,
    signals,
    backend,
    mode,
    holder,
    register,
    retrying,
    variables,
  };
  const deadline = new Deadline(request.wait);
  for (let wait = request.wait;; wait = deadline.remaining) {
    try {
      return await takeTurn(wait, all);
    } catch (error) {
      // Nothing has run; but a run that the ledger has is not begun twice.
      if (!(error instanceof LockLostEarlyError) || register || deadline.passed) throw error;
      retrying(error);
      await delayOrAbort(Math.min(PAUSE, deadline.remaining), signals.interrupted);
    }
  }
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
