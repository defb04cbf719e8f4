import { Deadline } from "../deadline.ts";
import { formatDuration } from "../text/duration.ts";
import { InterruptedError, lineOf, LockUnavailableError, type Trouble } from "../errors.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { type Ledger, RunGoneError } from "./ledger.ts";
import type { Rule } from "./run.ts";
import { quotedForShell } from "../text/shell_word.ts";
import { retryWhileHeld } from "./retry_while_held.ts";

/**
 * How long sera tries to record the end of a run while it holds the lock, in milliseconds. Longer than a backup or an
 * ALTER TABLE usually locks the table, or an attended disk stays full; but not forever, since everybody else waits.
 */
const RECORD_TIMEOUT = 300_000;

/** A run that has begun. */
export interface LedgerRun {
  /** Its number, which grows with every run of the lock. */
  readonly id: bigint;
  /** What follows if its end is not recorded, and what to do about that. */
  readonly unrecorded: Trouble;
  /**
   * Records its end. Only under the lock; as long as that is held, retries for up to five minutes.
   *
   * @param exitCode What sera exits with.
   * @param isLast Whether the lock is no longer needed then, so that it may be released at the same time.
   * @throws {LockUnavailableError} When that fails; the message says what happens next, and what to do.
   */
  finish(outcome: "succeeded" | "failed" | "unstarted", exitCode: number, isLast?: boolean): Promise<void>;
}

/** What is needed to record the end of a run. */
export interface RunContext {
  readonly rule: Rule;
  readonly logger: Logger;
  /** Fires when a signal is to end sera; then nothing is waited for any longer. */
  readonly interrupted: AbortSignal;
  /** The flags that name the lock, for messages; undefined if they must not be shown. */
  readonly lockFlags: string | undefined;
}

/** A run that the ledger has recorded and whose command is about to start. */
export function begunRun(id: bigint, lock: HeldLock, ledger: Ledger, terms: RunContext): LedgerRun {
  const { rule, logger, interrupted } = terms;
  const mayRunAgain = "the command may be run again";
  const unrecorded = {
    what: `run ${id} counts as abandoned, and ${
      rule.countFailures ? "may keep the command from being run again (--count-failures)" : mayRunAgain
    }`,
    cure: rule.countFailures ? "to let it run again, use sera forget" : "check what it has done before it runs again",
  };
  return {
    id,
    unrecorded,
    async finish(outcome, exitCode, isLast = false) {
      const ended = performance.now();
      ledger.limitWait(undefined);
      try {
        await retryWhileHeld(lock, {
          deadline: new Deadline(RECORD_TIMEOUT),
          signal: interrupted,
          mayPass: (error) => !ledger.isPermanent(error),
          retrying: logOnce(id, logger),
        }, () => ledger.finish(id, outcome, exitCode, rule, { ago: Math.round(performance.now() - ended), isLast }));
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const isGone = error instanceof RunGoneError ? error.isDeleted : ledger.isLedgerGone(error);
        const follows = isGone ? `, so ${mayRunAgain}` : `; ${unrecorded.what}`;
        const held = error.cause instanceof InterruptedError
          ? "the lock was held until sera closed its session after the signal"
          : await isHeld(lock)
          ? "the lock was held the whole time, so nobody else has run it"
          : `the lock was lost meanwhile, ${when(outcome, lock)}; sera history shows whether the end was recorded`;
        const cure = outcome === "succeeded" ? cureOf(terms, isGone) : undefined;
        // The ledger's cure stays beside its error, of which it speaks as "it" or "that"; this one is about the run.
        throw new LockUnavailableError(`${lineOf(error)}${follows}; ${held}`, cure);
      }
    },
  };
}

/** When a lock was lost, as far as known. */
function when(outcome: "succeeded" | "failed" | "unstarted", { heldToEnd, session }: HeldLock): string {
  if (outcome === "unstarted") return "and the command was not run here";
  // sera notices the end of a session at once, before its lease has run out.
  return heldToEnd || session
    ? "after the command had ended"
    : "and another node may have run the command at the same time";
}

/** Makes a function that logs why a run's end is not recorded yet, the first time that it is called. */
function logOnce(id: bigint, logger: Logger): (why: LockUnavailableError) => void {
  let isTold = false;
  return ({ message }) => {
    if (isTold) return;
    isTold = true;
    const limit = formatDuration(RECORD_TIMEOUT);
    const goesOn = `trying to record the end of run ${id} for another ${limit} at most, while the lock is held.`;
    try {
      logger.log("error", "note", `${message}; ${goesOn}`);
    } catch {
      // A log that fails must not keep the end from being recorded.
    }
  };
}

/**
 * How to keep a command that succeeded from being run again; undefined if the run still counts, or if no run would.
 *
 * @param isGone Whether the run is no longer in the ledger.
 */
function cureOf({ rule: { once, every, countFailures }, lockFlags }: RunContext, isGone: boolean): string | undefined {
  if (countFailures && !isGone || once === undefined && every === undefined) return undefined;
  const rule = once !== undefined ? `--once ${quotedForShell(once)}` : `--every ${formatDuration(every!)}`;
  const lock = lockFlags ?? "--name '<the command and its arguments>'";
  return `if it must not run again, record a success in its place: sera ${lock} ${rule} 0 true`;
}
