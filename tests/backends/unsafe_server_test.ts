/** Servers on which a lock does not exclude everybody. */

import assert from "node:assert/strict";
import { LockUnavailableError, UnsafeServerError } from "../../lib/errors.ts";
import { sera } from "../cli/program.ts";
import { galeraUnavailable, startGalera } from "../servers/galera.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { type PostgresStandby, startStandby } from "../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { startPrimary, startReplica } from "../servers/replica.ts";
import { assertUnavailable } from "./mysql/ask.ts";
import { type Answer, type AnswerRow, ServerError } from "./fake_server.ts";
import { FakeMySql } from "./mysql/fake_server.ts";
import { lossOf } from "./fault_place.ts";
import { freshName, hold, never, open, SHORT_LEASE } from "./open.ts";
import { Together } from "../side_by_side.ts";
import { sharedMySql56, SharedServer } from "./shared_server.ts";

const together = new Together();

const ALLOWED = ", or allow it with --allow-unsafe-server$";
const GALERA = new RegExp(
  `: the server is a node of a Galera cluster, .+; use --lease or a server outside the cluster${ALLOWED}`,
);
const SEVERAL_PRIMARIES = new RegExp(
  `: the server is in a group with several primaries, .+; use --lease or another server${ALLOWED}`,
);
const READ_ONLY = new RegExp(`: the server is read-only, .+; name the primary${ALLOWED}`);
const STANDBY = new RegExp(`: the server is a standby, .+; name the primary${ALLOWED}`);

const anyway = { allowUnsafeServer: true };

/** Asserts that there is a lock on the server that excludes another one there. */
async function assertLocksAnyway(server: string): Promise<void> {
  const name = freshName();
  await using one = await open(server, name, undefined, anyway);
  await using other = await open(server, name, undefined, anyway);
  const lock = await hold(one);
  assert.equal(await other.acquire(0, never), undefined);
  await lock.confirm();
  await lock.release();
  await (await hold(other)).release();
}

/** Asserts that sera refuses to run a command under a lock on the server, unless unsafe servers are allowed. */
async function assertAsksForFlag(server: string, cure: RegExp): Promise<void> {
  const refused = await sera(["--server", server, "0", "echo", "ran"]);
  assert.equal(refused.code, 202);
  assert.equal(refused.stdout, "");
  assert.match(refused.stderr, /^sera: Cannot lock on [^\n]+\n$/);
  assert.match(refused.stderr.trimEnd(), cure);
  assert.deepEqual(await sera(["--server", server, "--allow-unsafe-server", "0", "echo", "ran"]), {
    ...refused,
    code: 0,
    stdout: "ran\n",
    stderr: "",
  });
}

/** Asserts that the lock is acquired without allowing unsafe servers. */
async function assertLocks(server: string): Promise<void> {
  await using backend = await open(server, freshName());
  await (await hold(backend)).release();
}

let nodes: readonly MySqlServer[] = [];
const galera = new SharedServer("Galera", galeraUnavailable, async () => {
  const cluster = await startGalera();
  nodes = cluster.nodes;
  return cluster.nodes[0];
});
Deno.test.afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

galera.test("GET_LOCK gives the same lock on both nodes", async () => {
  const name = freshName();
  const got = await Promise.all(nodes.map(async ({ host, port, user, password }) => {
    const connection = await connectMySql({ host, port, user, password });
    const [rows] = await connection.query(`SELECT GET_LOCK('${name}', 0) AS got`);
    return { connection, rows };
  }));
  await Promise.all(got.map(({ connection }) => connection.end()));
  assert.deepEqual(got.map(({ rows }) => rows), [[{ got: 1 }], [{ got: 1 }]]);
});

galera.test("every node is refused for locks", async () => {
  assert.equal(nodes.length, 2);
  for (const node of nodes) await assertUnavailable(node.dsn(), GALERA);
});

