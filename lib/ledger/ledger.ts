import type { Deadline } from "../deadline.ts";
import { LockUnavailableError, type Trouble } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Outcome, Permission, RecordedRun, Rule, RunFilter, Runner } from "./run.ts";
import type { LockSummary } from "./summary.ts";

/**
 * Records the runs of each lock. Only the lock's holder writes about it, so the lock keeps others from doing so at the same
 * time; and a holder that dies between any two writes leaves records that the next one can go on from.
 */
export interface Ledger {
  /** Whose clock its times are by, for messages. */
  readonly clock: "server" | "machine";

  /** From now on waits for others until the deadline at most; undefined removes that limit. */
  limitWait(deadline: Deadline | undefined): void;

  /** Whether a retry is pointless until somebody changes the ledger, a privilege or a value. */
  isPermanent(error: LockUnavailableError): boolean;

  /** Whether an error says that the whole ledger is gone, and all runs with it. */
  isLedgerGone(error: LockUnavailableError): boolean;

  /**
   * Marks runs as abandoned if their holder died before it recorded their end: those of this lock, or of this slot of it, and
   * those of slots that the lock does not have any more. Only under the lock, whose holders agree on the number of slots: so
   * nobody holds a slot beyond that. What was left in a slot that still exists is marked by the next one who holds it.
   *
   * @param lock The name of the lock, or of the slot that is held.
   * @param next The rule of the {@linkcode begin} that follows at once, so that both can share a round trip.
   * @param slots How many slots the lock has; 1 for a plain lock.
   * @returns Those runs, at most a hundred of the lock or slot itself.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  abandon(lock: string, next?: Rule, slots?: number): Promise<readonly RecordedRun[]>;

  /**
   * Marks a run of this process as unstarted, if there is one: an attempt to begin it got no answer, so it may have been
   * recorded, but its command was not started. Only under the lock.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  takeBack(lock: string, runner: Runner): Promise<void>;

  /**
   * Records that a run begins, unless by the rule an earlier one counts, in whichever slot. Only under the lock, after
   * {@linkcode abandon}. If failures count, so do runs in other slots that have not ended: however they end, they will count.
   *
   * @param lock The name of the lock, or of the slot that is held.
   * @param slots How many slots the lock has; 1 for a plain lock.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  begin(lock: string, runner: Runner, rule: Rule, slots?: number): Promise<Permission>;

  /**
   * Records the end of a run. Only under the lock.
   *
   * @param exitCode What sera exits with.
   * @throws {RunGoneError} When the run has been deleted, has already ended, or does not keep the change.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  finish(id: bigint, outcome: Outcome, exitCode: number, rule: Rule, about?: RunEnd): Promise<void>;

  /**
   * Records a skipped run. Only under the lock.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  skip(lock: string, runner: Runner, rule: Rule): Promise<void>;

  /**
   * Deletes expired runs of all locks. Needs no lock.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  prune(): Promise<void>;

  /**
   * The latest runs, the newest first.
   *
   * @returns Empty if no run has been recorded yet.
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  latest(limit: number, filter?: RunFilter): Promise<readonly RecordedRun[]>;

  /**
   * All runs of a lock, in whichever slot, that keep its command from being run by the rule, the newest first. If failures count, so do runs
   * that have not ended: unless their holder lives, they are about to be marked as abandoned.
   *
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  countingRuns(lock: string, rule: Rule, limit: number): Promise<readonly RecordedRun[]>;

  /**
   * Makes a run that has ended no longer count, and records who did that. Only under the lock.
   *
   * @param run As it was read; if it has another outcome by now, nothing is changed.
   * @param by Its label is replaced.
   * @param keepHistory For how long both are kept, in milliseconds.
   * @throws {RunGoneError} When the run has changed, or does not keep the change.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  forget(run: RecordedRun, by: Runner, keepHistory: number): Promise<void>;

  /**
   * What happened to the runs of each lock; the locks with the newest runs first.
   *
   * @param within Counts runs that began less than so many milliseconds ago, by the ledger's clock.
   * @param limit The most locks.
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  summaries(within: number, limit: number): Promise<readonly LockSummary[]>;
}

/** More about the end of a run. */
export interface RunEnd {
  /** How long ago it ended, in milliseconds; by default just now. */
  readonly ago?: number;
  /** Whether the lock is no longer needed then, so that it may be released at the same time. By default it is needed. */
  readonly isLast?: boolean;
}

/**
 * Opens the ledger for the holder of a lock.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export type OpenLedger = (held: HeldLock) => Promise<Ledger>;

/** A run that `sera doctor` records as a test, and then takes back. */
export interface TestRun {
  /** A lock name that nobody else uses, so that no other run counts. */
  readonly lock: string;
  readonly rule: Rule;
  readonly runner: Runner;
}

/** The run whose end is to be recorded has been deleted, or has not kept the change. */
export class RunGoneError extends LockUnavailableError {
  /** @param isDeleted Whether it has been deleted. */
  constructor({ what, cure }: Trouble, readonly isDeleted: boolean) {
    super(what, cure);
  }
}
