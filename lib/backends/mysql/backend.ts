import type { Trouble } from "../../errors.ts";
import type {
  Backend,
  BackendLock,
  LeasePlace,
  LedgerPlace,
  LockOptions,
  Observer,
  Offers,
  Shown,
} from "../backend.ts";
import type { Report } from "../../doctor/report.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { presenceOf } from "../../lock/presence.ts";
import { identityOfAddress } from "../network/address.ts";
import { parseMySqlDsn } from "./dsn.ts";
import type { MySqlDsn } from "./server.ts";
import type { MySqlOptions } from "./options.ts";

/** `GET_LOCK` locks of MySQL or MariaDB. */
export class MySqlBackend implements Backend {
  readonly kind = "mysql";
  readonly title = "MySQL";
  readonly notes = [];
  readonly dsn: MySqlDsn;

  constructor(dsn: MySqlDsn) {
    this.dsn = dsn;
  }

  get identity(): string {
    return `mysql:${this.dsn.addresses.map(identityOfAddress).join(",")}`;
  }

  /** As in the Go driver, a Unix socket may use TLS too. */
  get offers(): Offers {
    return {
      namespaces: false,
      leases: true,
      severalServers: this.dsn.addresses.length > 1,
      ledgerTable: true,
      tls: this.dsn.tls === "verify" ? "verified" : { verifyBy: "tls=true" },
      expires: true,
      mayBeUnsafe: true,
    };
  }

  async shown(): Promise<Shown> {
    const { shownMySql } = await import("./shown.ts");
    return shownMySql(this.kind, this.dsn);
  }

  async lock(name: string, options: LockOptions): Promise<BackendLock> {
    const { leaseTable, slots, also = [], maxWaiters } = options;
    if (leaseTable) {
      return (await import("./lease_lock.ts")).mySqlLeaseLock(this.dsn, optionsFor(name, options), leaseTable);
    }
    if (slots !== undefined || also.length > 0 || maxWaiters !== undefined) {
      const { LimitedMySqlLock } = await import("./limited_lock.ts");
      return new LimitedMySqlLock(this.dsn, optionsFor(name, options));
    }
    const { MySqlLock } = await import("./lock.ts");
    return new MySqlLock(this.dsn, optionsFor(name, options));
  }

  async observe(name: string, options: LockOptions, signal: AbortSignal): Promise<Observer> {
    const { observeMySql } = await import("./observer.ts");
    return await observeMySql(this.dsn, optionsFor(name, options), signal);
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    const [{ checkDatabase }, { mySqlDatabase }] = await Promise.all([
      import("../sql/checks.ts"),
      import("./checks.ts"),
    ]);
    const { leaseTable, ledger } = options;
    const full = optionsFor(name, options);
    const leases = leaseTable && ledger &&
      (await import("./lease_checks.ts")).mySqlLeaseDatabase(this.dsn, full, leaseTable, ledger.table);
    const database = mySqlDatabase(this.dsn, full, leases);
    const allowed = options.allowUnsafeServer && !leases;
    await checkDatabase(report, database, allowed, () => this.lock(name, { ...options, leaseTable: undefined }));
  }

  get leases(): LeasePlace {
    const { dsn } = this;
    return {
      async schema(table) {
        const { mySqlLeases } = await import("./lease.ts");
        return mySqlLeases(table).schema();
      },
      missing: (table) => noDatabase(dsn, table, "--lease-table DATABASE.sera_leases"),
    };
  }

  get ledger(): LedgerPlace {
    const { dsn } = this;
    return {
      async load(table, _env, patience) {
        const [{ ledgerIn }, { mySqlStore }] = await Promise.all([
          import("../sql/ledger_in.ts"),
          import("./ledger.ts"),
        ]);
        return ledgerIn(mySqlStore, table, patience);
      },
      async schema(table) {
        const [{ schemaText }, { mySqlDialect }] = await Promise.all([
          import("../sql/schema.ts"),
          import("./ledger.ts"),
        ]);
        return schemaText(mySqlDialect(table));
      },
      missing: (table) => noDatabase(dsn, table, "--ledger-table DATABASE.sera_runs"),
      async check(table, testRun, options) {
        const { checkMySqlLedger } = await import("./ledger_checks.ts");
        return await checkMySqlLedger(dsn, table, testRun, optionsFor(testRun.lock, options));
      },
    };
  }
}

/** Why a table has no database to be in, and what to do; undefined if it has one. */
function noDatabase({ database }: MySqlDsn, { schema }: TableName, flag: string): Trouble | undefined {
  if (database !== "" || schema !== undefined) return undefined;
  return {
    what: "the server setting names no database for its table",
    cure: `add one after the slash, user:password@tcp(host)/DATABASE, or set ${flag}`,
  };
}

function optionsFor(name: string, options: LockOptions): MySqlOptions & LockOptions {
  const { slots, also, leaseTable } = options;
  return { ...options, presence: { ...presenceOf(name, options), slots, also }, leased: leaseTable !== undefined };
}

/**
 * Reads a DSN of the Go driver, or a `mysql://` URL.
 *
 * @throws {DsnError} For text that is neither.
 */
export function parse(text: string): MySqlBackend {
  return new MySqlBackend(parseMySqlDsn(text));
}
