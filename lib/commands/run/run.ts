import type { RunRequest } from "../../args/operands.ts";
import { Deadline } from "../../deadline.ts";
import { lineOf, LockLostEarlyError, type LockUnavailableError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import type { LockOptions } from "../../backends/backend.ts";
import { lockName } from "../../lock/lock_name.ts";
import { identityOf } from "../../lock/lock_identity.ts";
import type { Logger } from "../../log/logger.ts";
import type { Progress } from "./progress.ts";
import type { Settings } from "../../settings/settings.ts";
import { modeOf } from "../../modes/mode_of.ts";
import { delayOrAbort } from "../../waiting.ts";
import { backendOptions } from "../backend_options.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { unlessInterrupted } from "./interrupts.ts";
import { takeTurn } from "./take_turn.ts";
import { keyForLog } from "./variables.ts";
import { Watch } from "./watch.ts";

/** The pause before another try when a lock was lost at once, in milliseconds, so that such a server is not kept busy. */
const PAUSE = 500;

/**
 * sera's main job: gets the lock, runs the command, gives the lock back.
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
  const identity = identityOf(request.words, settings);
  const label = settings.label ?? identity.title;
  logger.about({ lock: identity.name, key: logger.isJson ? keyForLog(identity.key) : undefined, label });
  for (const note of settings.notes) logger.log("info", "note", lineOf(note));
  await using watch = new Watch(logger, identity.name, server.offers.expires && onLost === "terminate");
  const { interrupted } = watch.signals;
  if (splay) {
    // Before anything is opened or checked for the lock, since the pause may be long.
    const endedBy = await (await import("./splay.ts")).pauseFor(splay, identity.name, io, logger, interrupted);
    if (endedBy !== undefined) return endedBy;
  }
  const retrying = retryingOnce(logger);
  await using lock = await server.lock(identity.name, {
    ...backendOptions(settings, label, io),
    names: namespace === undefined ? undefined : { namespace, name },
    ...limitsOf(settings, identity.name),
    retrying,
    reconnected: (where, why) =>
      logger.log("info", "note", `Renewing the lease over a new connection to ${where}, since ${lineOf(why)}.`),
  });
  const recorder = settings.ledger.on
    ? await (await import("./open_recorder.ts")).openRecorder(
      settings,
      { lock: identity.name, label },
      io,
      logger,
      interrupted,
    )
    : undefined;
  const above = io.env(HELD_LOCKS);
  const mode = await modeOf(settings, recorder);
  const job = { request, settings, io, logger, progress, identity, lock, watch, mode, recorder, retrying, above };

  return await unlessInterrupted(logger, async () => {
    const deadline = new Deadline(request.wait);
    for (let wait = request.wait;; wait = deadline.remaining) {
      try {
        return await takeTurn(wait, job);
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
 * How many may hold the lock, and wait for it. With several holders a rule about runs needs a lock of its own: else two of
 * them could look into the ledger at once, and both find no run that counts.
 */
function limitsOf(
  { slots, maxWaiters, ledger: { once, every } }: Settings,
  lock: string,
): Pick<LockOptions, "slots" | "also" | "maxWaiters"> {
  const isPlain = slots === undefined || slots === 1;
  if (isPlain) return { maxWaiters };
  const also = once === undefined && every === undefined
    ? undefined
    : [lockName(`${lock} ${every === undefined ? `once ${once}` : "every"}`)];
  return { slots, also, maxWaiters };
}

/**
 * Reports trouble that sera waits out, each time it changes. The first report is for everybody, since the wait may be long.
 */
function retryingOnce(logger: Logger): (why: LockUnavailableError) => void {
  let told: string | undefined;
  return ({ message }) => {
    if (message === told) return;
    logger.log(told === undefined ? "error" : "notice", "note", `${message}; trying again until the wait is over.`);
    told = message;
  };
}
