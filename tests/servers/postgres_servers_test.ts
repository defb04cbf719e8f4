import assert from "node:assert/strict";
import pg from "pg";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { exists, isRunning, startAbandoned, until } from "./observe.ts";
import { pgBouncerUnavailable, startPgBouncer } from "./pgbouncer.ts";
import { postgres18Unavailable, startPostgres18 } from "./postgres18.ts";
import type { PostgresServer } from "./postgres_process.ts";
import { startStandby } from "./postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "./postgres_system.ts";
import { childrenOf, isStill, living } from "./process_tree.ts";
import { runTool } from "./tool.ts";

const noSystem = systemPostgresUnavailable !== undefined;
const noPgBouncer = noSystem || pgBouncerUnavailable !== undefined;

const KINDS = [
  ["the system's PostgreSQL", startSystemPostgres, noSystem, /^1[3-9]\.\d+$/],
  ["PostgreSQL 18", startPostgres18, postgres18Unavailable !== undefined, /^18\.\d+$/],
] as const;

for (const [kind, start, ignore, version] of KINDS) {
  Deno.test({ name: `${kind} answers over TCP, IPv6 and its socket`, ignore }, async () => {
    await using server = await start();
    assert.match(server.version, version);
    assert.equal(server.url(), `postgres://sera:secret@127.0.0.1:${server.port}/sera`);
    assert.equal(server.url("sslmode=disable"), `${server.url()}?sslmode=disable`);
    await takesLocks(server);
  });

  Deno.test({ name: `${kind} can be paused, killed and restarted, and stop leaves nothing`, ignore }, async () => {
    const server = await start();
    try {
      await server.pause();
      assert.ok(await isStopped(server.pid));
      const answer = server.query("SELECT 1 AS one");
      await server.resume();
      assert.deepEqual(await answer, [{ one: 1 }]);

      await server.query("CREATE TABLE kept (id INT)");
      const { port } = server;
      await server.restart();
      assert.equal(server.port, port);
      assert.deepEqual(await server.query("SELECT COUNT(*)::int AS rows_kept FROM kept"), [{ rows_kept: 0 }]);

      const children = await childrenOf(server.pid);
      assert.notEqual(children.length, 0);
      await server.kill();
      assert.equal(isRunning(server.pid), false);
      assert.deepEqual(await living(children), []);
      await assert.rejects(server.query("SELECT 1"));
      await server.restart();
      assert.match(await server.log(), /was interrupted|not properly shut down/);
      await takesLocks(server);
    } finally {
      await server.stop();
    }
    await isGone(server.pid, server.folder, undefined);
    await server.stop();
  });

  Deno.test(
    { name: `${kind} holds open sessions while it is paused, and drops them when it is killed`, ignore },
    async () => {
      await using server = await start();
      const session = await connect(server);
      const lost = new Promise((resolve) => session.on("error", resolve));
      await server.pause();
      assert.ok(await isStopped(server.pid));
      const answer = session.query("SELECT 1 AS one");
      await server.resume();
      assert.deepEqual((await answer).rows, [{ one: 1 }]);

      const memory = await sharedMemory(server);
      const { pid, folder } = server;
      await server.kill();
      await lost;
      await server.stop();
      await isGone(pid, folder, memory);
    },
  );

  Deno.test({ name: `${kind} has a standby that follows it and can take over`, ignore }, async () => {
    await using primary = await start();
    await primary.query("CREATE TABLE before (id INT)");
    await using standby = await startStandby(primary);
    assert.deepEqual(await standby.query("SELECT pg_is_in_recovery() AS recovers"), [{ recovers: true }]);
    assert.deepEqual(await standby.query("SELECT * FROM before"), []);
    await primary.query("CREATE TABLE after (id INT)");
    await until(async () => {
      const [row] = await standby.query("SELECT to_regclass('after') IS NOT NULL AS arrived");
      return row?.arrived === true;
    }, "the standby has the new table");
    await assert.rejects(standby.query("CREATE TABLE refused (id INT)"), /read-only transaction/);

    const user = await connect(standby);
    assert.deepEqual((await user.query("SHOW transaction_read_only")).rows, [{ transaction_read_only: "on" }]);
    await user.end();

    await standby.promote();
    assert.deepEqual(await standby.query("SELECT pg_is_in_recovery() AS recovers"), [{ recovers: false }]);
    await standby.query("INSERT INTO after VALUES (1)");
    await takesLocks(standby);
  });

  Deno.test({ name: `${kind} accepts and refuses certificates as it should`, ignore }, async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
    try {
      await certificates(t, await makeCertificates(folder), start);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function certificates(t: Deno.TestContext, made: Certificates, start: typeof startPostgres18) {
  const { ca, good, expired, untrusted, client, otherClient } = made;
  const pem = await Deno.readTextFile(ca);
  // The server's own line for the client's certificate: its name must be the user's.
  const hba = [
    "hostssl all sera ::1/128 cert",
    "hostssl all sera 127.0.0.1/32 scram-sha-256",
    "host all all all reject",
  ];
  const server = await start({ hba, tls: { cert: good.cert, key: good.key, ca } });
  await using _ = server;

  await t.step("the server's", async () => {
    const cipher = async () => {
      const session = await connect(server, { ssl: { ca: pem } });
      const { rows } = await session.query("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
      await session.end();
      return rows;
    };
    assert.deepEqual(await cipher(), [{ version: "TLSv1.3" }]);
    await assert.rejects(connect(server), /rejects connection/);
    for (const tls of [expired, untrusted]) {
      await server.reload({ tls: { cert: tls.cert, key: tls.key } });
      await assert.rejects(cipher(), /certificate|issuer/i);
    }
    await server.reload({ tls: good });
    assert.deepEqual(await cipher(), [{ version: "TLSv1.3" }]);
  });

  await t.step("the client's", async () => {
    for (const { key } of [client, otherClient]) assert.equal((await Deno.stat(key)).mode! & 0o777, 0o600);
    await runTool("openssl", ["verify", "-purpose", "sslclient", "-CAfile", ca, client.cert]);
    const refused = runTool("openssl", ["verify", "-purpose", "sslclient", "-CAfile", ca, otherClient.cert]);
    await assert.rejects(refused, /unable to get local issuer certificate/);

    if (!server.ipv6) return;
    const user = async (certificate: { cert: string; key: string }) => {
      const cert = await Deno.readTextFile(certificate.cert);
      const key = await Deno.readTextFile(certificate.key);
      const session = await connect(server, { host: "::1", password: "", ssl: { ca: pem, cert, key } });
      const { rows } = await session.query("SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
      await session.end();
      return rows;
    };
    assert.deepEqual(await user(client), [{ client_dn: "/CN=sera" }]);
    await assert.rejects(user(otherClient));
    await assert.rejects(connect(server, { host: "::1", ssl: { ca: pem } }), /valid client certificate/);
  });
}

Deno.test({ name: "arguments reach a PostgreSQL", ignore: noSystem }, async () => {
  await using server = await startSystemPostgres({ extraArgs: ["--idle-session-timeout=77s"] });
  assert.deepEqual(await server.query("SHOW idle_session_timeout"), [{ idle_session_timeout: "77s" }]);
  assert.equal((await server.query("SELECT current_database() AS name", "postgres"))[0]?.name, "postgres");
});

Deno.test({ name: "lines for pg_hba.conf come first, and can be exchanged", ignore: noSystem }, async () => {
  await using server = await startSystemPostgres({ hba: ["host all old 127.0.0.1/32 md5"] });
  await server.query("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'secret'");
  const [account] = await server.query("SELECT rolpassword AS hash FROM pg_authid WHERE rolname = 'old'");
  assert.match(String(account?.hash), /^md5/);
  await (await connect(server, { user: "old" })).end();

  await server.reload({ hba: ["host all old 127.0.0.1/32 reject"] });
  await assert.rejects(connect(server, { user: "old" }), /rejects connection/);
  await server.reload({ hba: ["host all old 127.0.0.1/32 password"] });
  await (await connect(server, { user: "old" })).end();
  await assert.rejects(connect(server, { user: "old", password: "wrong" }), /password authentication failed/);
});

Deno.test({ name: "a PostgreSQL that cannot start shows its log", ignore: noSystem }, async () => {
  await assert.rejects(
    startSystemPostgres({ extraArgs: ["--no-such-setting=1"] }),
    /postgres system did not start: its process ended[^]*unrecognized configuration parameter "no_such_setting"/,
  );
});

Deno.test(
  { name: "a PostgreSQL asks everybody but the socket's superuser for a password", ignore: noSystem },
  async () => {
    await using server = await startSystemPostgres();
    const roles = await server.query("SELECT rolname, rolsuper FROM pg_roles WHERE rolcanlogin ORDER BY 1");
    assert.deepEqual(roles, [{ rolname: "postgres", rolsuper: true }, { rolname: "sera", rolsuper: false }]);
    const [{ owner } = {}] = await server.query(
      "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = 'sera'",
    );
    assert.equal(owner, "sera");
    for (const host of [server.host, server.socketFolder]) {
      await assert.rejects(connect(server, { host, password: "wrong" }), /password authentication failed/);
    }
    await assert.rejects(connect(server, { user: "postgres" }), /password authentication failed/);
  },
);

Deno.test(
  { name: "a killed test process leaves no PostgreSQL behind, not even a paused one", ignore: noSystem },
  async () => {
    for (const paused of [[], ["paused"]] as const) {
      const { pid, folder, kill } = await startAbandoned("postgres", ...paused);
      const children = await childrenOf(pid);
      assert.notEqual(children.length, 0);
      const memory = await sharedMemory({ folder });
      await kill();
      await until(async () => (await living([pid, ...children])).length === 0, `server ${pid} has ended`);
      await until(() => !exists(folder), `folder ${folder} has gone`);
      await isGone(pid, folder, memory);
    }
  },
);

for (const mode of ["session", "transaction", "statement"] as const) {
  Deno.test({ name: `PgBouncer pools by the ${mode}`, ignore: noPgBouncer }, async () => {
    await using server = await startSystemPostgres();
    await using pool = await startPgBouncer(server, mode, { default_pool_size: "3" });
    assert.equal(pool.url("a=b"), `postgres://sera:secret@127.0.0.1:${pool.port}/sera?a=b`);
    const first = await connect(server, { port: pool.port });
    const begun = first.query("BEGIN");
    // PgBouncer drops the client, and the server's session with it.
    if (mode === "statement") await assert.rejects(begun, /statement pooling/);
    else await begun;
    await first.end();

    const session = await connect(server, { port: pool.port });
    await session.query("SELECT pg_advisory_lock(7)");
    assert.deepEqual(await advisoryLocks(server), [{ key: 7 }]);
    const [entry] = (await pool.query("SHOW POOLS")).filter(({ database }) => database === "sera");
    assert.equal(entry?.pool_mode, mode);
    await session.end();
    if (mode === "session") {
      // The server's session is cleaned before the next one gets it.
      await until(async () => (await advisoryLocks(server)).length === 0, "the lock is released");
    } else {
      await until(async () => {
        const clients = await pool.query("SHOW CLIENTS");
        return !clients.some(({ user }) => user === "sera");
      }, "the client has gone");
      assert.deepEqual(await advisoryLocks(server), [{ key: 7 }]);
    }
    const settings = await pool.query("SHOW CONFIG");
    assert.equal(settings.find(({ key }) => key === "default_pool_size")?.value, "3");
    const { pid } = pool;
    await pool.stop();
    assert.equal(isRunning(pid), false);
  });
}

Deno.test({ name: "a PgBouncer that cannot start shows its log", ignore: noPgBouncer }, async () => {
  await using server = await startSystemPostgres();
  await assert.rejects(
    startPgBouncer(server, "session", { auth_type: "none-such" }),
    /pgbouncer did not start: its process ended[^]*auth_type/,
  );
});

/** An advisory lock excludes over every way into the server, and is seen. */
async function takesLocks(server: PostgresServer) {
  const ways = [server.host, server.socketFolder, ...server.ipv6 ? ["::1"] : []];
  for (const host of ways) {
    const holder = await connect(server, { host });
    const other = await connect(server);
    try {
      const take = async (client: pg.Client) => (await client.query("SELECT pg_try_advisory_lock(42) AS got")).rows;
      assert.deepEqual(await take(holder), [{ got: true }]);
      assert.deepEqual(await advisoryLocks(server), [{ key: 42 }]);
      assert.deepEqual(await take(other), [{ got: false }]);
      await holder.query("SELECT pg_advisory_unlock(42)");
      assert.deepEqual(await advisoryLocks(server), []);
      assert.deepEqual(await take(other), [{ got: true }]);
    } finally {
      await Promise.all([holder.end(), other.end()]);
    }
  }
}

function advisoryLocks(server: PostgresServer): Promise<Record<string, unknown>[]> {
  return server.query("SELECT objid::int AS key FROM pg_locks WHERE locktype = 'advisory'");
}

/** A session of the plain user over TCP, unless the options say otherwise. */
async function connect(server: PostgresServer, options: pg.ClientConfig = {}): Promise<pg.Client> {
  const { host, port, user, password, database } = server;
  const client = new pg.Client({ host, port, user, password, database, ssl: false, ...options });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return client;
}

/** The id of the server's segment of System V memory. */
async function sharedMemory({ folder }: { folder: string }): Promise<string> {
  const lines = (await Deno.readTextFile(`${folder}/data/postmaster.pid`)).split("\n");
  const id = lines[6]?.trim().split(/ +/)[1];
  assert.match(id ?? "", /^\d+$/);
  assert.equal(await hasMemory(id!), true);
  return id!;
}

async function hasMemory(id: string): Promise<boolean> {
  const lines = (await Deno.readTextFile("/proc/sysvipc/shm")).split("\n");
  return lines.some((line) => line.trim().split(/ +/)[1] === id);
}

async function isGone(pid: number, folder: string, memory: string | undefined) {
  assert.equal(isRunning(pid), false);
  assert.equal(exists(folder), false);
  if (memory !== undefined) assert.equal(await hasMemory(memory), false);
}

/** Whether a server and its children are stopped: then none of them does anything. */
async function isStopped(pid: number): Promise<boolean> {
  return (await Promise.all([pid, ...await childrenOf(pid)].map(isStill))).every((still) => still);
}
