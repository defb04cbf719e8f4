/** `sera doctor` and a run agree on servers: one fails exactly when the other does. */

import assert from "node:assert/strict";
import { SharedServer } from "../backends/shared_server.ts";
import { type Certificates, makeCertificates } from "../servers/certificates.ts";
import { galeraUnavailable, startGalera } from "../servers/galera.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { sideBySide } from "../side_by_side.ts";
import { doctor } from "./doctor_report.ts";
import { linux, testWith } from "./needs.ts";
import { sera } from "./program.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-doctor-run-" });
let certificates: Certificates;
Deno.test.beforeAll(async () => {
  if (linux === undefined) certificates = await makeCertificates(folder);
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** That doctor says this, and ends as a run does. */
async function assertSame(code: number, says: RegExp, ...flags: string[]): Promise<void> {
  const told = await doctor(flags);
  const run = await sera([...flags, "0", "true"]);
  assert.deepEqual({ doctor: told.code, run: run.code }, { doctor: code, run: code }, `${told.stdout}${run.stderr}`);
  assert.match(told.stdout, says);
}

const mariaDb = new SharedServer("MariaDB", linux ?? mariaDbUnavailable, async () => {
  const server = await startMariaDb({ tls: certificates.good, extraArgs: ["--performance-schema=OFF"] });
  await server.query("CREATE DATABASE jobs");
  await server.query("CREATE USER tester@'127.0.0.1' IDENTIFIED BY 'secret'");
  await server.query("GRANT ALL ON jobs.* TO tester@'127.0.0.1'");
  return server;
});

mariaDb.test("doctor and a run agree on users, databases and TLS", async ({ port }) => {
  const dsn = (rest = "") => `tester:secret@tcp(127.0.0.1:${port})/${rest}`;
  await assertSame(0, /^pass {2}lock /m, "--server", dsn());
  await assertSame(202, /^fail {2}connection .*to database 'nowhere'/m, "--server", dsn("nowhere"));
  await assertSame(202, /^fail {2}connection .*Access denied/m, "--server", dsn("mysql"));
  await assertSame(202, /^fail {2}connection .*TLS failed/m, "--server", dsn("?tls=true"));
  await assertSame(0, /^pass {2}tls /m, "--server", dsn("?tls=true"), "--tls-ca", certificates.ca);
  await assertSame(200, /^fail {2}connection /m, "--server", dsn("?tls=true"), "--tls-ca", `${folder}/none`);
  await assertSame(200, /^fail {2}settings /m, "--server", dsn(), "--ledger");
});

mariaDb.test("doctor warns if performance_schema is off", async (server) => {
  const says =
    /^warn {2}visibility +performance_schema is off, .*sera status cannot list all.*; ask for one lock with --name, or run INSTALL SONAME .*, or set performance_schema=ON/m;
  await assertSame(0, says, "--server", server.dsn());
});

mariaDb.test("doctor and a run agree on a server that is read-only", async (server) => {
  await server.query("SET GLOBAL read_only = 1");
  try {
    const flags = ["--server", `tester:secret@tcp(127.0.0.1:${server.port})/jobs`];
    await assertSame(202, /^fail {2}topology /m, ...flags);
    await assertSame(0, /^warn {2}topology /m, ...flags, "--allow-unsafe-server");
    await assertSame(202, /^fail {2}ledger .*--read-only/m, ...flags, "--allow-unsafe-server", "--ledger");
  } finally {
    await server.query("SET GLOBAL read_only = 0");
  }
});

mariaDb.test("doctor and a run agree on a server that takes no more connections", async (server) => {
  await server.query("ALTER USER tester@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1");
  try {
    const flags = ["--server", `tester:secret@tcp(127.0.0.1:${server.port})/jobs`];
    await assertSame(0, /^warn {2}lock .*nobody could wait/m, ...flags, "--ledger");
    const holder = await connectMySql({ host: "127.0.0.1", port: server.port, user: "tester", password: "secret" });
    await assertSame(202, /^fail {2}connection .*max_user_connections.*keeps retrying until <wait> expires/m, ...flags);
    await holder.end();
  } finally {
    await server.query("ALTER USER tester@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0");
  }
});

testWith([linux ?? galeraUnavailable], "doctor and a run agree on a node of a Galera cluster", async () => {
  await using cluster = await startGalera();
  const flags = ["--server", cluster.nodes[0].dsn()];
  const ledger = ["--ledger", "--ledger-table", "sera.sera_runs"];
  await assertSame(202, /^fail {2}topology .*Galera/m, ...flags);
  await assertSame(0, /^warn {2}topology .*Galera/m, ...flags, "--allow-unsafe-server", ...ledger);
});

const postgres = new SharedServer("PostgreSQL", linux ?? systemPostgresUnavailable, async () => {
  const server = await startSystemPostgres({ tls: certificates.good });
  await server.query("CREATE ROLE tester LOGIN PASSWORD 'secret'");
  await server.query("CREATE ROLE nobody NOLOGIN PASSWORD 'secret'");
  await server.query("CREATE ROLE lone LOGIN PASSWORD 'secret' CONNECTION LIMIT 1");
  return server;
});

postgres.test("doctor and a run agree on roles, databases and TLS", async ({ port, database }) => {
  const url = (user: string, rest = database) => `postgres://${user}:secret@127.0.0.1:${port}/${rest}`;
  await assertSame(0, /^pass {2}lock /m, "--server", url("tester"));
  await assertSame(202, /^fail {2}connection .*"nobody" is not permitted to log in/m, "--server", url("nobody"));
  await assertSame(0, /^warn {2}lock .*nobody could wait/m, "--server", url("lone"));
  await assertSame(202, /^fail {2}connection .*does not exist/m, "--server", url("tester", "nowhere"));
  const verify = `${database}?sslmode=verify-full`;
  await assertSame(200, /^fail {2}settings .*root certificate/m, "--server", url("tester", verify));
  await assertSame(0, /^pass {2}tls /m, "--server", url("tester", verify), "--tls-ca", certificates.ca);
});

postgres.test("doctor and a run agree on what a role may not do", async (server) => {
  const flags = ["--server", `postgres://tester:secret@127.0.0.1:${server.port}/${server.database}`];
  for (
    const [privilege, code, says] of [
      ["EXECUTE ON FUNCTION pg_try_advisory_lock(bigint)", 202, /^fail {2}privileges /m],
      // The command has run, and the lock is free once the connection is.
      [
        "EXECUTE ON FUNCTION pg_advisory_unlock(bigint)",
        0,
        /^warn {2}privileges .*; GRANT EXECUTE .*_unlock.* TO tester$/m,
      ],
      ["SELECT ON pg_locks", 202, /^fail {2}privileges .*; GRANT SELECT ON pg_locks TO tester$/m],
      ["SELECT ON pg_settings", 0, /^warn {2}session +could not be checked: /m],
    ] as const
  ) {
    await server.query(`REVOKE ${privilege} FROM PUBLIC`);
    try {
      await assertSame(code, says, ...flags);
    } finally {
      await server.query(`GRANT ${privilege} TO PUBLIC`);
    }
  }
});

postgres.test("doctor and a run agree on a standby", async (server) => {
  await using standby = await startStandby(server);
  await assertSame(202, /^fail {2}topology /m, "--server", standby.url());
  await assertSame(0, /^warn {2}topology /m, "--server", standby.url(), "--allow-unsafe-server");
  const says = /^fail {2}ledger .*read-only transaction/m;
  await assertSame(202, says, "--server", standby.url(), "--allow-unsafe-server", "--ledger");
});

postgres.test("doctor and a run agree on PgBouncer in all its modes", async (server) => {
  if (pgBouncerUnavailable) return console.log(`left out: ${pgBouncerUnavailable}`);
  await server.query("CREATE SCHEMA IF NOT EXISTS AUTHORIZATION sera");
  const agree = (mode: "session" | "transaction" | "statement") => async () => {
    await using pool = await startPgBouncer(server, mode);
    // A name each: they share the server, and a lock that a pooler has left behind.
    const flags = ["--server", pool.url(), "--name", mode];
    if (mode === "session") return await assertSame(0, /^pass {2}ledger /m, ...flags, "--ledger");
    await assertSame(202, /^fail {2}topology /m, ...flags);
    const says = mode === "transaction"
      ? /^pass {2}ledger /m
      : /^warn {2}ledger +cannot tell whether it can be written: /m;
    await assertSame(0, says, ...flags, "--allow-unsafe-server", "--ledger");
    await assertSame(0, says, ...flags, "--lease", "--ledger");
  };
  await sideBySide(
    Object.fromEntries((["session", "transaction", "statement"] as const).map((mode) => [mode, agree(mode)])),
  );
});
