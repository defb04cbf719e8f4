import type { CommandEnd } from "../../child/supervise.ts";
import { MaxRunError, OtherSlotsError, QueueFullError, SeraError } from "../../errors.ts";
import { ExitCode } from "../../exit_codes.ts";
import { ReplacedError } from "../../lock/replacers.ts";
import type { HeldResult, SkippedResult } from "../../modes/mode.ts";
import { formatDuration } from "../../text/duration.ts";
import { within } from "../../waiting.ts";
import { executeHolding } from "./execute.ts";
import { NOT_RUN, release } from "./finish_run.ts";
import type { holderOf } from "./holder.ts";
import { interruptible } from "./interrupts.ts";
import type { Job } from "./job.ts";
import { showWaitIfLong } from "./show_if_long.ts";
import { lockVariables } from "./variables.ts";

/** How long the exit may wait for the holder's name where only a person at the terminal is told, in milliseconds. */
const LOOK_TIMEOUT = 500;

/**
 * Waits for the lock, runs the command unless it is to be skipped, and releases the lock.
 *
 * @param wait The wait in milliseconds; on a further attempt, what is left of it.
 * @returns The exit code.
 * @throws {InterruptedError} When a signal comes before the command is started.
 * @throws {LockLostEarlyError} When the lock is lost before that.
 */
export async function attemptRun(wait: number, job: Job): Promise<number> {
  const { lock, mode, limits, logger, retrying, inheritedLocks, watch: { signals: { interrupted } } } = job;
  const began = performance.now();
  // With max-waiters 0 it never waits.
  const isTold = (logger.isEnabled("info") || inheritedLocks !== undefined) && limits.maxWaiters !== 0;
  const waiting = isTold ? () => logWait(job) : undefined;
  let turn;
  let refusal: QueueFullError | ReplacedError | undefined;
  {
    using _line = showWaitIfLong(wait, job);
    try {
      turn = await interruptible(
        interrupted,
        () => mode(lock, { wait, signal: interrupted, logger, retrying, waiting }),
      );
    } catch (error) {
      if (error instanceof OtherSlotsError && job.identity.all.length > 1) {
        throw await (await import("./name_lock.ts")).namingLock(error, job, interrupted);
      }
      if (!(error instanceof QueueFullError || error instanceof ReplacedError)) throw error;
      refusal = error;
      turn = { outcome: "busy" } as const;
    }
  }
  const waited = () => Math.round(performance.now() - began);
  switch (turn.outcome) {
    case "busy":
      return await giveUp(job, waited, refusal);
    case "skipped":
      return await skip(turn, job, waited());
    case "held":
      return await execute(turn, job, waited());
  }
}

/** Logs whom sera waits for. With a limit of waiters it may be refused yet: only the server knows how many wait. */
async function logWait(job: Job): Promise<void> {
  const { maxWaiters } = job.limits;
  const { awaited, fields } = await holder(job, true);
  const unless = maxWaiters === undefined ? "" : `, unless too many wait already (--max-waiters ${maxWaiters})`;
  job.logger.log("info", "waiting", `Waiting for ${awaited}${unless}.`, { holder: fields });
}

/** Ends a run whose wait ran out, or that was not allowed to wait. */
async function giveUp(job: Job, waited: () => number, refusal?: Error): Promise<number> {
  const { request, logger, inheritedLocks, watch: { signals: { interrupted } } } = job;
  // `sera hold` is started by a person, who reads it.
  const [level, rest] = request.hold === undefined
    ? ["notice", " - the command was not executed."] as const
    : ["error", "."] as const;
  const isAsked = logger.isEnabled(level) || inheritedLocks !== undefined;
  const limit = logger.hasOnlyTerminal && inheritedLocks === undefined ? LOOK_TIMEOUT : Infinity;
  const { held = "somebody else holds it", fields } =
    isAsked && await interruptible(interrupted, () => within(limit, holder(job))) || {};
  const span = request.wait === 0 || refusal ? "" : ` within ${formatDuration(request.wait)}`;
  const message = `Lock not acquired${span}: ${held}${refusal ? `, and ${refusal.message}` : ""}${rest}`;
  logger.log(level, "busy", message, { waited: waited(), exitCode: ExitCode.busy, holder: fields });
  return ExitCode.busy;
}

/** Ends a run that is skipped. */
async function skip(turn: SkippedResult, { settings, logger, recorder }: Job, waited: number): Promise<number> {
  const exitCode = settings.detailedExitCodes ? ExitCode.skipped : ExitCode.ok;
  logger.exitsWith(exitCode);
  logger.announce("skipped", `${turn.reason} - skipped the command.`, { waited });
  await release(turn.lock, logger, performance.now(), () => NOT_RUN);
  await recorder?.prune();
  return exitCode;
}

/** Runs the command. */
async function execute(turn: HeldResult, job: Job, waited: number): Promise<number> {
  const {
    settings,
    request,
    identity: { names: name, keys: key, all, main },
    limits,
    io,
    logger,
    progress,
    watch,
    recorder,
    inheritedLocks,
  } = job;
  const { server, grace, onLost, minHold, maxRun, slots } = settings;
  const { lock, run, note } = turn;
  if (note !== undefined) logger.log("info", "note", note);
  const slot = slots === undefined ? undefined : lock.slot ?? 0;
  const which = slots === undefined || slots === 1 ? "" : `, slot ${slot} of ${slots}`;
  logger.log("info", "acquired", `Lock acquired after ${formatDuration(waited)}${which}.`, { waited, slot });
  if (request.hold !== undefined) return await (await import("../hold_lock.ts")).holdLock(lock, request.hold, job);
  const exitCode = await executeHolding({
    lock,
    words: request.words,
    watch,
    logger,
    io,
    progress,
    grace,
    onLost,
    minHold,
    run,
    variables: lockVariables({
      ...{ name, key, host: Deno.hostname(), server, inheritedLocks },
      held: [main.name, ...limits.also ?? []],
      // A lease goes on in another session.
      session: lock.token === undefined ? lock.session : undefined,
      runId: run?.id,
      slot,
      // The slot of a rule's lock is internal.
      tokens: lock.token === undefined ? undefined : [lock.token, ...lock.alsoTokens ?? []].slice(0, all.length),
    }),
    maxRun: maxRun === undefined
      ? undefined
      : { limit: maxRun, error: new MaxRunError(`The command ran longer than ${formatDuration(maxRun)} (--max-run)`) },
    exitCodeOf,
  });
  // After a lost lock its session may not answer.
  if (!lock.lost.aborted) await recorder?.prune();
  return exitCode;
}

/** What sera exits with after a command: its own exit code, or that of the reason why sera stopped it. */
export function exitCodeOf({ exitCode, stoppedBy }: CommandEnd): number {
  return stoppedBy instanceof SeraError ? stoppedBy.exitCode : exitCode;
}

/** Who holds a busy lock; what that takes is loaded only then. */
async function holder(job: Job, isWaiting = false): ReturnType<typeof holderOf> {
  const { identity: { all: locks }, watch, logger } = job;
  const { holderOf } = await import("./holder.ts");
  return await holderOf({ ...job, locks }, watch.signals.interrupted, { isWaiting, isLocal: logger.isInteractive });
}
