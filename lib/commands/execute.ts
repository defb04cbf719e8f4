import type { SignalRelay } from "../child/signals.ts";
import type { LastWill } from "../child/last_will.ts";
import { SpareThread } from "../child/spare_thread.ts";
import { getsOwnSession, RefusedStartError, type RunningCommand, startCommand } from "../child/spawn.ts";
import { holdsPassword } from "../config/holds_password.ts";
import { delayOrAbort } from "../deadline.ts";
import { formatDuration } from "../duration.ts";
import {
  afterTheEnd,
  type InterruptedError,
  LockLostEarlyError,
  LockLostError,
  LockUnavailableError,
  messageOf,
  verdictOf,
} from "../errors.ts";
import { type Io, LONGEST_FLUSH, VariableError } from "../io.ts";
import type { LedgerRun } from "../ledger/begun_run.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import type { Progress } from "../progress.ts";
import type { Supervised } from "../supervise.ts";
import { tell } from "../log/tell.ts";
import { KILLED, untilEnded } from "./until_ended.ts";

/** What follows from a lock that was gone when it was to be given back. */
export const NOT_RUN = "the command was not run here";
const AT_THE_SAME_TIME = "another node may have run the command at the same time";

/** What the execution of a command goes by. */
export interface Execution {
  readonly signals: SignalRelay;
  readonly will: LastWill;
  readonly logger: Logger;
  readonly io: Io;
  /** Is told when the command has been started and when it has ended. */
  readonly progress: Progress;
  /** How long the command has between SIGTERM and SIGKILL, in milliseconds. */
  readonly grace: number;
  readonly onLost: "terminate" | "warn";
  /** How long the lock is kept at least, in milliseconds. */
  readonly minHold?: number | undefined;
  /** The run in the ledger, if there is one. */
  readonly run?: LedgerRun | undefined;
  /** What the command's environment says of the lock; undefined takes a variable out. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** How long it may run, in milliseconds, and what to say when it is stopped for that. */
  readonly maxRun?: { readonly limit: number; readonly error: Error } | undefined;
  /** What sera exits with when the command has ended so. */
  readonly statusOf: (ended: Supervised) => number;
}

/**
 * Runs a command under a lock, stops it when the lock is lost or sera itself fails, and gives the lock back, last of all,
 * once the command has been reaped, and all of its process group where sera has ended it.
 *
 * @throws {CommandStartError} When it cannot be started; the lock is given back.
 * @throws {LockLostEarlyError} When the lock is lost before it is started.
 */
export async function executeHolding(
  lock: HeldLock,
  words: readonly string[],
  execution: Execution,
): Promise<Supervised> {
  const { signals, will, logger, io, progress, run, minHold, statusOf } = execution;
  logger.inRun(run?.id);
  const since = performance.now();
  using _thread = new SpareThread();
  await Promise.all([will.ready, io.flush?.(LONGEST_FLUSH)]);
  if (!will.isKept) logger.log("info", "note", "There is no /bin/sh: should sera be killed, the command would go on.");
  await confirm(lock);
  if (signals.interrupted.aborted) {
    const exitCode = tellInterrupted(signals.interrupted.reason, logger);
    await record(lock, execution, "unstarted", exitCode);
    await release(lock, logger, since, () => NOT_RUN);
    return { exitCode };
  }

  signals.expect(getsOwnSession());
  let command: RunningCommand;
  try {
    hidePassword(io);
    for (const [name, value] of Object.entries(execution.variables)) setVariable(name, value);
    progress.throwIfGivenUp();
    await will.throwIfBroken();
    command = startCommand(words);
  } catch (error) {
    const cause = error instanceof RefusedStartError
      ? (await import("../child/why_not_started.ts")).notStarted(error)
      : error;
    await record(lock, execution, "unstarted", verdictOf(cause).exitCode);
    await release(lock, logger, since, () => NOT_RUN);
    throw cause;
  }
  will.onGone = (message) => logger.log("error", "note", message);
  progress.started();
  const supervised = await untilEnded(command, words[0]!, lock, execution);
  lock.commandEnded();
  const { exitCode } = supervised;
  let { stoppedBy } = supervised;
  progress.ended(statusOf(supervised));
  await despite(execution, async () => {
    signals.endPassingOn();
    if (run) will.forget();
    stoppedBy ??= await killedByWill(exitCode, execution);
  });
  const status = statusOf(stoppedBy ? { exitCode, stoppedBy } : { exitCode });
  progress.ended(status);
  logger.exitsWith(status);

  const held = Math.round(performance.now() - since);
  const how = stoppedBy ? `stopped after ${formatDuration(held)}` : `finished with exit code ${exitCode}`;
  tell(logger, "info", "finished", `Command ${how}.`, { held, commandExitCode: exitCode });
  const outcome = exitCode === 0 && !stoppedBy ? "succeeded" : "failed";
  const wasLost = lock.lost.aborted;
  let isRecorded = false;
  await despite(execution, async () => void (isRecorded = await record(lock, execution, outcome, status)));
  if (stoppedBy instanceof LockLostError) return { exitCode, stoppedBy };
  await despite(execution, () => keep(lock, execution, held));
  // A lock that was lost while the end was recorded has been told of, and there is nothing to give back.
  const isTold = !wasLost && !isRecorded && lock.lost.aborted;
  const ifGone = () => {
    // Who could record the end in the lock's own session had the lock until then.
    if (!lock.heldToEnd && !(run && isRecorded && lock.session)) return AT_THE_SAME_TIME;
    return minHold === undefined || held >= minHold
      ? "another node may have run the command since it ended here"
      : "the command had ended before, but another node may have run it before min-hold was over";
  };
  await Promise.all([
    despite(execution, () => isTold ? Promise.resolve() : release(lock, logger, since, ifGone)),
    despite(execution, () => will[Symbol.asyncDispose]()),
  ]);
  return stoppedBy ? { exitCode, stoppedBy } : { exitCode };
}

