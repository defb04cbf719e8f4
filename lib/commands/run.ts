import type { RunRequest } from "../args/operands.ts";
import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import type { Settings } from "../config/config.ts";
import { Deadline, delayOrAbort } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import { InterruptedError, LockLostEarlyError, type LockUnavailableError, MaxRunError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { Register } from "../ledger/register.ts";
import type { Backend } from "../lock/lock.ts";
import { namespacedName } from "../lock/namespaced_name.ts";
import { lockKey, lockName } from "../lock/lock_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import type { Logger } from "../log/logger.ts";
import { everyoneExecutes, type Mode, waitAndSkip } from "../modes.ts";
import type { Progress } from "../progress.ts";
import { backendOptions } from "./backend_options.ts";
import { executeHolding, tellInterrupted } from "./execute.ts";
import { NOT_RUN, release } from "./give_back.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { holderOf } from "./holder.ts";
import { statusOf } from "./until_ended.ts";
import { keyForLog, lockVariables } from "./variables.ts";

/** The pause before another try when a lock was lost at once, in milliseconds: a server that keeps none is not kept busy. */
const PAUSE = 500;

/**
 * sera's main job: gets the lock, runs the command, gives the lock back.
 *
 * @param progress Is told how far it has come, for what throws besides.
 * @returns The exit code: the command's own, or one of {@linkcode ExitCode}.
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
  const name = settings.namespace === undefined ? lockName(key) : namespacedName(settings.namespace, key);
  const label = settings.label ?? settings.name ?? request.words[0]!;
  logger.about({ lock: name, key: logger.isJson ? keyForLog(key) : undefined, label });
  for (const note of settings.notes) logger.log("info", "note", note);
  const { onLost } = settings;
  await using will = new LastWill({
    timed: settings.server.kind !== "file" && onLost === "terminate",
    inGroup: !getsOwnSession(),
    jsonAbout: logger.isJson ? name : undefined,
  });
  const signals = new SignalRelay(will);
  // The last line tells what sera exits with.
  if (logger.isJson && logger.tells("info")) signals.endByAll();
  const retrying = retryingOnce(logger);
  await using backend = await openBackend(settings.server, name, {
    ...backendOptions(settings, label, io),
    names: settings.namespace === undefined ? undefined : { namespace: settings.namespace, name: settings.name },
    retrying,
  });

  const { env } = io;
  const host = Deno.hostname();
  const above = env(HELD_LOCKS);
  const holder = () =>
    holderOf(backend, settings, name, settings.name ?? request.words[0]!, above, { env, signal: signals.interrupted });
  const register = settings.ledger.on
    ? await (await import("../ledger/open_register.ts")).openRegister(
      settings,
      { lock: name, label, host },
      io,
      logger,
      signals.interrupted,
    )
    : undefined;
  const plain = settings.waitAndSkip ? waitAndSkip : everyoneExecutes;
  const mode = register ? (await import("../at_most_once.ts")).atMostOnce(plain, register) : plain;
  const variables = { name, key, host, server: settings.server, above };
  const all = {
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

/** What a turn goes by. */
interface Surroundings {
  readonly settings: Settings;
  readonly request: RunRequest;
  readonly io: Io;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly will: LastWill;
  readonly signals: SignalRelay;
  readonly backend: Backend;
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
async function takeTurn(wait: number, all: Surroundings): Promise<number> {
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
