import type { RunRequest } from "../../args/operands.ts";
import { Deadline } from "../../deadline.ts";
import { lineOf, LockLostEarlyError, type LockUnavailableError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { identitiesOf } from "../../lock/lock_identity.ts";
import type { Logger } from "../../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { Settings } from "../../settings/settings.ts";
import { modeOf } from "../../modes/mode_of.ts";
import { delayOrAbort } from "../../waiting.ts";
import { backendOptions } from "../backend_options.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { unlessInterrupted } from "./interrupts.ts";
import { limitsOf } from "./limits.ts";
import { attemptRun } from "./attempt_run.ts";
import { keyForLog } from "./variables.ts";
import { Watch } from "./watch.ts";

/** The pause before another try when a lock was lost at once, in milliseconds, so that such a server is not kept busy. */
const PAUSE = 500;

/**
 * sera's main job: gets the lock, runs the command, releases the lock.
 *
 * @param progress To be told when the command has been started and when it has ended.
 * @returns The exit code: the command's own, or one of `ExitCode`.
 * @throws {SeraError} When the command was not run.
 */
export async function runUnderLock(
  request: RunRequest,
  settings: Settings,
  io: Io,
  logger: Logger,
  progress: Progress,
): Promise<number> {
  const { server, namespace, name, splay, onLost } = settings;
  const identity = identitiesOf(request.words, settings);
  const { main, names, keys } = identity;
  const label = settings.label ?? identity.titles;
  logger.about({ lock: names, key: logger.isJson ? keyForLog(keys) : undefined, label });
  for (const note of settings.notes) logger.log("info", "note", lineOf(note));
  await using watch = new Watch(logger, names, server.offers.expires && onLost === "terminate");
  const { interrupted } = watch.signals;
  if (splay) {
    // Before anything is opened or checked for the lock, since the pause may be long.
    const endedBy = await (await import("./splay.ts")).pauseFor(splay, main.name, io, logger, interrupted);
    if (endedBy !== undefined) return endedBy;
  }
  const retrying = retryingOnce(logger);
  const limits = limitsOf(settings, identity);
  const options = { ...backendOptions(settings, label, io), retrying };
  await using plain = await server.lock(main.name, {
    ...options,
    names: namespace === undefined ? undefined : { namespace, name },
    ...limits,
    reconnected: (where, why) =>
      logger.log("info", "note", `Renewing the lease over a new connection to ${where}, since ${lineOf(why)}.`),
  });
  const lock = settings.replace || limits.slots
    ? (await import("./wrap_lock.ts")).wrapLock(plain, {
      ...limits,
      name: main.name,
      settings,
      io,
      logger,
      retrying,
      open: (name) => server.lock(name, options),
    })
    : plain;
  const recorder = settings.ledger.on
    ? await (await import("./open_recorder.ts")).openRecorder(
      settings,
      { lock: main.name, label },
      io,
      logger,
      interrupted,
    )
    : undefined;
  const inheritedLocks = io.env(HELD_LOCKS);
  const mode = await modeOf(settings, recorder);
  const job = {
    request,
    settings,
    io,
    logger,
    progress,
    identity,
    limits,
    lock,
    watch,
    mode,
    recorder,
    retrying,
    inheritedLocks,
  };

  return await unlessInterrupted(logger, async () => {
    const deadline = new Deadline(request.wait);
    for (let wait = request.wait;; wait = deadline.remaining) {
      try {
        return await attemptRun(wait, job);
      } catch (error) {
        // The command has not run, so try again; but not with a ledger, where the run would be recorded twice.
        if (!(error instanceof LockLostEarlyError) || recorder || deadline.passed) throw error;
        retrying(error);
        await delayOrAbort(Math.min(PAUSE, deadline.remaining), interrupted);
      }
    }
  }, request.hold === undefined ? undefined : "the lock was not taken");
}

/**
 * Reports trouble that sera waits out, each time it changes. The first report is for everybody, since the wait may be long.
 */
function retryingOnce(logger: Logger): (why: LockUnavailableError) => void {
  let told: string | undefined;
  return ({ message }) => {
    if (message === told) return;
    logger.log(told === undefined ? "error" : "notice", "note", `${message}; retrying until the wait is over.`);
    told = message;
  };
}