/** What an exit code of SIGKILL means when the last will has sent it, since sera did not move while its time ran out. */
async function killedByWill(
  exitCode: number,
  { will, logger, statusOf }: Execution,
): Promise<LockLostError | undefined> {
  if (exitCode !== KILLED || !(await will.testify())?.fenced) return undefined;
  const error = new LockLostError(
    "Lock lost: sera was stopped or stuck until its time was over, and the command was killed",
  );
  tell(logger, "error", "error", error.message, { exitCode: statusOf({ exitCode, stoppedBy: error }) });
  return error;
}

/**
 * Tells that a signal has ended sera before the command was started.
 *
 * @returns What sera exits with.
 */
export function tellInterrupted({ message, signalNumber }: InterruptedError, logger: Logger): number {
  const exitCode = 128 + signalNumber;
  logger.exitsWith(exitCode);
  logger.log("info", "interrupted", `${message} - the command was not executed.`);
  return exitCode;
}

/** Looks at the lock once more, since time may have passed: sera may have been suspended. */
async function confirm(lock: HeldLock): Promise<void> {
  try {
    await lock.confirm();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    throw new LockLostEarlyError(`${messageOf(error)}; the command was not started`);
  }
}

/** Does what comes after the command's end, whose exit code stands whatever goes wrong there. */
async function despite({ logger }: Execution, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    tell(logger, "error", "error", afterTheEnd(error));
  }
}

/**
 * Records the run's end in the ledger. That it is not there is said, but the command's own exit code is kept.
 *
 * @returns Whether it is there, or does not have to be.
 */
async function record(
  lock: HeldLock,
  { run, logger }: Execution,
  outcome: "succeeded" | "failed" | "unstarted",
  exitCode: number,
): Promise<boolean> {
  if (!run) return true;
  if (lock.lost.aborted) {
    tell(logger, "error", "error", `Not recorded in the ledger: ${run.ifUnrecorded}`);
    return false;
  }
  try {
    await run.finish(outcome, exitCode);
    return true;
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    tell(logger, "error", "error", error.message);
    return false;
  }
}

/** Keeps the lock for as long as it is to be held at least, unless a signal has ended, or ends, the run. */
async function keep(lock: HeldLock, { minHold, signals, will, logger }: Execution, held: number): Promise<void> {
  if (minHold === undefined || held >= minHold || signals.passedOn !== undefined || lock.lost.aborted) return;
  const over = AbortSignal.any([signals.endPassingOn(), lock.lost]);
  const kept = delayOrAbort(minHold - held, over);
  // The command's number may become another process's while the lock is kept; once it has ended it cannot be asked.
  await signals.learnIgnored();
  await will[Symbol.asyncDispose]();
  // What is lost after this look was held until the command had ended.
  if (await Promise.race([isHeld(lock), kept.then(() => false)])) {
    logger.log("info", "note", `Keeping the lock for another ${formatDuration(minHold - held)} (min-hold).`);
  }
  await kept;
}

/**
 * Gives the lock back. When it was gone by then, that is said, but the command's own exit code is kept.
 *
 * @param ifGone Says what follows if it was.
 */
export async function release(
  lock: HeldLock,
  logger: Logger,
  since: number,
  ifGone: () => string,
): Promise<void> {
  try {
    await lock.release();
    const held = Math.round(performance.now() - since);
    logger.log("info", "released", `Lock released, held for ${formatDuration(held)}.`, { held });
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    logger.log("error", "error", `${messageOf(error)}; ${ifGone()}`);
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}

/**
 * Keeps a server's password out of the command's environment, also when a flag has named another server. A server that is
 * known to have none stays, for a sera in the command; such a one can tell that it was taken away.
 */
function hidePassword(io: Io): void {
  if (!holdsPassword(serverVariable(io))) return;
  Deno.env.delete("SERA_SERVER");
  Deno.env.set("SERA_SERVER_REMOVED", "true");
}

function serverVariable(io: Io): string {
  try {
    return io.env("SERA_SERVER") ?? "";
  } catch (error) {
    // What is no text at all may be anything.
    if (error instanceof VariableError) return "password";
    throw error;
  }
}
