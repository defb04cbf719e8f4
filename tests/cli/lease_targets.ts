/** Where leases may live: the same tests run against each. */

// @ts-types="@types/pg"
import pg from "pg";
import { lockName } from "../../lib/lock/lock_name.ts";
import type { TableView } from "./ledger_view.ts";
import { ledgerOnMySql, ledgerOnPostgres } from "./ledger_view.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { type Galera, galeraUnavailable, startGalera } from "../servers/galera.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable } from "../servers/mysql56.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { lendMySql56, lendPostgres18 } from "../servers/pool.ts";
import { postgres18Unavailable } from "../servers/postgres18.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import type { Together } from "../side_by_side.ts";
import { linux, type Need } from "./needs.ts";
import { Place } from "./place.ts";

/** A ttl and a grace period that are short, and suit a slow machine: after 7 s of silence a lease may be taken over. */
export const SHORT: readonly string[] = ["--ttl", "6s", "--grace", "1s"];

/** Leases of one test alone. */
export interface StartedLeases extends AsyncDisposable {
  /** A place whose sera keeps leases there. */
  readonly place: Place;
  /** The same by another node of the database, where there is one. */
  readonly other: Place;
  /** The table, as SQL and the setting name it. */
  readonly table: string;
  readonly ledger: TableView;
  /** Runs one statement as an administrator. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Of the row of this key's lock, as text; undefined if there is none. */
  row(key: string): Promise<Readonly<Record<"owner" | "fence" | "beat", string | null>> | undefined>;
  /** Writes into that row. */
  write(key: string, assignments: string): Promise<void>;
  /** Until when it is valid, in milliseconds since 1970. */
  expires(key: string): Promise<number>;
  /** Keeps everybody else from writing into that row until it is disposed of. */
  block(key: string): Promise<AsyncDisposable>;
  /** SQL for the server's time in so many seconds. */
  inSeconds(seconds: number): string;
  /** How many claims a server is working on. */
  claims(): Promise<number>;
  /** Ends the connections of all sera processes, but of no other client. */
  cutAll(): Promise<void>;
}

/** SQL for the milliseconds since 1970. */
const EXPIRES = {
  mysql: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', expires) / 1000",
  postgres: "EXTRACT(EPOCH FROM expires) * 1000",
};

/** SQL for the changes of rows that a server is working on. */
const RUNNING = {
  mysql: "SELECT info AS statement FROM information_schema.processlist WHERE info LIKE 'UPDATE %'",
  postgres: "SELECT query AS statement FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock'",
};

/** An administrator's connection. */
interface Admin {
  query(sql: string): Promise<unknown>;
  end(): Promise<void>;
}

function asRoot({ socket: socketPath }: MySqlServer): Promise<Admin> {
  return connectMySql({ socketPath, user: "root", database: "sera" });
}

async function asPostgres({ socketFolder: host, port, database }: PostgresServer): Promise<Admin> {
  const client = new pg.Client({ host, port, user: "postgres", database, ssl: false });
  await client.connect();
  return client;
}

/** A server that keeps leases. */
export interface LeaseServerView {
  /** The `server` settings that lead there. */
  readonly settings: readonly string[];
  readonly server: MySqlServer | PostgresServer;
}

/** A kind of place for leases, whose servers are there for the tests of one file. */
export class LeaseTarget<V extends LeaseServerView = LeaseServerView> {
  readonly #view: () => V;
  #started = 0;

  /** @param hasSessionLocks Whether session locks work there too. */
  constructor(
    readonly name: string,
    readonly need: Need,
    launch: () => Promise<V & { stop(): Promise<void> }>,
    readonly hasSessionLocks = true,
  ) {
    this.#view = forThisFile(need, launch);
  }

  get view(): V {
    return this.#view();
  }

