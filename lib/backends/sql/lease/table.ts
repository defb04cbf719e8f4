import type { LockFilter } from "../../../who/sighting.ts";
import type { Statement } from "../statement.ts";
import type { Asker } from "../asker.ts";
import type { Outcome } from "../batch.ts";
import type { Ending } from "../ending.ts";
import type { ReleaseWhere } from "../release_where.ts";
import type { Row } from "../row.ts";
import type { Look } from "./look.ts";
import type { LeaseList } from "./read_row.ts";
import type { Claim, Lease, Ownership } from "./row.ts";

/** What came of a claim, and what a look after it has shown. */
export interface ClaimAndLook {
  /** As `claim()` returns it. */
  readonly fence: bigint | undefined;
  /** The leases that others have, of the lock and all of its slots. */
  readonly others: readonly Lease[];
}

/** A statement that looks at all rows of a lock. It fails if there is no table. */
export interface Looking {
  readonly statement: Statement;
  read(rows: readonly Row[]): Look;
}

/** A row of a lease, and whose it is. */
export interface OwnRow {
  /** The name of the lock, or of one of its slots. */
  readonly lock: string;
  readonly mine: Ownership;
}

/** What came of a release that went with further statements. */
export interface Released {
  /** As `release()` returns it. */
  readonly isFreed: boolean;
  /** An outcome for each of them; none where each statement has to be sent by itself. */
  readonly outcomes: readonly Outcome[];
}

/**
 * The table of leases in a kind of database. Each call is one statement that decides and commits, and may be repeated
 * when its answer got lost.
 */
export interface LeaseTable {
  /** The table as messages name it. */
  readonly shown: string;

  /**
   * Acquires a lease whose row exists. Repeated by the same owner it keeps its number.
   *
   * @param above The SQL of a number that the fencing token must exceed; undefined if there is none.
   * @returns The fencing token; undefined if there is no row, or its lease is another's.
   * @throws {LockUnavailableError} When the table cannot be used, or its row makes no sense.
   */
  claim(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined>;

  /**
   * Like {@linkcode claim}; then looks at what others hold of the lock, once the claim is committed. In one message, where
   * the session takes several statements in one.
   */
  claimAndLook(asker: Asker, claim: Claim, above?: Statement): Promise<ClaimAndLook>;

  /** Looks at all rows of a lock. Shows none if there is no table. */
  look(asker: Asker, lock: string): Promise<Look>;

  /** Looks at all rows of a lock in a message with others. Absent where each statement has to be sent by itself. */
  looking?(lock: string): Looking;

  /**
   * Makes the row of a lock that has none, and acquires its lease. Creates the table if that is missing.
   *
   * @param above As for {@linkcode claim}.
   * @returns The fencing token; undefined if somebody else has made the row first.
   */
  insert(asker: Asker, claim: Claim, above?: Statement): Promise<bigint | undefined>;

  /** Like {@linkcode insert}, with a look as by {@linkcode claimAndLook}. */
  insertAndLook(asker: Asker, claim: Claim, above?: Statement): Promise<ClaimAndLook>;

  /** Renews a lease for its TTL, in milliseconds. Returns its beat by now; undefined if it was no longer ours. */
  renew(asker: Asker, lock: string, mine: Ownership, ttl: number): Promise<bigint | undefined>;

  /** Renews several leases, in one message if possible. Returns the beat of each, as {@linkcode renew} does. */
  renewAll(asker: Asker, rows: readonly OwnRow[], ttl: number): Promise<readonly (bigint | undefined)[]>;

  /** Changes one row, by SQL that all kinds of databases know. Returns whether there was such a row. */
  change(asker: Asker, set: Statement, where: Statement): Promise<boolean>;

  /**
   * Frees a lease.
   *
   * @param ending An end of a run to be recorded in the same transaction: both are done or neither.
   * @returns Whether it was still ours, and if an end was to be recorded, whether there was such a run.
   */
  release(asker: Asker, lock: string, mine: Ownership, ending?: Ending): Promise<boolean>;

  /**
   * Like {@linkcode release}; further statements go with it in the same message.
   *
   * @param then They come after the release, and may be run also where it failed.
   */
  releaseAnd(
    asker: Asker,
    lock: string,
    mine: Ownership,
    then: readonly Statement[],
    ending?: Ending,
  ): Promise<Released>;

  /** Frees a lease in a message with others. Its answer tells whether it was still ours. */
  freeing(row: OwnRow): ReleaseWhere;

  /** The condition that a lease is no longer this owner's. */
  isGone(lock: string, mine: Ownership): Statement;

  /** Reads the lease of a lock. Undefined if it is free, has no row or there is no table. */
  read(asker: Asker, lock: string): Promise<Lease | undefined>;

  /** Reads the leases that somebody has. Empty if there is no table. */
  list(asker: Asker, filter: LockFilter): Promise<LeaseList>;

  /** Which of these locks have a row, also if nobody has their lease. */
  known(asker: Asker, locks: readonly string[]): Promise<readonly string[]>;

  /** Deletes the row of a lock that nobody has. Returns whether this user may do so; false also if there is no table. */
  forget(asker: Asker, lock: string): Promise<boolean>;

  /** The table's definition for an administrator to run by hand, with the rights that a user needs. */
  schema(): string;
}