galera.test("a node locks if allowed, and then both grant the same lock", async () => {
  for (const node of nodes) await assertLocksAnyway(node.dsn());
  const name = freshName();
  const [one, two] = await Promise.all(nodes.map((node) => open(node.dsn(), name, undefined, anyway)));
  await using _one = one!;
  await using _two = two!;
  const locks = [await hold(one!), await hold(two!)];
  for (const lock of locks) await lock.release();
});

galera.test("the message names the cure, the flag", async (node) => {
  await assertAsksForFlag(node.dsn(), GALERA);
});

let primary: MySqlServer | undefined;
const replica = new SharedServer("MariaDB replica", mariaDbUnavailable, async () => {
  primary = await startPrimary();
  return await startReplica(primary, { extraArgs: ["--read-only=1"] });
});
Deno.test.afterAll(async () => {
  await primary?.stop();
});

replica.test("the replica is refused, its primary is not", async (server) => {
  await assertUnavailable(server.dsn(), READ_ONLY);
  await assertLocks(primary!.dsn());
});

replica.test("the replica locks if allowed", async (server) => {
  await assertLocksAnyway(server.dsn());
  await assertAsksForFlag(server.dsn(), READ_ONLY);
});

for (const shared of [replica, sharedMySql56()]) {
  shared.test("the server is refused as long as it is read-only", async (server) => {
    await server.query("SET GLOBAL read_only = 1");
    try {
      await assertUnavailable(server.dsn(), READ_ONLY);
      await server.query("SET GLOBAL read_only = 0");
      await assertLocks(server.dsn());
    } finally {
      await server.query("SET GLOBAL read_only = 0");
    }
  });
}

let standby: PostgresStandby | undefined;
const postgres = new SharedServer("PostgreSQL with a standby", systemPostgresUnavailable, async () => {
  const primary = await startSystemPostgres();
  standby = await startStandby(primary);
  return primary;
});
Deno.test.afterAll(async () => {
  await standby?.stop();
});

postgres.test("a standby is refused, and locks if allowed", async (server) => {
  await assertLocks(server.url());
  await assertAsksForFlag(standby!.url(), STANDBY);
  await assertLocksAnyway(standby!.url());
});

/**
 * A server that gives every lock and has these variables.
 *
 * @param later Those that are others when a lock is looked at, for so many looks after the first.
 */
function withVariables(
  variables: Readonly<Record<string, string>>,
  later: Readonly<Record<string, string>> = {},
  goodLooks = 0,
): FakeMySql {
  const rows: AnswerRow[] = Object.entries(variables).map(([name, value]) => ({ Variable_name: name, Value: value }));
  const look = (sql: string): Answer => {
    const now = goodLooks-- > 0 ? variables : { ...variables, ...later };
    const asked = [...sql.matchAll(/@@GLOBAL\.(\w+)/g)].map(([, name]) => name!);
    for (const name of asked) {
      if (!(name in now)) return new ServerError(1193, `Unknown system variable '${name}'`);
    }
    const state = asked.map((name) => (now as Record<string, string>)[name]).join("/");
    const seen = { mine: 1, id: 7, server: variables.server_uuid ?? "//", idle: 30, state, asker: 0 };
    return sql.includes(" AS conflicts") ? { ...seen, conflicts: 0 } : seen;
  };
  return new FakeMySql((sql) => {
    if (sql.startsWith("SHOW GLOBAL VARIABLES")) return rows;
    if (sql.includes(" AS mine")) return look(sql);
    if (sql.includes("GET_LOCK")) return { got: 1 };
    return sql.includes("RELEASE_LOCK") ? { released: 1 } : {};
  });
}

const MEMBER = {
  version: "8.4.0",
  server_uuid: "3e11fa47-71ca-11e1-9e33-c80aa9429562",
  read_only: "OFF",
  super_read_only: "OFF",
  innodb_read_only: "OFF",
  group_replication_group_name: "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
  group_replication_single_primary_mode: "ON",
};

