/**
 * The contract of a place that keeps locks. One kind of place is one folder beside this file and one line in
 * `registry.ts`; nothing outside of this folder asks which one it is.
 */

import type { Finding, Report } from "../doctor/report.ts";
import type { LockUnavailableError, Trouble } from "../errors.ts";
import type { Ledger, OpenLedger, RunRehearsal } from "../ledger/ledger.ts";
import type { Patience } from "../ledger/patience.ts";
import type { TableName } from "../ledger/table_name.ts";
import type { LeaseTerms } from "../lock/lease.ts";
import type { Lock } from "../lock/lock.ts";
import type { Asker } from "../lock/presence.ts";
import type { LockFilter, Seen } from "../who/sighting.ts";

/** The `server` setting, read: where locks live. Making one connects to nothing. */
export interface Backend {
  /** The kind of place, as `sera doctor --json` shows it. */
  readonly kind: string;
  /** The kind of place, for people: "PostgreSQL". */
  readonly title: string;
  /** What is odd about how it was written, a line each, for those who ask. */
  readonly notes: readonly Trouble[];
  /** What not every place has. What one lacks is refused where it is asked for, in a sentence made from this. */
  readonly offers: Offers;
  /** Tells places apart: the same for all who share its locks, whoever they are. Without a user or a password. */
  readonly identity: string;

  /** What people and machines are shown of it; loaded only for those who ask. */
  shown(): Promise<Shown>;

  /**
   * Which parts of it that decide whom its locks exclude come from elsewhere than the setting, such as `host from PGHOST`.
   * Absent where none can.
   */
  foreignParts?(): Promise<readonly string[]>;

  /**
   * Makes a lock. It connects when it is asked for.
   *
   * @param name From `lockNameIn()`.
   * @throws {LockUnavailableError} When there is nowhere to keep it.
   */
  lock(name: string, options: LockOptions): Promise<BackendLock>;

  /**
   * Connects to look only, also where a run would refuse to lock. A place that no run has made yet is left so.
   *
   * @param name The lock that others see this session to be about.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  observe(name: string, options: LockOptions, signal: AbortSignal): Promise<Observer>;

  /**
   * Tries the place as a run would use it, and tells the report of each part.
   *
   * @param name The name of a lock that nobody else has.
   */
  check(report: Report, name: string, options: LockOptions): Promise<void>;

  /** Absent where there is none. */
  readonly ledger?: LedgerPlace;
}

/** What completes a `server` setting. */
export interface Surroundings {
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** PEM file with the CA that signed the server's certificate, if the `tls-ca` setting names one. */
  readonly tlsCa?: string | undefined;
}

/** What not every place has. */
export interface Offers {
  readonly namespaces: boolean;
  /** Whether the ledger is in a table, which can be given a name. */
  readonly ledgerTable: boolean;
  /**
   * What `tls-ca` is good for: certificates that are verified; a way without TLS; or certificates that are not looked at,
   * with what to set to have them verified: `sslmode=verify-full`.
   */
  readonly tls: "verified" | "none" | { readonly verifyBy: string };
  /** Whether a lock goes by itself when it is not renewed, so that a command has to be stopped before. */
  readonly expires: boolean;
  /** Whether it can turn out to be none that excludes everybody, which `allow-unsafe-server` then overrides. */
  readonly mayBeUnsafe: boolean;
}

/** A place, without its password. */
export interface Shown {
  /** On one line. */
  readonly line: string;
  /** As `sera doctor --json` shows it, `kind` included. Of a password it tells only whether there is one. */
  readonly view: Readonly<Record<string, unknown>>;
}

/** What a lock needs besides its name. */
export interface LockOptions extends Asker {
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  readonly lease: LeaseTerms;
  /** Whether to lock also where a lock does not exclude everybody. */
  readonly allowUnsafeServer: boolean;
  /** Told of what is wrong before each further try. */
  readonly retrying: (why: LockUnavailableError) => void;
  /** What others may see of the command: never its words but the first, for they may hold secrets. */
  readonly label: string;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/** A lock that can tell who has it. */
export interface BackendLock extends Lock {
  /**
   * Who holds it and who waits for it, as far as this user may see; asked in the session that it is asked for in.
   *
   * @param table The ledger's table, which may be missing.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  sightings(table: TableName, signal: AbortSignal): Promise<Seen>;
}

/** Looks at locks, in a connection of its own. Dispose of it. */
export interface Observer extends AsyncDisposable {
  /** Which locks cannot be seen from here since they are another server's, and what to do; undefined if none. */
  readonly elsewhere: string | undefined;
  /**
   * Who holds locks and who waits for them, as far as this user may see; whoever looks does not count.
   *
   * @param table The ledger's table, which may be missing.
   * @throws {LockUnavailableError} When the place cannot be asked.
   */
  sightings(filter: LockFilter, table: TableName, signal: AbortSignal): Promise<Seen>;
  /**
   * Reads the ledger in the same connection.
   *
   * @returns Undefined where no run has made it yet.
   * @throws {LockUnavailableError} When it cannot be read.
   */
  ledger(table: TableName, patience: Patience): Promise<Ledger | undefined>;
}

/** Where runs are recorded, beside the locks. */
export interface LedgerPlace {
  /**
   * Loads what the ledger needs, which takes longer than to open it: so that is done before the lock is held.
   *
   * @throws {LockUnavailableError} When it cannot be kept there.
   */
  load(table: TableName, env: LockOptions["env"], patience: Patience): Promise<OpenLedger>;
  /** The table's definition, for an administrator to run by hand; absent where sera makes it by itself. */
  schema?(table: TableName): Promise<string>;
  /** Why the ledger cannot be kept there as the settings stand, and what to do; undefined if it can. */
  missing?(table: TableName): Trouble | undefined;
  /**
   * Records a run as a real one would be, in ways that leave nothing.
   *
   * @throws {LockUnavailableError} When a run could not be recorded.
   */
  check(table: TableName, rehearsal: RunRehearsal, options: LockOptions): Promise<Finding>;
}
