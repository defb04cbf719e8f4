import { Deadline } from "../deadline.ts";
import { formatDuration } from "../text/duration.ts";
import { InterruptedError, LockUnavailableError } from "../errors.ts";
import { type HeldLock, isHeld } from "../lock/lock.ts";
import type { Logger } from "../log/logger.ts";
import { type Ledger, RunGoneError } from "./ledger.ts";
import type { Rule } from "./run.ts";
import { quotedForShell } from "../text/shell_word.ts";
import { whileHeld } from "./while_held.ts";

/**
 * How long sera tries to record the end of a run while it holds the lock, in milliseconds. Longer than a backup or a
 * change of the table keeps it locked, or a disk is full that somebody looks after; but not for ever, since all others
 * wait meanwhile.
 */
const LONGEST_RECORDING = 300_000;

/** A run that has begun. */
export interface LedgerRun {
  /** Its number, which grows with every run of the lock. */
  readonly id: bigint;
  /** What follows if its end is not recorded, for people. */
  readonly ifUnrecorded: string;
  /**
   * Records its end; only while the lock is held. Trouble that may pass is waited out as long, five minutes at most.
   *
   * @param exitCode What sera exits with.
   * @throws {LockUnavailableError} When that is not possible; the message says what follows, and what to do.
   */
  finish(outcome: "succeeded" | "failed" | "unstarted", exitCode: number): Promise<void>;
}

/** What a run goes by when its end is recorded. */
export interface RunTerms {
  readonly rule: Rule;
  readonly logger: Logger;
  /** Fires at a signal that is to end sera: then nothing is waited for any longer. */
  readonly interrupted: AbortSignal;
  /** The flags that name the lock, for people; undefined if they are not to be shown. */
  readonly lockFlags: string | undefined;
}

/** A run that the ledger has, whose command is about to be started under the lock. */
export function begunRun(id: bigint, lock: HeldLock, ledger: Ledger, terms: RunTerms): LedgerRun {
  const { rule, logger, interrupted } = terms;
  const mayRunAgain = "the command may be run again";
  const ifUnrecorded = `run ${id} counts as abandoned, and ${
    rule.countFailures ? "may keep the command from being run again (count-failures)" : mayRunAgain
  }`;
  return {
    id,
    ifUnrecorded,
    async finish(outcome, exitCode) {
      const ended = performance.now();
      ledger.hurry(undefined);
      try {
        await whileHeld(lock, {
          deadline: new Deadline(LONGEST_RECORDING),
          signal: interrupted,
          mayPass: (error) => !ledger.isLasting(error),
          retrying: tellOnce(id, logger),
        }, () => ledger.finish(id, outcome, exitCode, rule, Math.round(performance.now() - ended)));
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const isGone = error instanceof RunGoneError ? error.isDeleted : ledger.isWithoutTable(error);
        const follows = isGone ? `, so ${mayRunAgain}` : `; ${ifUnrecorded}`;
        const held = error.cause instanceof InterruptedError
          ? "the lock was held until sera gave its session up after the signal"
          : await isHeld(lock)
          ? "the lock was held all the time, so nobody else has run it"
          : `the lock was lost meanwhile, ${when(outcome, lock)}; sera history shows whether the end was recorded`;
        const cure = outcome === "succeeded" ? cureOf(terms, isGone) : undefined;
        throw new LockUnavailableError(`${error.message}${follows}; ${held}`, cure);
      }
    },
  };
}

/** When a lock was lost, as far as that is known. */
function when(outcome: "succeeded" | "failed" | "unstarted", { heldToEnd, session }: HeldLock): string {
  if (outcome === "unstarted") return "and the command was not run here";
  // What becomes of a session is heard at once, and its lease had not run out then.
  return heldToEnd || session
    ? "after the command had ended"
    : "and another node may have run the command at the same time";
}

/** Says once why a run's end is not recorded yet. */
function tellOnce(id: bigint, logger: Logger): (why: LockUnavailableError) => void {
  let isTold = false;
  return ({ message }) => {
    if (isTold) return;
    isTold = true;
    const limit = formatDuration(LONGEST_RECORDING);
    const goesOn = `trying to record the end of run ${id} for another ${limit} at most, while the lock is held.`;
    try {
      logger.log("error", "note", `${message}; ${goesOn}`);
    } catch {
      // What cannot be said must not keep the end from being recorded.
    }
  };
}

/**
 * How to keep a command that succeeded from being run again; undefined where it is anyway, or where nothing would.
 *
 * @param isGone Whether nothing is left of the run.
 */
function cureOf({ rule: { once, every, countFailures }, lockFlags }: RunTerms, isGone: boolean): string | undefined {
  if (countFailures && !isGone || once === undefined && every === undefined) return undefined;
  const rule = once !== undefined ? `--once ${quotedForShell(once)}` : `--every ${formatDuration(every!)}`;
  const lock = lockFlags ?? "--name '<the command and its arguments>'";
  return `if it must not run again, record a success in its place: sera ${lock} ${rule} 0 true`;
}
