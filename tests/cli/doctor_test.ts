/** `sera doctor`: tries the configuration as a run would use it. */

import assert from "node:assert/strict";
import { PERMISSIONS } from "../../scripts/permissions.ts";
import { SharedServer } from "../backends/shared_server.ts";
import { type Certificates, makeCertificates } from "../servers/certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../servers/mysql56.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { Proxy } from "../servers/proxy.ts";
import { assertChecks, doctor, read, type Told } from "./doctor_report.ts";
import { seraInProcess, testInProcess } from "./in_process.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { complete, fromSource, isCompiled, MAIN, sera } from "./program.ts";
import { runToEnd } from "./running.ts";

/** Must not appear in any output. */
const PASSWORD = "hunter2marker";

const FILE_CHECKS = ["config", "permissions", "settings", "sources", "folder", "lock"];
const DATABASE_CHECKS = [
  "config",
  "permissions",
  "settings",
  "sources",
  "address",
  "connection",
  "tls",
  "version",
  "topology",
  "privileges",
  "session",
  "visibility",
  "round-trip",
  "clock",
  "lock",
];

/** That all is well on a database. */
function assertHealthy(told: Told, statuses: Record<string, string> = {}): void {
  assertChecks(told, DATABASE_CHECKS, statuses);
  assert.deepEqual({ code: told.code, stderr: told.stderr }, { code: 0, stderr: "" });
}

/** The checks from this one on could not be made. */
function skippedFrom(name: string): Record<string, string> {
  return Object.fromEntries(DATABASE_CHECKS.slice(DATABASE_CHECKS.indexOf(name)).map((check) => [check, "skip"]));
}

