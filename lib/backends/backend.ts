/**
 * The contract of a backend, a place that keeps locks. Each kind of backend is a folder next to this file and an entry in
 * `registry.ts`; nothing outside this folder asks which kind it has.
 */

import type { Finding, Report } from "../doctor/report.ts";
import type { LockUnavailableError, Trouble } from "../errors.ts";
import type { Ledger, OpenLedger, TestRun } from "../ledger/ledger.ts";
import type { Patience } from "../ledger/patience.ts";
import type { TableName } from "../ledger/table_name.ts";
import type { LeaseTerms } from "../lock/lease.ts";
import type { Limits } from "../lock/limits.ts";
import type { Lock } from "../lock/lock.ts";
import type { Asker } from "../lock/presence.ts";
import type { HolderHandle } from "../who/holder_handle.ts";
import type { LockFilter, Seen, Sighting } from "../who/sighting.ts";

/** The parsed `server` setting: where locks are kept. Creating one does not connect. */
export interface Backend {
  /** The kind of place, as `sera doctor --json` shows it. */
  readonly kind: string;
  /** The kind of place, for people: "PostgreSQL". */
  readonly title: string;
  /** Oddities in how it was written, a line each; shown with `--verbose`. */
  readonly notes: readonly Trouble[];
  /** Optional features. A setting that needs one that is missing is refused, with a message made from this. */
  readonly offers: Offers;
  /**
   * Identifies the place: the same for all settings that share its locks, and for no others. Contains no user and no
   * password.
   */
  readonly identity: string;

  /** Describes it, for people and machines; loaded only when needed. */
  shown(): Promise<Shown>;

  /**
   * What decides which server or database keeps the locks, but does not come from the setting: `host from PGHOST`. Absent
   * where there can be nothing of the kind.
   */
  foreignParts?(): Promise<readonly string[]>;

  /**
   * Creates a lock object, which connects when it is first used.
   *
   * @param name From `lockNameIn()`.
   * @throws {LockUnavailableError} When the place cannot be used.
   */
  lock(name: string, options: LockOptions): Promise<BackendLock>;

  /**
   * Connects for reading only, even where a run would refuse to lock. Creates nothing.
   *
   * @param name The lock's name that this session shows to other observers.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  observe(name: string, options: LockOptions, signal: AbortSignal): Promise<Observer>;

  /**
   * Checks the place as a run would use it, and adds a line to the report for each part.
   *
   * @param name The name of a lock that nothing else uses.
   */
  check(report: Report, name: string, options: LockOptions): Promise<void>;

  /** Absent where the place keeps no ledger. */
  readonly ledger?: LedgerPlace;

  /** Absent where `offers` has no leases in rows. */
  readonly leases?: LeasePlace;
}

/** What a `server` setting depends on besides its text. */
export interface Surroundings {
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** PEM file with the CA that signed the server's certificate, if the `tls-ca` setting names one. */
  readonly tlsCa?: string | undefined;
}

/** Features that a place may lack. */
export interface Offers {
  readonly namespaces: boolean;
  /** Whether a lock can be kept in a row, which outlives the connection; `anyway` where every lock outlives it. */
  readonly leases: boolean | "anyway";
  /** Whether the setting names several servers, each with locks of its own: they share locks only with leases. */
  readonly severalServers: boolean;
  /** Whether the ledger is in a table, whose name can be set. */
  readonly ledgerTable: boolean;
  /**
   * What `tls-ca` would do: help to verify certificates; nothing, without TLS; or nothing, since certificates are not
   * verified unless this is set: `sslmode=verify-full`.
   */
  readonly tls: "verified" | "none" | { readonly verifyBy: string };
  /** Whether a lock expires unless it is renewed, so that a command must be stopped before that. */
  readonly expires: boolean;
  /** Whether its locks may turn out not to be cluster-wide, which `allow-unsafe-server` accepts. */
  readonly mayBeUnsafe: boolean;
}

/** A description of a place, without its password. */
export interface Shown {
  /** One line, for people. */
  readonly line: string;
  /** As `sera doctor --json` shows it, including `kind`; says whether there is a password, but never the password. */
  readonly view: Readonly<Record<string, unknown>>;
}

/** What a lock needs besides its name. */
export interface LockOptions extends Asker, Limits {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** Where to keep the lock's row; undefined to lock without one. */
  readonly leaseTable?: TableName | undefined;
  /** The ledger, whose numbers serve as tokens where there are no leases; and whether this run is recorded in it. */
  readonly ledger?: { readonly table: TableName; readonly on: boolean } | undefined;
  /** Called when the holder of a lease has reconnected, with the reason why the previous connection ended. */
  readonly reconnected?: ((where: string, why: Trouble) => void) | undefined;
  /** Whether to use a server whose locks are not cluster-wide. */
  readonly allowUnsafeServer: boolean;
  /** Called with what is wrong before each retry. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** What others may see of the command: only its first word, since the other words may be secret. */
  readonly label: string;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/** A lock that can show who holds it. */
export interface BackendLock extends Lock {
  /**
   * Who holds it and who waits for it, including its slots and the locks held with it, as far as this user may see. Uses
   * the lock's own session.
   *
   * @param table The ledger's table, which may be missing.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  sightings(table: TableName, signal: AbortSignal): Promise<Seen>;
}

/** Shows locks over a connection of its own. Must be disposed of. */
export interface Observer extends AsyncDisposable {
  /** Says which locks are kept by another server and cannot be seen here, and what to do; undefined if none. */
  readonly elsewhere: string | undefined;
  /**
   * Who holds locks and who waits for them, as far as this user may see, without the observer itself.
   *
   * @param table The ledger's table, which may be missing.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  sightings(filter: LockFilter, table: TableName, signal: AbortSignal): Promise<Seen>;
  /**
   * Prepares to end a holder that {@linkcode sightings} has shown. Must be disposed of before the observer.
   *
   * @throws {LockUnavailableError} When the holder cannot be identified for certain.
   */
  handleOf(holder: Sighting, signal: AbortSignal): Promise<HolderHandle>;
  /**
   * Reads the ledger in the same connection.
   *
   * @returns Undefined if no run has created it yet.
   * @throws {LockUnavailableError} When it cannot be read.
   */
  ledger(table: TableName, patience: Patience): Promise<Ledger | undefined>;
}

/** Where durable locks are kept: one row each, in a table. */
export interface LeasePlace {
  /** The table's definition, for an administrator to run by hand. */
  schema(table: TableName): Promise<string>;
  /** Why they cannot be kept there as the settings stand, and what to do; undefined if they can. */
  missing?(table: TableName): Trouble | undefined;
}

/** Where runs are recorded, next to the locks. */
export interface LedgerPlace {
  /**
   * Loads the code and the settings of the ledger. That takes longer than opening it, so it is done before the lock is held.
   *
   * @throws {LockUnavailableError} When it cannot be kept there.
   */
  load(table: TableName, env: LockOptions["env"], patience: Patience): Promise<OpenLedger>;
  /** The table's definition, for an administrator to run by hand; absent where sera always creates it. */
  schema?(table: TableName): Promise<string>;
  /** Why the ledger cannot be kept there as the settings stand, and what to do; undefined if it can. */
  missing?(table: TableName): Trouble | undefined;
  /**
   * Records a run like a real one, and leaves no trace.
   *
   * @throws {LockUnavailableError} When a run could not be recorded.
   */
  check(table: TableName, testRun: TestRun, options: LockOptions): Promise<Finding>;
}