  async start(settings = this.view.settings): Promise<StartedLeases> {
    const { server } = this.view;
    const number = ++this.#started;
    const isMySql = server.kind === "mariadb" || server.kind === "mysql56";
    const table = isMySql ? `sera.leases_${number}` : `leases_${number}`;
    const ledger = isMySql
      ? ledgerOnMySql(server as MySqlServer, `runs_${number}`)
      : ledgerOnPostgres(server as PostgresServer, `runs_${number}`);
    const query = isMySql
      ? (sql: string) => server.query(sql)
      : (sql: string) => (server as PostgresServer).query(sql, (server as PostgresServer).database);
    const env = { SERA_LEASE: "true", SERA_LEASE_TABLE: table, SERA_LEDGER_TABLE: ledger.table };
    const [place, other] = await Promise.all(
      [settings[0]!, settings.at(-1)!].map((setting) => Place.make(setting, env)),
    ) as [Place, Place];
    const where = (key: string) => `WHERE name = '${lockName(key)}'`;
    const text = (column: string) => isMySql ? `CAST(${column} AS CHAR) AS ${column}` : `${column}::text`;
    return {
      ...{ place, other, table, ledger, query },
      async row(key) {
        const columns = ["owner", "fence", "beat"].map(text).join(", ");
        const [row] = await query(`SELECT ${columns} FROM ${table} ${where(key)}`);
        return row as Record<"owner" | "fence" | "beat", string | null> | undefined;
      },
      async write(key, assignments) {
        await query(`UPDATE ${table} SET ${assignments} ${where(key)}`);
      },
      async expires(key) {
        const [row] = await query(
          `SELECT ${isMySql ? EXPIRES.mysql : EXPIRES.postgres} AS ms FROM ${table} ${where(key)}`,
        );
        return Number(row!.ms);
      },
      inSeconds: (seconds) =>
        isMySql ? `UTC_TIMESTAMP(3) + INTERVAL ${seconds} SECOND` : `clock_timestamp() + interval '${seconds} seconds'`,
      async block(key) {
        const admin = await (isMySql ? asRoot(server as MySqlServer) : asPostgres(server as PostgresServer));
        await admin.query("BEGIN");
        await admin.query(`SELECT name FROM ${table} ${where(key)} FOR UPDATE`);
        return { [Symbol.asyncDispose]: () => admin.end() };
      },
      async claims() {
        const found = await query(isMySql ? RUNNING.mysql : RUNNING.postgres);
        return found.filter(({ statement }) => {
          return String(statement).includes(table.split(".").at(-1)!) && String(statement).includes(" owner = ");
        }).length;
      },
      async cutAll() {
        if (!isMySql) {
          await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${server.user}'`);
          return;
        }
        const found = await query(`SELECT id AS id FROM information_schema.processlist WHERE user = '${server.user}'`);
        // It is no error if one has gone by now.
        for (const { id } of found) await query(`KILL CONNECTION ${id}`).catch(() => undefined);
      },
      async [Symbol.asyncDispose]() {
        await place[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
      },
    };
  }

  /** Defines a test that is tried at the same time on all targets that have one of this name. */
  test(
    together: Together,
    name: string,
    fn: () => Promise<void>,
    options: Partial<Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources">> = {},
  ): void {
    if (this.need === undefined) together.test(this.name, name, fn, options);
    else console.log(`left out: ${name} on ${this.name}: ${this.need}`);
  }
}

/** A MariaDB that loses no acknowledged change in a crash. */
export function mariaDbTarget(): LeaseTarget<LeaseServerView & { readonly server: MySqlServer }> {
  return new LeaseTarget("MariaDB", linux ?? mariaDbUnavailable, async () => {
    const server = await startMariaDb({ extraArgs: ["--innodb-flush-log-at-trx-commit=2"] });
    return { server, settings: [server.dsn()], stop: () => server.stop() };
  });
}

export function postgresTarget(): LeaseTarget<LeaseServerView & { readonly server: PostgresServer }> {
  return new LeaseTarget("PostgreSQL", linux ?? systemPostgresUnavailable, async () => {
    const server = await startSystemPostgres();
    return { server, settings: [server.url()], stop: () => server.stop() };
  });
}

/** A pooler that gives each transaction another server session. */
export function pgBouncerTarget(): LeaseTarget<LeaseServerView & { readonly pooler: PgBouncer }> {
  const need = linux ?? systemPostgresUnavailable ?? pgBouncerUnavailable;
  return new LeaseTarget("PgBouncer in transaction mode", need, async () => {
    const server = await startSystemPostgres();
    const pooler = await startPgBouncer(server, "transaction", { default_pool_size: "4" });
    const stop = async () => {
      await pooler.stop();
      await server.stop();
    };
    return { server, pooler, settings: [pooler.url()], stop };
  }, false);
}

/** A cluster of two, which both take writes. */
function galeraTarget(): LeaseTarget<LeaseServerView & { readonly cluster: Galera }> {
  return new LeaseTarget("Galera", linux ?? galeraUnavailable, async () => {
    const cluster = await startGalera();
    const [server] = cluster.nodes;
    return { server, cluster, settings: cluster.nodes.map((node) => node.dsn()), stop: () => cluster.stop() };
  }, false);
}

function mySql56Target(): LeaseTarget {
  return new LeaseTarget("MySQL 5.6", linux ?? mysql56Unavailable, async () => {
    const server = await lendMySql56();
    return { server, settings: [server.dsn()], stop: () => server.stop() };
  });
}

/** Not among {@linkcode useLeaseTargets}, since it does as the other one. */
export function postgres18Target(): LeaseTarget {
  return new LeaseTarget("PostgreSQL 18", linux ?? postgres18Unavailable, async () => {
    const server = await lendPostgres18();
    return { server, settings: [server.url()], stop: () => server.stop() };
  });
}

/** One of each kind, for the tests of one file. */
export function useLeaseTargets(): readonly LeaseTarget[] {
  return [mariaDbTarget(), mySql56Target(), postgresTarget(), galeraTarget(), pgBouncerTarget()];
}
