import type { Deadline } from "../deadline.ts";
import { LockUnavailableError, type Trouble } from "../errors.ts";
import type { HeldLock } from "../lock/lock.ts";
import type { Outcome, Permission, RecordedRun, Rule, Runner } from "./run.ts";

/**
 * Remembers what ran, beside the lock. Whatever is written about a lock is written by its holder, so that the lock keeps
 * others from writing about it; and a holder that dies between any two writes leaves what the next one can go on from.
 */
export interface Ledger {
  /** Whose clock its times are by, for people. */
  readonly clock: "server" | "machine";

  /** From now on others are waited for until then at most; undefined takes that back. */
  hurry(deadline: Deadline | undefined): void;

  /** Whether an error says that the place will say so again until somebody changes the table, rights or values. */
  isLasting(error: LockUnavailableError): boolean;

  /** Whether an error says that there is no table. */
  isWithoutTable(error: LockUnavailableError): boolean;

  /**
   * Marks runs of this lock as abandoned whose holder died before it recorded their end. Only under the lock.
   *
   * @returns Those runs, or the first hundred.
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  abandon(lock: string): Promise<readonly RecordedRun[]>;

  /**
   * Marks a run of this very process that was perhaps recorded, without an answer that said so: its command has not been
   * started. Only under the lock.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  takeBack(lock: string, runner: Runner): Promise<void>;

  /**
   * Records that a run begins, unless another counts by the rule. Only under the lock, after {@linkcode abandon}.
   *
   * @throws {LockUnavailableError} When the ledger cannot be used.
   */
  begin(lock: string, runner: Runner, rule: Rule): Promise<Permission>;

  /**
   * Records the end of a run. Only under the lock.
   *
   * @param exitCode What sera exits with.
   * @param ago How long ago it was, in milliseconds.
   * @throws {RunGoneError} When the run is not there, has ended, or does not take it.
   * @throws {LockUnavailableError} When that is not possible.
   */
  finish(id: bigint, outcome: Outcome, exitCode: number, rule: Rule, ago?: number): Promise<void>;

  /**
   * Records that there was nothing to do. Only under the lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
  skip(lock: string, runner: Runner, rule: Rule): Promise<void>;

  /**
   * Forgets runs whose time is over, whatever their lock. Needs no lock.
   *
   * @throws {LockUnavailableError} When that is not possible.
   */
  prune(): Promise<void>;

  /**
   * The latest runs, the newest first.
   *
   * @param lock Only those of this lock.
   * @param beginnings Only those of locks whose names begin in one of these ways, of digits, letters, commas and dashes.
   * @returns None when no run has been recorded yet.
   * @throws {LockUnavailableError} When the ledger cannot be read.
   */
  latest(limit: number, lock?: string, beginnings?: readonly string[]): Promise<readonly RecordedRun[]>;
}

/**
 * Opens the ledger that is beside a lock, for the lock's holder.
 *
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export type OpenLedger = (held: HeldLock) => Promise<Ledger>;

/** A run that is recorded to see whether it can be, and taken back. */
export interface RunRehearsal {
  /** A lock's name that nobody else has, so that no other run counts. */
  readonly lock: string;
  readonly rule: Rule;
  readonly runner: Runner;
}

/** The run whose end is to be recorded is not there, or has not taken it. */
export class RunGoneError extends LockUnavailableError {
  /** @param isDeleted Whether it is not there. */
  constructor({ what, cure }: Trouble, readonly isDeleted: boolean) {
    super(what, cure);
  }
}