/** A server's own description, and why it is refused, if it is. */
const SERVERS: [string, Readonly<Record<string, string>>, RegExp | undefined][] = [
  ["a group's only primary", MEMBER, undefined],
  ["a group's secondary", { ...MEMBER, read_only: "ON", super_read_only: "ON" }, READ_ONLY],
  ["a group with several primaries", { ...MEMBER, group_replication_single_primary_mode: "OFF" }, SEVERAL_PRIMARIES],
  [
    "a server that could be in a group",
    { ...MEMBER, group_replication_group_name: "", group_replication_single_primary_mode: "OFF" },
    undefined,
  ],
  ["a reader of Aurora", { version: "8.0.28", server_uuid: "u", read_only: "OFF", innodb_read_only: "ON" }, READ_ONLY],
  ["a MariaDB with a stricter read_only", { version: "12.1.2-MariaDB", read_only: "NO_LOCK" }, READ_ONLY],
  ["a server that writes 1", { version: "5.7.0-proxy", read_only: "1" }, READ_ONLY],
  ["a server that writes 0", { version: "5.7.0-proxy", read_only: "0", wsrep_on: "0" }, undefined],
  ["a MariaDB that could be a node", { version: "10.11.6-MariaDB", read_only: "OFF", wsrep_on: "OFF" }, undefined],
  ["a server that says nothing of itself", {}, undefined],
];

for (const [what, variables, refusal] of SERVERS) {
  Deno.test(`${what} is ${refusal ? "refused" : "accepted"}`, async () => {
    using fake = withVariables(variables);
    await using backend = await open(fake.dsn, freshName());
    if (refusal) {
      await assert.rejects(backend.acquire(Infinity, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.equal(error.exitCode, 202);
        assert.match(error.message, refusal);
        return true;
      });
      assert.ok(!fake.statements.some((sql) => sql.includes("GET_LOCK")), "it was asked for the lock");
    } else {
      await (await hold(backend)).release();
    }
    await using told = await open(fake.dsn, freshName(), undefined, anyway);
    await (await hold(told)).release();
  });
}

/** How a suitable server can become unsuitable, and the message then. */
const CHANGES: [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, RegExp][] = [
  ["is made a replica", MEMBER, { read_only: "1", super_read_only: "1" }, READ_ONLY],
  ["is made a replica, by super_read_only alone", MEMBER, { super_read_only: "1" }, READ_ONLY],
  ["becomes a reader of Aurora", MEMBER, { innodb_read_only: "1" }, READ_ONLY],
  ["gets a stricter read_only", { version: "12.1.2-MariaDB", read_only: "OFF" }, { read_only: "NO_LOCK" }, READ_ONLY],
  ["gets several primaries", MEMBER, { group_replication_single_primary_mode: "0" }, SEVERAL_PRIMARIES],
  ["becomes a node", { version: "11.8.1-MariaDB", read_only: "OFF", wsrep_on: "OFF" }, { wsrep_on: "1" }, GALERA],
];

for (const [what, before, after, refusal] of CHANGES) {
  Deno.test(`a lock is not taken on a server that ${what} before it grants it`, async () => {
    using fake = withVariables(before, after);
    await using backend = await open(fake.dsn, freshName());
    await assert.rejects(backend.acquire(0, never), (error) => {
      assert.ok(error instanceof UnsafeServerError);
      assert.match(error.message, refusal);
      return true;
    });
    await using told = await open(fake.dsn, freshName(), undefined, anyway);
    await (await hold(told)).release();
  });

  together.test(what, "a lock is lost on a server that", async () => {
    using fake = withVariables(before, after, 2);
    await using backend = await open(fake.dsn, freshName(), undefined, { lease: SHORT_LEASE });
    const lock = await hold(backend);
    const { message } = (await lossOf(lock)).reason;
    assert.match(message, /^Lock lost: MySQL at \S+ has changed: the server is [^\n]+$/);
    assert.match(`${message}, or allow it with --allow-unsafe-server`, new RegExp(refusal.source));
  });
}
