/** Settings with several hosts: on which of them a session is opened, and the message if on none. */

import assert from "node:assert/strict";
import { LockUnavailableError, UnsafeServerError } from "../../../lib/errors.ts";
import { firstUsable } from "../../../lib/backends/mysql/first_usable.ts";
import type { MySqlOptions } from "../../../lib/backends/mysql/options.ts";
import { type MySqlSession, openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { freePort } from "../../servers/free_port.ts";
import { mariaDbUnavailable } from "../../servers/mariadb.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { startPrimary, startReplica } from "../../servers/replica.ts";
import { ServerError } from "../fake_server.ts";
import { freshName, hold, never, open, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import { sharedMySql56, SharedServer } from "../shared_server.ts";
import { type FakeLogin, FakeMySql } from "./fake_server.ts";

const leased = { ...plainSession, leased: true };

let replica: MySqlServer;
const shared = new SharedServer("MariaDB with a replica", mariaDbUnavailable, async () => {
  const primary = await startPrimary();
  replica = await startReplica(primary, { extraArgs: ["--read-only=1"] });
  return primary;
});
Deno.test.afterAll(async () => {
  await replica?.stop();
});
const another = sharedMySql56();

type Host = string | { readonly port: number };

function at(host: Host): string {
  return typeof host === "string" ? host : `127.0.0.1:${host.port}`;
}

/** The two ways to write the same servers. */
function waysTo(hosts: readonly Host[], params = "", account = "sera:secret"): string[] {
  const list = hosts.map(at).join(",");
  return [`${account}@tcp(${list})/?${params}`, `mysql://${account}@${list}/?${params}`];
}

async function openOn(dsn: string, options: MySqlOptions = leased): Promise<MySqlSession> {
  return await openMySqlSession(await parseMySql(dsn), options, never);
}

/** Asserts which of the hosts a session is opened on, and that it names that one alone. */
async function assertUses({ port }: { readonly port: number }, hosts: readonly Host[], params = ""): Promise<void> {
  for (const dsn of waysTo(hosts, params)) {
    const session = await openOn(dsn);
    try {
      assert.deepEqual({ ...await session.query(sql`SELECT @@port AS port`) }, { port }, dsn);
      assert.equal(session.where, `MySQL at tcp(127.0.0.1:${port})`);
    } finally {
      await session.close();
    }
  }
}

/** The error when none of the hosts will do. */
async function failure(hosts: readonly Host[], params = "", options = leased): Promise<LockUnavailableError> {
  const [error, other] = await Promise.all(
    waysTo(hosts, params).map(async (dsn) => {
      try {
        await (await openOn(dsn, options)).close();
      } catch (error) {
        assert.ok(error instanceof LockUnavailableError, `${error}`);
        assert.doesNotMatch(error.message, /secret|\n/);
        return error;
      }
      throw new Error(`connected to ${dsn}`);
    }),
  );
  assert.equal(other!.message, error!.message);
  return error!;
}

shared.test("an unreachable host is skipped", async (server) => {
  for (const dead of [`127.0.0.1:${freePort()}`, "no-such-host.invalid"]) {
    for (const params of ["", "tls=preferred"]) {
      await assertUses(server, [dead, server], params);
      await assertUses(server, [dead, dead, server, dead], params);
    }
  }
});

shared.test("the first usable host is used", async (server) => {
  await assertUses(server, [server, another.server]);
  await assertUses(another.server, [another.server, server]);
  await assertUses(server, [server, server]);
});

Deno.test("when no host is reachable, one line names each and the reason", async () => {
  const [one, two] = [freePort(), freePort()];
  const error = await failure([`127.0.0.1:${one}`, `[::1]:${two}`, "no-such-host.invalid"]);
  assert.match(
    error.message,
    new RegExp(
      `^Cannot lock on MySQL at tcp\\(127\\.0\\.0\\.1:${one}\\): connection refused; [^\\n]+, and at ` +
        `tcp\\(\\[::1\\]:${two}\\): [^\\n]+; [^\\n]+, and at ` +
        `tcp\\(no-such-host\\.invalid:3306\\): (no such host|the name service)[^\\n]*; [^\\n]+$`,
    ),
  );
  assert.deepEqual([error.transient, error.exitCode], [true, 202]);
});

shared.test("a silent host is skipped after its timeout", async (server) => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const began = performance.now();
  // The time for an answer is long, for the sake of the server that does answer.
  await assertUses(server, [{ port: silent.addr.port }, server], "readTimeout=2s");
  const took = performance.now() - began;
  assert.ok(took > 2 * 1990, `took ${took} ms`);
});

Deno.test("hosts share the time limit; a silent one leaves the next its share", async () => {
  const dsn = await parseMySql("u:secret@tcp(h1,h2:3307,h3)/");
  const ends: string[] = [];
  const untilOver = (host: string, signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => {
        ends.push(host);
        reject(signal.reason);
      })
    );
  const got = await firstUsable(
    dsn,
    ({ addresses: [address] }, signal) => {
      const host = address.transport === "tcp" ? address.host : "";
      return host === "h3" ? Promise.resolve(host) : untilOver(host, signal);
    },
    never,
    300,
  );
  assert.deepEqual([got, ends], ["h3", ["h1", "h2"]]);
  await assert.rejects(firstUsable(dsn, (_, signal) => untilOver("", signal), never, 300), (error) => {
    assert.ok(error instanceof LockUnavailableError && error.transient);
    const each = "not connected within 100ms; check the server and the network";
    assert.equal(
      error.message,
      `Cannot lock on MySQL at tcp(h1:3306): ${each}, and at tcp(h2:3307): ${each}, and at tcp(h3:3306): ${each}`,
    );
    return true;
  });
});

