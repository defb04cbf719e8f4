import type { LockFilter } from "../../../who/sighting.ts";
import type { Statement } from "../statement.ts";
import type { Querier } from "../querier.ts";
import type { Outcome } from "../batch.ts";
import type { Ending } from "../ending.ts";
import type { ReleaseWhere } from "../release_where.ts";
import type { Row } from "../row.ts";
import type { Snapshot } from "./snapshot.ts";
import type { LeaseList } from "./read_row.ts";
import type { Claim, Lease, Ownership } from "./row.ts";

/** The result of a claim, and the other leases as read after it. */
export interface ClaimAndOthers {
  /** As `claim()` returns it. */
  readonly fence: bigint | undefined;
  /** The leases that others have, of the lock and all of its slots. */
  readonly others: readonly Lease[];
}

/** A statement that reads all rows of a lock. It fails if there is no table. */
export interface SnapshotQuery {
  readonly statement: Statement;
  read(rows: readonly Row[]): Snapshot;
}

/** A row of a lease, and its owner. */
export interface OwnRow {
  /** The name of the lock, or of one of its slots. */
  readonly lock: string;
  readonly mine: Ownership;
}

/** The result of a release that was sent with further statements. */
export interface Released {
  /** As `release()` returns it. */
  readonly isFreed: boolean;
  /** An outcome for each of those; none where each statement has to be sent separately. */
  readonly outcomes: readonly Outcome[];
}

/**
 * The table of leases in a kind of database. Each call is one statement that decides and commits, and may be repeated
 * if its answer was lost.
 */
export interface LeaseTable {
  /** The table as messages name it. */
  readonly shown: string;

  /**
   * Acquires a lease whose row exists. A repetition by the same owner gets the same token.
   *
   * @param above The SQL of a number that the fencing token must exceed; undefined if there is none.
   * @returns The fencing token; undefined if there is no row, or somebody else holds the lease.
   * @throws {LockUnavailableError} When the table cannot be used, or the row is invalid.
   */
  claim(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined>;

  /**
   * Like {@linkcode claim}; then, once the claim is committed, reads what others hold of the lock. In one message, if the
   * session accepts several statements in one.
   */
  claimAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers>;

  /** Reads all rows of a lock. None if there is no table. */
  snapshot(querier: Querier, lock: string): Promise<Snapshot>;

  /** The query of {@linkcode snapshot}, to be sent with others. Absent where each statement has to be sent separately. */
  snapshotQuery?(lock: string): SnapshotQuery;

  /**
   * Creates the row of a lock that has none, and acquires its lease. Creates the table if it is missing.
   *
   * @param above As for {@linkcode claim}.
   * @returns The fencing token; undefined if somebody else has created the row first.
   */
  insert(querier: Querier, claim: Claim, above?: Statement): Promise<bigint | undefined>;

  /** Like {@linkcode insert}, and reads the others like {@linkcode claimAndReadOthers}. */
  insertAndReadOthers(querier: Querier, claim: Claim, above?: Statement): Promise<ClaimAndOthers>;

  /** Renews a lease for its TTL, in milliseconds. Returns its new beat; undefined if it was no longer ours. */
  renew(querier: Querier, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined>;

  /** Renews several leases, in one message if possible. Returns the beat of each, as {@linkcode renew} does. */
  renewAll(querier: Querier, rows: readonly OwnRow[], ttl: number): Promise<readonly (bigint | undefined)[]>;

  /** Changes one row, with SQL that works in all kinds of databases. Returns whether there was such a row. */
  change(querier: Querier, set: Statement, where: Statement): Promise<boolean>;

  /**
   * Frees a lease.
   *
   * @param ending An end of a run to record in the same transaction: both are done or neither.
   * @returns Whether it was still ours, and if an end was to be recorded, whether there was such a run.
   */
  release(querier: Querier, lock: string, mine: Ownership, ending?: Ending): Promise<boolean>;

  /**
   * Like {@linkcode release}, with further statements in the same message.
   *
   * @param then Statements after the release, which may be run even if it failed.
   */
  releaseAnd(
    querier: Querier,
    lock: string,
    mine: Ownership,
    then: readonly Statement[],
    ending?: Ending,
  ): Promise<Released>;

  /** A statement that frees a lease, to be sent with others. Its answer tells whether it was still ours. */
  freeing(row: OwnRow): ReleaseWhere;

  /** The condition that a lease is no longer this owner's. */
  isGone(lock: string, mine: Ownership): Statement;

  /** Reads the lease of a lock. Undefined if it is free, or there is no row or no table. */
  read(querier: Querier, lock: string): Promise<Lease | undefined>;

  /** Reads the leases that are held. Empty if there is no table. */
  list(querier: Querier, filter: LockFilter): Promise<LeaseList>;

  /** Which of these locks have a row, free or not. */
  known(querier: Querier, locks: readonly string[]): Promise<readonly string[]>;

  /** Deletes the row of a lock if it is free. Returns whether this user may do so; also true if there is no table. */
  forget(querier: Querier, lock: string): Promise<boolean>;

  /** The table's definition for an administrator to run by hand, with the privileges that a user needs. */
  schema(): string;
}
