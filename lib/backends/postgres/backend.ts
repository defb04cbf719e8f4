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
  Surroundings,
} from "../backend.ts";
import type { Report } from "../../doctor/report.ts";
import { presenceOf } from "../../lock/presence.ts";
import { systemUser } from "../../system/user.ts";
import { identityOfAddress } from "../network/address.ts";
import { isPostgresServer, parsePostgresServer } from "./address.ts";
import type { PostgresServer, PostgresSurroundings } from "./server.ts";
import type { PostgresOptions } from "./options.ts";

/** Advisory locks of PostgreSQL, in one database. */
export class PostgresBackend implements Backend {
  readonly kind = "postgres";
  readonly title = "PostgreSQL";
  readonly server: PostgresServer;
  readonly #foreignParts: () => Promise<readonly string[]>;

  /** @param foreignParts Gives the result of {@linkcode Backend.foreignParts}. */
  constructor(server: PostgresServer, foreignParts: () => Promise<readonly string[]> = () => Promise.resolve([])) {
    this.server = server;
    this.#foreignParts = foreignParts;
  }

  get notes(): readonly Trouble[] {
    return this.server.notes;
  }

  /** With the database, since each has its own locks. */
  get identity(): string {
    const { hosts, database } = this.server;
    return `postgres:${hosts.map(({ address }) => identityOfAddress(address)).join(",")}/${database}`;
  }

  get offers(): Offers {
    const { hosts, sslmode } = this.server;
    // As in libpq, a Unix socket never uses TLS.
    const tls = hosts.every(({ address }) => address.transport === "unix")
      ? "none"
      : sslmode.startsWith("verify-")
      ? "verified"
      : { verifyBy: "sslmode=verify-full" };
    return {
      namespaces: true,
      leases: true,
      // Of several hosts, one is the primary.
      severalServers: false,
      ledgerTable: true,
      tls,
      expires: true,
      mayBeUnsafe: true,
    };
  }

  async shown(): Promise<Shown> {
    const { shownPostgres } = await import("./shown.ts");
    return shownPostgres(this.kind, this.server);
  }

  foreignParts(): Promise<readonly string[]> {
    return this.#foreignParts();
  }

  async lock(name: string, options: LockOptions): Promise<BackendLock> {
    const { leaseTable } = options;
    if (leaseTable) {
      const { postgresLeaseLock } = await import("./lease_lock.ts");
      return postgresLeaseLock(this.server, optionsFor(name, options), leaseTable);
    }
    const { PostgresLock } = await import("./lock.ts");
    const slots = options.slots === undefined ? undefined : new (await import("./slots.ts")).Slots(name, options.slots);
    return new PostgresLock(this.server, optionsFor(name, options), slots);
  }

  async observe(name: string, options: LockOptions, signal: AbortSignal): Promise<Observer> {
    const { observePostgres } = await import("./observer.ts");
    return await observePostgres(this.server, optionsFor(name, options), signal);
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    const [{ checkDatabase }, { postgresDatabase }] = await Promise.all([
      import("../sql/checks.ts"),
      import("./checks.ts"),
    ]);
    const { leaseTable, ledger } = options;
    const full = optionsFor(name, options);
    const leases = leaseTable && ledger &&
      (await import("./lease_checks.ts")).postgresLeaseDatabase(this.server, full, leaseTable, ledger.table);
    const database = postgresDatabase(this.server, full, leases);
    const allowed = options.allowUnsafeServer && !leases;
    await checkDatabase(report, database, allowed, () => this.lock(name, { ...options, leaseTable: undefined }));
  }

  get leases(): LeasePlace {
    return {
      async schema(table) {
        const { postgresLeases } = await import("./lease.ts");
        return postgresLeases(table).schema();
      },
    };
  }

  get ledger(): LedgerPlace {
    const { server } = this;
    return {
      async load(table, _env, patience) {
        const [{ ledgerIn }, { postgresStore }] = await Promise.all([
          import("../sql/ledger_in.ts"),
          import("./ledger.ts"),
        ]);
        return ledgerIn(postgresStore, table, patience);
      },
      async schema(table) {
        const [{ schemaText }, { postgresDialect }] = await Promise.all([
          import("../sql/schema.ts"),
          import("./ledger.ts"),
        ]);
        return schemaText(postgresDialect(table));
      },
      async check(table, testRun, options) {
        const { checkPostgresLedger } = await import("./ledger_checks.ts");
        return await checkPostgresLedger(server, table, testRun, optionsFor(testRun.lock, options));
      },
    };
  }
}

function optionsFor(name: string, options: LockOptions): PostgresOptions & LockOptions {
  const { slots, also } = options;
  return { ...options, presence: { ...presenceOf(name, options), slots, also } };
}

/**
 * Reads a PostgreSQL URL or libpq's keywords.
 *
 * @returns Undefined for text that is neither.
 * @throws {DsnError} When it cannot be used.
 */
export function parse(text: string, surroundings: Surroundings): PostgresBackend | undefined {
  return isPostgresServer(text) ? parsePostgres(text, surroundings) : undefined;
}

/**
 * Reads a PostgreSQL server, completed from libpq's variables and files.
 *
 * @param text A libpq connection string; an empty one takes everything from variables and files.
 * @throws {DsnError} When it cannot be used.
 */
export function parsePostgres(text: string, surroundings: Surroundings): PostgresBackend {
  const withUser = withSystemUser(surroundings);
  return new PostgresBackend(
    parsePostgresServer(text, withUser),
    async () => (await import("./origins.ts")).foreignParts(text, withUser),
  );
}

function withSystemUser({ env, tlsCa }: Surroundings): PostgresSurroundings {
  return {
    env,
    tlsCa,
    get home() {
      return env("HOME") ?? env("USERPROFILE") ?? systemUser()?.homedir;
    },
    systemUser: () => systemUser()?.username,
  };
}