Deno.test("an abort ends the search", async () => {
  const dsn = await parseMySql("u:secret@tcp(h1,h2)/");
  const abort = new AbortController();
  const enough = new LockUnavailableError("enough", undefined, { transient: true });
  let tried = 0;
  const search = firstUsable(
    dsn,
    (_, signal) => {
      tried++;
      abort.abort(enough);
      return Promise.reject(signal.reason);
    },
    abort.signal,
    60_000,
  );
  await assert.rejects(search, (error) => error === enough);
  assert.equal(tried, 1);
});

shared.test("of a replica and its primary the primary is used, in either order", async (server) => {
  for (const hosts of [[replica, server], [server, replica], [replica, replica, server]]) {
    await assertUses(server, hosts);
  }
});

shared.test("replicas alone are refused, as during a failover", async () => {
  const dead = { port: freePort() };
  const readOnly = "the server is read-only, most likely a replica, and cannot store a lease; name the primary";
  const [one, gone] = [replica, dead].map((host) => `tcp(127.0.0.1:${host.port})`);
  const refused = "connection refused; check the address, and that the server is running and listens on it";
  for (
    const [hosts, message] of [
      [[replica, replica], `${one}: ${readOnly}, and at ${one}: ${readOnly}`],
      [[dead, replica], `${gone}: ${refused}, and at ${one}: ${readOnly}`],
      [[replica, dead], `${one}: ${readOnly}, and at ${gone}: ${refused}`],
    ] as const
  ) {
    const error = await failure(hosts);
    assert.equal(error.message, `Cannot lock on MySQL at ${message}`);
    assert.ok(error instanceof UnsafeServerError && error.transient);
  }
  const alone = await failure([replica]);
  assert.equal(alone.message, `Cannot lock on MySQL at ${one}: ${readOnly}`);
  assert.ok(alone instanceof UnsafeServerError && !alone.transient);
});

shared.test("a replica is used if allowed and nothing better is available", async (server) => {
  const gone = { port: freePort() };
  for (
    const [hosts, used] of [
      [[gone, replica], replica],
      [[replica, gone, replica], replica],
      [[replica, server], server],
    ] as const
  ) {
    const [dsn] = waysTo(hosts);
    const session = await openOn(dsn!, { ...leased, allowUnsafeServer: true, observesOnly: true });
    assert.equal(session.where, `MySQL at tcp(127.0.0.1:${used.port})`);
    await session.close();
  }
  const [dsn] = waysTo([replica, server], "", "sera:notsecret");
  await assert.rejects(
    openOn(dsn!, { ...leased, allowUnsafeServer: true, observesOnly: true }),
    /: Access denied for user 'sera'/,
  );
});

