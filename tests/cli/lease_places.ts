/** Where leases may be kept: the same tests run against each. */

import { forThisFile } from "../servers/for_this_file.ts";
import { type Galera, galeraUnavailable, startGalera } from "../servers/galera.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { lendMariaDb, lendSystemPostgres } from "../servers/pool.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, type Need, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** A kind of place. */
export interface LeasePlace {
  readonly name: string;
  /** Whether session locks work there too. */
  readonly hasSessionLocks: boolean;
  test(name: string, fn: (place: StartedLeasePlace) => Promise<void>): void;
}

/** A place with a table for one test alone. */
export interface StartedLeasePlace {
  /** Its seras use leases. */
  readonly place: Place;
  /** The `server` setting, and one that leads to the same locks, over another node where there are several. */
  readonly server: string;
  readonly other: string;
  readonly table: string;
  query(statement: string): Promise<Record<string, unknown>[]>;
  /** SQL for the server's time in so many seconds. */
  inSeconds(seconds: number): string;
}

type View = Pick<StartedLeasePlace, "server" | "other" | "query" | "inSeconds">;

let tables = 0;

/** All kinds, for the tests of one file. */
export function useLeasePlaces(): readonly LeasePlace[] {
  const mariaDb = forThisFile<MySqlServer>(linux ?? mariaDbUnavailable, lendMariaDb);
  const postgres = forThisFile<PostgresServer>(linux ?? systemPostgresUnavailable, lendSystemPostgres);
  const galera = forThisFile<Galera>(linux ?? galeraUnavailable, startGalera);
  const noPool = linux ?? systemPostgresUnavailable ?? pgBouncerUnavailable;
  const pool = forThisFile(noPool, startPool);
  return [
    kind("MariaDB", linux ?? mariaDbUnavailable, true, () => viewOfMySql(mariaDb(), mariaDb())),
    kind("PostgreSQL", linux ?? systemPostgresUnavailable, true, () => viewOfPostgres(postgres(), postgres().url())),
    kind("Galera", linux ?? galeraUnavailable, false, () => viewOfMySql(...galera().nodes)),
    kind("PgBouncer", noPool, false, () => viewOfPostgres(pool().server, pool().bouncer.url())),
  ];
}

function kind(name: string, need: Need, hasSessionLocks: boolean, view: () => View): LeasePlace {
  return {
    name,
    hasSessionLocks,
    test: (what, fn) =>
      testWith([need], `${name}: ${what}`, async () => {
        const seen = view();
        const table = `leases_${++tables}`;
        await using place = await Place.make(seen.server, { SERA_LEASE: "true", SERA_LEASE_TABLE: table });
        await fn({ place, table, ...seen });
      }),
  };
}

/** A pooler in transaction mode, and the server behind it. */
async function startPool(): Promise<{ bouncer: PgBouncer; server: PostgresServer; stop(): Promise<void> }> {
  const server = await lendSystemPostgres();
  const bouncer = await startPgBouncer(server, "transaction");
  return {
    bouncer,
    server,
    async stop() {
      await bouncer.stop();
      await server.stop();
    },
  };
}

function viewOfMySql(server: MySqlServer, other: MySqlServer): View {
  const inDatabase = (server: MySqlServer) => server.dsn().replace("/?", "/sera?");
  return {
    server: inDatabase(server),
    other: inDatabase(other),
    query: (statement) => server.query(statement.replaceAll("leases_", "sera.leases_")),
    inSeconds: (seconds) => `UTC_TIMESTAMP(3) + INTERVAL ${seconds} SECOND`,
  };
}

function viewOfPostgres(server: PostgresServer, url: string): View {
  return {
    server: url,
    other: url,
    query: (statement) => server.query(statement),
    inSeconds: (seconds) => `clock_timestamp() + interval '${seconds} seconds'`,
  };
}