/** A local port without a listener. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("doctor --help lists --json, --schema and the exit codes, in 80 columns", async () => {
  const { code, stdout, stderr } = await sera(["doctor", "--help"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^Usage: sera doctor \[--json\] \[flags\]\n +sera doctor --lease --schema \[flags\]\n/);
  assert.match(stdout, /\n {2}--json[^]*\n {2}--schema [^]*\n {2}200 [^]*\n {2}202 /);
  assert.deepEqual(stdout.split("\n").filter((line) => line.length > 80), []);
  assert.match((await sera(["--help"])).stdout, /^ +sera doctor .*sera doctor --help/m);
});

testInProcess("wrong flags are 201, reported on stderr only, and a server in them is not repeated", async () => {
  for (
    const [run, args] of [
      [seraInProcess, ["--nonsense"]],
      // By then it has looked at its variables, for which it asks another program.
      [sera, ["--ttl=soon"]],
      [sera, ["--json=maybe"]],
      [seraInProcess, ["0", "true"]],
      [seraInProcess, [`sera:${PASSWORD}@tcp(db)/`]],
    ] as const
  ) {
    const { code, stdout, stderr } = await run(["doctor", "--server=file:", ...args]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    assert.match(stderr, /^sera: [^\n]+; [^\n]+\n$/);
    assert.doesNotMatch(stderr, new RegExp(PASSWORD));
  }
  const { code, stderr } = await sera(["--server=file:", "doctor"]);
  assert.equal(code, 201);
  assert.match(stderr, /write sera doctor/);
});

Deno.test("a folder for locks is tested with a lock, which leaves nothing behind", async () => {
  await using place = await Place.make();
  const told = read(await place.sera(["doctor"]));
  assertChecks(told, FILE_CHECKS);
  assert.deepEqual({ code: told.code, stderr: told.stderr }, { code: 0, stderr: "" });
  assert.deepEqual([...Deno.readDirSync(place.locks)], []);
});

Deno.test("a configured ledger is read, but not created", async () => {
  await using place = await Place.make();
  const empty = read(await place.sera(["doctor", "--ledger"]));
  assertChecks(empty, [...FILE_CHECKS, "ledger"]);
  assert.match(empty.checks.get("ledger")!, /ledger\.sqlite is not there yet; the first run creates it/);
  assert.deepEqual([...Deno.readDirSync(place.locks)], []);
  assert.equal((await place.sera(["--ledger", "0", "true"])).code, 0);
  const { checks, code } = read(await place.sera(["doctor", "--every", "1h"]));
  assert.match(checks.get("ledger")!, /^pass it can be read and written; its last run is 1, of \d{4}-[-\d]+ [:\d]+Z$/);
  assert.equal(code, 0);
  await place.write("locks/ledger.sqlite", "this is no database\n".repeat(1000));
  const broken = read(await place.sera(["doctor", "--ledger"]));
  assertChecks(broken, [...FILE_CHECKS, "ledger"], { ledger: "fail" });
  assert.equal(broken.code, 202);
  assert.match(broken.checks.get("ledger")!, /file is not a database; restore it, or move it away to start afresh$/);
});

Deno.test("server settings from variables are reported, since cron may have others", async () => {
  const server = `postgres://127.0.0.1:${closedPort()}/`;
  const { checks } = await doctor(["--server", server], { env: { PGDATABASE: "locks", PGUSER: "u" } });
  assert.match(checks.get("settings")!, /^pass .*database locks, user u, .*\(database from PGDATABASE, which cron may/);
  const told = await doctor(["--server", `${server}locks`], { env: { PGUSER: "u" } });
  assert.doesNotMatch(told.checks.get("settings")!, /cron/);
});

Deno.test("a world-writable folder fails as in a run, with the cure", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks);
  await Deno.chmod(place.locks, 0o777);
  const told = read(await place.sera(["doctor"]));
  assertChecks(told, FILE_CHECKS, { folder: "fail", lock: "skip" });
  assert.equal(told.code, 202);
  assert.match(told.checks.get("folder")!, /everybody can write to it; .*chmod o-w/);
});

Deno.test("an invalid server setting is 200, and its password is not shown", async () => {
  for (const bad of [`sera:${PASSWORD}@tcp(db`, `sera:${PASSWORD}@nowhere/`, `postgres://sera:${PASSWORD}@db/?x=1`]) {
    for (const json of [false, true]) {
      const { code, stdout, stderr } = await sera(["doctor", ...json ? ["--json"] : [], "--server", bad]);
      assert.deepEqual({ code, stderr }, { code: 200, stderr: "" });
      assert.doesNotMatch(stdout, new RegExp(PASSWORD));
      if (json) assert.equal(JSON.parse(stdout).server, null);
      else assert.match(stdout, /^fail {2}settings .*--server.*; .+\nskip {2}lock /m);
    }
  }
});

Deno.test("a missing or broken config file is 200, and its password is not shown", async () => {
  await using place = await Place.make();
  const broken = await place.write("broken.json", `{"server": "sera:${PASSWORD}@tcp(db)/",}`);
  for (const path of [place.file("none.json"), broken]) {
    const told = await doctor(["--config", path]);
    assert.deepEqual({ code: told.code, stderr: told.stderr }, { code: 200, stderr: "" });
    assert.match(told.checks.get("config")!, /^fail [^;]*\.json[^;]*; .*write one/);
    assert.match(told.checks.get("lock")!, /^skip /);
    assert.doesNotMatch(told.stdout, new RegExp(PASSWORD));
  }
});

testWith([linux], "a config file with a password that everybody can read is warned of", async () => {
  await using place = await Place.make();
  const withPassword = `sera:${PASSWORD}@tcp(127.0.0.1:${closedPort()})/`;
  for (
    const [server, mode, status, found] of [
      [withPassword, 0o644, "warn", /everybody can read the password in .*sera\.json; chmod 0640 .*sera\.json/],
      [withPassword, 0o640, "pass", /mode 0640/],
      [withPassword, 0o600, "pass", /mode 0600/],
      [place.server, 0o644, "pass", /no password/],
    ] as const
  ) {
    const path = await place.write("sera.json", JSON.stringify({ server }));
    await Deno.chmod(path, mode);
    const { checks, stdout } = await doctor(["--config", path]);
    assert.match(checks.get("config")!, /^pass .*sera\.json/);
    assert.equal(checks.get("permissions")!.slice(0, 4), status, stdout);
    assert.match(checks.get("permissions")!, found);
    assert.doesNotMatch(stdout, new RegExp(PASSWORD));
  }
});

testWith([linux], "a config file that everybody can write to fails, as a run does", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server }));
  await Deno.chmod(path, 0o646);
  const { code, checks } = await doctor(["--config", path]);
  assert.equal(code, 200);
  assert.match(checks.get("config")!, /^fail .*sera\.json: everybody can write to it; chmod o-w .*sera\.json$/);
  assert.match(checks.get("permissions")!, /^skip/);
});

Deno.test("variables that exclude each other fail as in a run, with a report; a flag among them is 201", async () => {
  await using place = await Place.make();
  const env = { SERA_SLOTS: "2", SERA_WAIT_AND_SKIP: "1" };
  const says = "Cannot use SERA_SLOTS with SERA_WAIT_AND_SKIP: of several runs it is not clear which one is waited for";
  assert.ok((await place.sera(["0", "true"], { env })).stderr.startsWith(`sera: ${says}; `));
  const told = read(await place.sera(["doctor"], { env }));
  assert.deepEqual([told.code, told.stderr], [200, ""]);
  assert.equal(told.checks.get("settings"), `fail ${says}; leave out one of the two`);
  assert.match(told.checks.get("lock")!, /^skip /);
  const json = await place.sera(["doctor", "--json"], { env });
  assert.deepEqual([json.code, json.stderr], [200, ""]);
  assert.equal(
    JSON.parse(json.stdout).checks.find(({ check }: { check: string }) => check === "settings").status,
    "fail",
  );
  const flag = await place.sera(["doctor", "--slots", "2"], { env });
  assert.deepEqual([flag.code, flag.stdout], [201, ""]);
});

Deno.test("doctor warns of an unknown key in the config file", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, sever: 1 }));
  const told = await doctor(["--config", path]);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /^warn {2}settings .*Unknown key in .*: sever; /m);
});

Deno.test("an unknown host name fails before connecting", async () => {
  const told = await doctor(["--server", "sera:secret@tcp(nowhere.invalid)/"]);
  assertChecks(told, DATABASE_CHECKS, { ...skippedFrom("connection"), address: "fail" });
  assert.equal(told.code, 202);
  assert.match(told.checks.get("address")!, /nowhere\.invalid: .+; check/);
});

for (const scheme of ["sera:secret@tcp(127.0.0.1:PORT)/", "postgres://sera:secret@127.0.0.1:PORT/sera"]) {
  Deno.test(`a server that is down is 202: ${scheme}`, async () => {
    const told = await doctor(["--server", scheme.replace("PORT", `${closedPort()}`)]);
    assertChecks(told, DATABASE_CHECKS, { ...skippedFrom("tls"), connection: "fail" });
    assert.deepEqual({ code: told.code, stderr: told.stderr }, { code: 202, stderr: "" });
    assert.match(
      told.checks.get("connection")!,
      /connection refused; check the address, and that the server is running/,
    );
  });
}

const folder = Deno.makeTempDirSync({ prefix: "sera-doctor-" });
let certificates: Certificates;
Deno.test.beforeAll(async () => {
  if (linux === undefined) certificates = await makeCertificates(folder);
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

const mariaDb = new SharedServer("MariaDB", linux ?? mariaDbUnavailable, async () => {
  const server = await startMariaDb({ tls: certificates.good, extraArgs: ["--maximum-wait-timeout=40"] });
  await server.query(`CREATE USER 'other'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`);
  return server;
});

mariaDb.test("all checks pass, and no password is shown", async (server) => {
  const told = await doctor(["--server", `other:${PASSWORD}@tcp(localhost:${server.port})/`]);
  assertHealthy(told);
  assert.match(told.checks.get("address")!, /localhost is .*127\.0\.0\.1/);
  assert.match(told.checks.get("version")!, new RegExp(`MariaDB ${server.version.split("-")[0]}`));
  assert.match(told.checks.get("session")!, /wait_timeout is 30s/);
  assert.match(told.checks.get("lock")!, /test lock acquired in \S+, second attempt blocked, released/);
  assert.match(told.checks.get("tls")!, /not in use .* on this machine/);
  assert.doesNotMatch(told.stdout, new RegExp(PASSWORD));
});

mariaDb.test("a ledger that the user may not read fails with what to do", async (server) => {
  const dsn = `other:${PASSWORD}@tcp(localhost:${server.port})/`;
  const told = await doctor(["--server", dsn, "--ledger", "--ledger-table", "mysql.sera_runs"]);
  assertChecks(told, [...DATABASE_CHECKS, "ledger"], { ledger: "fail" });
  assert.equal(told.code, 202);
  assert.match(
    told.checks.get("ledger")!,
    /denied to user 'other'[^;]*; grant the user SELECT, INSERT, UPDATE and DELETE/,
  );
});

mariaDb.test("doctor needs no more permissions than the binary has", async (server) => {
  if (isCompiled) return;
  const words = [...fromSource(MAIN, PERMISSIONS), "doctor", "--server", server.dsn()];
  assertHealthy(read(await runToEnd(words, complete({}))));
});

mariaDb.test("--json is one object with the server, but without its password", async (server) => {
  const dsn = `other:${PASSWORD}@tcp(127.0.0.1:${server.port})/?timeout=5s`;
  const { code, stdout, stderr } = await sera(["doctor", "--json", "--server", dsn]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.doesNotMatch(stdout, new RegExp(PASSWORD));
  const { ok, exit_code, server: view, checks } = JSON.parse(stdout);
  assert.deepEqual({ ok, exit_code }, { ok: true, exit_code: 0 });
  const { parameters, ...rest } = view;
  assert.deepEqual(rest, {
    kind: "mysql",
    host: "127.0.0.1",
    port: server.port,
    user: "other",
    password: "set",
    database: "",
    tls: "off",
  });
  assert.equal(parameters.connectTimeout, 5000);
  assert.deepEqual(checks.map(({ check }: { check: string }) => check).sort(), [...DATABASE_CHECKS].sort());
  for (const { status, found } of checks) assert.ok(status === "pass" && found !== "");
});

mariaDb.test("a wrong password is 202, and not shown", async (server) => {
  for (const json of [[], ["--json"]]) {
    const { code, stdout, stderr } = await sera([
      "doctor",
      ...json,
      "--server",
      `sera:${PASSWORD}@tcp(127.0.0.1:${server.port})/`,
    ]);
    assert.deepEqual({ code, stderr }, { code: 202, stderr: "" });
    assert.doesNotMatch(stdout, new RegExp(PASSWORD));
    if (json.length > 0) {
      const failed = JSON.parse(stdout).checks.filter(({ status }: { status: string }) => status === "fail");
      assert.equal(failed.length, 1);
      assert.match(failed[0].cure, /check user and password/);
    } else {
      assertChecks(read({ code, stdout, stderr }), DATABASE_CHECKS, { ...skippedFrom("tls"), connection: "fail" });
    }
  }
});

mariaDb.test("TLS is in use with the CA that tls-ca names, and fails without it", async (server) => {
  const args = ["--server", server.dsn("tls=true")];
  const told = await doctor([...args, "--tls-ca", certificates.ca]);
  assertHealthy(told);
  assert.match(told.checks.get("tls")!, /in use \(tls=true\); .* checked for its CA and names/);
  const refused = await doctor(args);
  assert.equal(refused.code, 202);
  assert.match(refused.checks.get("connection")!, /^fail .*TLS failed: .*; .*tls-ca/);
  const trusting = await doctor(["--server", server.dsn("tls=skip-verify")]);
  assert.match(trusting.checks.get("tls")!, /^pass in use .*any server is trusted/);
});

mariaDb.test("doctor warns of a password sent to another machine without TLS", async (server) => {
  const host = Deno.networkInterfaces().find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))
    ?.address;
  if (host === undefined) return console.log("left out: this machine has no address of its own");
  await using proxy = await Proxy.open(server.port, host);
  const plain = await doctor(["--server", `sera:secret@tcp(${host}:${proxy.port})/`]);
  assertHealthy(plain, { tls: "warn" });
  assert.match(plain.checks.get("tls")!, /without TLS; add tls=true/);
  assertHealthy(await doctor(["--server", `sera:secret@tcp(${host}:${proxy.port})/?tls=skip-verify`]));
});

mariaDb.test("doctor warns if the server rejects the settings of a lease", async (server) => {
  const told = await doctor(["--server", server.dsn(), "--ttl=60"]);
  assertHealthy(told, { session: "warn" });
  assert.match(told.checks.get("session")!, /wait_timeout is 40s, not 1m: .*; set --ttl 40/);
});

mariaDb.test("doctor warns of a user with only one connection, with which nobody could wait", async (server) => {
  await server.query(`CREATE USER 'lone'@'127.0.0.1' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1`);
  const told = await doctor(["--server", `lone:secret@tcp(127.0.0.1:${server.port})/`]);
  assertHealthy(told, { lock: "warn" });
  assert.match(
    told.checks.get("lock")!,
    /a second connection failed, so nobody could wait for a lock: .*max_user_connections.*; raise /,
  );
});

mariaDb.test("doctor warns of a clock that is far off", async (server) => {
  const told = await doctor(["--server", server.dsn("timestamp=1000000000")]);
  assertHealthy(told, { clock: "warn" });
  assert.match(told.checks.get("clock")!, /the server's clock is \S+ behind the local one; set both with NTP/);
});

mariaDb.test("a read-only server fails, or is a warning if allowed", async (server) => {
  await server.query("SET GLOBAL read_only = 1");
  try {
    const refused = await doctor(["--server", server.dsn()]);
    assertChecks(refused, DATABASE_CHECKS, { topology: "fail", lock: "skip" });
    assert.equal(refused.code, 202);
    assert.match(refused.checks.get("topology")!, /read-only, most likely a replica.*; name the primary/);
    const allowed = await doctor(["--server", server.dsn(), "--allow-unsafe-server"]);
    assertHealthy(allowed, { topology: "warn" });
    assert.match(allowed.checks.get("topology")!, /read-only.*; name the primary/);
  } finally {
    await server.query("SET GLOBAL read_only = 0");
  }
});

const mysql56 = new SharedServer("MySQL 5.6", linux ?? mysql56Unavailable, startMySql56);

mysql56.test("all checks pass, over TCP and over a socket", async (server) => {
  for (const dsn of [server.dsn(), `sera:secret@unix(${server.socket})/`]) {
    const told = await doctor(["--server", dsn]);
    assertHealthy(told);
    assert.match(told.checks.get("version")!, /MySQL 5\.6\.24/);
  }
});

const postgres = new SharedServer("PostgreSQL", linux ?? systemPostgresUnavailable, async () => {
  const server = await startSystemPostgres({ tls: certificates.good });
  await server.query(`CREATE ROLE other LOGIN PASSWORD '${PASSWORD}'`);
  return server;
});

postgres.test("all checks pass, over TCP, over a socket, and with a namespace", async (server) => {
  const { host, port, database, socketFolder } = server;
  const url = `postgres://other:${PASSWORD}@${host}:${port}/${database}`;
  const socket = `host=${socketFolder} port=${port} user=other password=${PASSWORD} dbname=${database}`;
  for (const args of [[url], [socket], [url, "--namespace", "jobs"]]) {
    const told = await doctor(["--server", ...args]);
    assertHealthy(told);
    assert.match(told.checks.get("version")!, new RegExp(`PostgreSQL ${server.version}`));
    assert.doesNotMatch(told.stdout, new RegExp(PASSWORD));
  }
});

postgres.test("--json shows all hosts, and of a password from the environment only that it is set", async ({ port, database }) => {
  const text = `host=127.0.0.1,127.0.0.2 port=${port} user=other dbname=${database}`;
  const { code, stdout } = await sera(["doctor", "--json", "--server", text], { env: { PGPASSWORD: PASSWORD } });
  assert.equal(code, 0, stdout);
  assert.doesNotMatch(stdout, new RegExp(PASSWORD));
  const { kind, host, port: shown, user, password, tls, hosts } = JSON.parse(stdout).server;
  assert.deepEqual({ kind, host, shown, user, password, tls }, {
    kind: "postgres",
    host: "127.0.0.1",
    shown: port,
    user: "other",
    password: "set",
    tls: "prefer",
  });
  assert.deepEqual(hosts.map(({ host }: { host: string }) => host), ["127.0.0.1", "127.0.0.2"]);
});

postgres.test("TLS is used where the server has it, and the level of verification is reported", async (server) => {
  for (
    const [sslmode, found] of [
      ["prefer", /^pass in use \(sslmode=prefer\); .*any server is trusted/],
      ["verify-ca", /^pass in use .* checked for its CA$/],
      ["verify-full", /^pass in use .* checked for its CA and names$/],
      ["disable", /^pass not in use \(sslmode=disable\); the server is on this machine$/],
    ] as const
  ) {
    const ca = sslmode.startsWith("verify") ? ["--tls-ca", certificates.ca] : [];
    const told = await doctor(["--server", server.url(`sslmode=${sslmode}`), ...ca]);
    assertHealthy(told);
    assert.match(told.checks.get("tls")!, found);
  }
});

postgres.test("a wrong password is 202", async ({ host, port, database }) => {
  const told = await doctor(["--server", `postgres://other:wrong${PASSWORD}@${host}:${port}/${database}`]);
  assertChecks(told, DATABASE_CHECKS, { ...skippedFrom("tls"), connection: "fail" });
  assert.equal(told.code, 202);
  assert.match(told.checks.get("connection")!, /password authentication failed.*; check user and password/);
  assert.doesNotMatch(told.stdout, new RegExp(PASSWORD));
});

postgres.test("a user who may not take advisory locks is shown the needed GRANT", async (server) => {
  await server.query("REVOKE EXECUTE ON FUNCTION pg_try_advisory_lock(bigint) FROM PUBLIC");
  try {
    const told = await doctor(["--server", server.url()]);
    assertChecks(told, DATABASE_CHECKS, { privileges: "fail", lock: "skip" });
    assert.equal(told.code, 202);
    assert.match(told.checks.get("privileges")!, /; GRANT EXECUTE ON FUNCTION pg_try_advisory_lock\(bigint\) TO sera$/);
    assertHealthy(await doctor(["--server", server.url(), "--namespace", "jobs"]));
    const withLedger = await doctor(["--server", server.url(), "--ledger"]);
    assertChecks(withLedger, [...DATABASE_CHECKS, "ledger"], { privileges: "fail", lock: "skip", ledger: "skip" });
  } finally {
    await server.query("GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(bigint) TO PUBLIC");
  }
});

postgres.test("doctor warns of a lease setting that the server refuses", async (server) => {
  await server.query(`
    CREATE FUNCTION public.set_config(name text, value text, local boolean) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
      IF name = 'tcp_user_timeout' THEN RAISE EXCEPTION 'refused'; END IF;
      RETURN pg_catalog.set_config(name, value, local);
    END $$;
    ALTER ROLE other SET search_path = public, pg_catalog`);
  try {
    const { host, port, database } = server;
    const told = await doctor(["--server", `postgres://other:${PASSWORD}@${host}:${port}/${database}`]);
    assertHealthy(told, { session: "warn" });
    assert.match(told.checks.get("session")!, /not applied: tcp_user_timeout \(0ms, not 30000ms\)/);
  } finally {
    await server.query("DROP FUNCTION public.set_config; ALTER ROLE other RESET search_path");
  }
});

postgres.test("a standby fails, or is a warning if allowed", async (server) => {
  await using standby = await startStandby(server);
  const refused = await doctor(["--server", standby.url()]);
  assertChecks(refused, DATABASE_CHECKS, { topology: "fail", lock: "skip" });
  assert.equal(refused.code, 202);
  assert.match(refused.checks.get("topology")!, /is a standby.*; name the primary/);
  const allowed = await doctor(["--server", standby.url(), "--allow-unsafe-server"]);
  assertHealthy(allowed, { topology: "warn" });
  assert.match(allowed.checks.get("topology")!, /is a standby.*; name the primary/);
});

postgresBehind("session", async (url) => {
  const told = await doctor(["--server", url]);
  assertHealthy(told);
  assert.match(told.checks.get("topology")!, /a pooler that ties locks to connections/);
});

postgresBehind("transaction", async (url) => {
  const refused = await doctor(["--server", url]);
  assertChecks(refused, DATABASE_CHECKS, { topology: "fail", lock: "skip" });
  assert.equal(refused.code, 202);
  assert.match(
    refused.checks.get("topology")!,
    /a pooler there does not tie locks.*; use PgBouncer's pool_mode=session/,
  );
  const allowed = await doctor(["--server", url, "--allow-unsafe-server"]);
  assert.equal(allowed.code, 0, allowed.stdout);
  assert.match(allowed.checks.get("topology")!, /^warn .*a pooler.*; use PgBouncer's/);
});

/** Defines a test behind a PgBouncer. */
function postgresBehind(mode: "session" | "transaction", fn: (url: string) => Promise<void>): void {
  postgres.test(`PgBouncer with pool_mode=${mode} is recognized`, async (server) => {
    if (pgBouncerUnavailable) return console.log(`left out: ${pgBouncerUnavailable}`);
    await using pool = await startPgBouncer(server, mode);
    await fn(pool.url());
  });
}