shared.test("after a refusal by one host the next is not tried", async (server) => {
  using next = new FakeMySql(() => ({}));
  for (
    const [params, account, says] of [
      ["", "sera:notsecret", /: Access denied for user 'sera'[^\n]+; check user and password in the DSN, /],
      [
        "no_such_variable=1",
        "sera:secret",
        /: Unknown system variable 'no_such_variable'; correct or remove the parameter/,
      ],
    ] as const
  ) {
    for (const dsn of waysTo([server, next], params, account)) {
      await assert.rejects(openOn(dsn), (error) => {
        assert.ok(error instanceof LockUnavailableError && !error.transient, `${error}`);
        assert.match(error.message, says);
        assert.ok(error.message.startsWith(`Cannot lock on MySQL at tcp(127.0.0.1:${server.port}): `), error.message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
  }
  assert.deepEqual([next.statements, next.clients], [[], 0]);
});

Deno.test("a login method that the DSN forbids ends the search, too", async () => {
  const asking: FakeLogin = { plugin: "mysql_native_password", admits: () => Promise.resolve(true) };
  using first = new FakeMySql(() => ({}), asking);
  using next = new FakeMySql(() => ({}));
  const error = await failure([first, next], "allowNativePasswords=false");
  assert.match(error.message, /: the server asks for mysql_native_password, which allowNativePasswords=false/);
  assert.doesNotMatch(error.message, /and at/);
  assert.deepEqual(next.statements, []);
});

/** Answers to the first statement, and whether the next host is tried. */
const ANSWERS: [string, ServerError, boolean][] = [
  ["too many connections", new ServerError(1040, "Too many connections"), true],
  ["a shutdown", new ServerError(1053, "Server shutdown in progress"), true],
  ["a server in offline mode", new ServerError(3032, "The server is currently in offline mode"), true],
  ["a node that is not ready", new ServerError(1047, "WSREP has not yet prepared node for application use"), true],
  ["a read-only server", new ServerError(1290, "The server is running with --read-only"), true],
  ["an unknown database", new ServerError(1049, "Unknown database"), false],
  ["a host that may not connect", new ServerError(1130, "Host is not allowed to connect"), false],
  ["a syntax error", new ServerError(1064, "You have an error in your SQL syntax"), false],
];

for (const [what, answer, moreFollow] of ANSWERS) {
  Deno.test(`${what} ${moreFollow ? "lets the search go on" : "ends the search"}`, async () => {
    using first = new FakeMySql(() => answer);
    using next = new FakeMySql(() => []);
    const [dsn] = waysTo([first, next]);
    if (moreFollow) {
      const session = await openOn(dsn!);
      assert.equal(session.where, `MySQL at tcp(127.0.0.1:${next.port})`);
      await session.close();
    } else {
      await assert.rejects(openOn(dsn!), (error) => error instanceof LockUnavailableError && !error.transient);
      assert.deepEqual(next.statements, []);
    }
    assert.ok(first.statements.length > 0);
  });
}

shared.test("a lock finds its server among several hosts, and names all of them when it fails", async (server) => {
  const dead = freePort();
  const leaseTable = { name: "sera_leases", schema: "sera" };
  const [dsn] = waysTo([{ port: dead }, replica, server]);
  await using backend = await open(dsn!, freshName(), undefined, { leaseTable });
  await (await hold(backend)).release();

  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deaf = `tcp(127.0.0.1:${silent.addr.port})`;
  const [nowhere] = waysTo([{ port: silent.addr.port }, { port: silent.addr.port }]);
  await using waiter = await open(nowhere!, freshName(), undefined, { leaseTable });
  await assert.rejects(waiter.acquire(1, never), (error) => {
    assert.ok(error instanceof LockUnavailableError);
    assert.ok(error.message.startsWith(`Cannot lock on MySQL at ${deaf}`), error.message);
    assert.ok(error.message.includes(`, and at ${deaf}: `), error.message);
    return true;
  });
});
