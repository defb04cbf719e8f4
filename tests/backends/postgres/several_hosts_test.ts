/** Settings with several hosts, and servers that are not for locks. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { openLeasedSession } from "../../../lib/backends/postgres/leased_session.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { freePort } from "../../servers/free_port.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { type PostgresStandby, startStandby } from "../../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Blackhole } from "../blackhole.ts";
import { ask, assertLocks, assertUnavailable } from "./ask.ts";
import { never, plainSession } from "../open.ts";
import { type Env, parsePostgres } from "../parse.ts";
import { OtherClient } from "./view.ts";
import { RESTARTS, sharedPostgres18, SharedServer } from "../shared_server.ts";

const PORT = "SELECT inet_server_port() AS port";
const STANDBY =
  /: the server is a standby, and its locks do not count elsewhere; name the primary, or allow it with --allow-unsafe-server$/;

let standby: PostgresStandby;
const shared = new SharedServer("PostgreSQL with a standby", systemPostgresUnavailable, async () => {
  const primary = await startSystemPostgres();
  // Before there is a standby, which has it all.
  await primary.query(`
    CREATE ROLE reader LOGIN PASSWORD 'secret';
    ALTER ROLE reader SET default_transaction_read_only = on`);
  standby = await startStandby(primary);
  return primary;
});
Deno.test.afterAll(async () => {
  await standby?.stop();
});
const another = sharedPostgres18();

function urlOf(hosts: readonly string[], params = "", account = "sera:secret"): string {
  return `postgres://${account}@${hosts.join(",")}/sera?${params}`;
}

const at = ({ port }: PostgresServer) => `127.0.0.1:${port}`;

async function assertUses(server: PostgresServer, url: string, env?: Env): Promise<void> {
  assert.deepEqual(await ask(url, PORT, env), { port: `${server.port}` }, url);
  await assertLocks(url, env);
}

shared.test("an unreachable host is skipped", async (server) => {
  for (const dead of [`127.0.0.1:${freePort()}`, "no-such-host.invalid:5432", "%2Fnonexistent:5432"]) {
    for (const sslmode of ["disable", "prefer"]) {
      await assertUses(server, urlOf([dead, at(server)], `sslmode=${sslmode}`));
      await assertUses(server, urlOf([dead, dead, at(server), dead], `sslmode=${sslmode}`));
    }
  }
  const folder = encodeURIComponent(server.socketFolder);
  assert.deepEqual(await ask(urlOf([`127.0.0.1:${freePort()}`, `${folder}:${server.port}`]), PORT), { port: null });
});

shared.test("each host has its port, or all of them the same one", async (server) => {
  const [dead, port] = [freePort(), server.port];
  const rest = "user=sera password=secret";
  await assertUses(server, `host=127.0.0.1,127.0.0.1 port=${dead},${port} ${rest}`);
  await assertUses(server, `host=no-such-host.invalid,127.0.0.1 port=${port} ${rest}`);
  await assertUses(server, `host=a.invalid,b.invalid hostaddr=127.0.0.1,127.0.0.1 port=${dead},${port} ${rest}`);
  await assertUses(server, "postgres://", {
    PGHOST: "127.0.0.1,localhost",
    PGPORT: `${dead},${port}`,
    PGUSER: "sera",
    PGPASSWORD: "secret",
  });
});

shared.test("when no host is reachable, one line names each and the reason", async () => {
  const [one, two] = [freePort(), freePort()];
  await assertUnavailable(
    urlOf([`127.0.0.1:${one}`, `no-such-host.invalid:${two}`, `%2Fnonexistent:${two}`]),
    new RegExp(
      `^Cannot lock on PostgreSQL at tcp\\(127\\.0\\.0\\.1:${one}\\): connection refused; [^\\n]+, and at ` +
        `tcp\\(no-such-host\\.invalid:${two}\\): (no such host|the host's name)[^\\n]+, and at ` +
        `unix\\(/nonexistent/\\.s\\.PGSQL\\.${two}\\): no such socket; [^\\n]+$`,
    ),
  );
});

Deno.test({
  name: "a host that does not answer is skipped after connect_timeout",
  ignore: Deno.build.os !== "linux" || systemPostgresUnavailable !== undefined, // Others answer for a full listener.
  // An attempt that was given up ends when the kernel gives it up too.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using blackhole = await Blackhole.open();
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await Promise.all([blackhole.port, silent.addr.port].map(async (port) => {
      const url = urlOf([`127.0.0.1:${port}`, at(shared.server)], "connect_timeout=2");
      const began = performance.now();
      assert.deepEqual(await ask(url, PORT), { port: `${shared.server.port}` });
      const took = performance.now() - began;
      assert.ok(took > 1990, `took ${took} ms`);
    }));
  },
});

shared.test("a paused server does not answer, and is skipped", async (server) => {
  await another.server.pause();
  try {
    await assertUnavailable(urlOf([at(another.server)], "connect_timeout=2"), /: no answer within 2s; check the/);
    assert.deepEqual(
      await ask(urlOf([at(another.server), at(server)], "connect_timeout=2"), PORT),
      { port: `${server.port}` },
    );
  } finally {
    await another.server.resume();
  }
});

shared.test("of a standby and its primary the primary is used, in either order", async (server) => {
  for (const target of ["", "any", "read-write", "primary"]) {
    const params = target && `target_session_attrs=${target}`;
    for (const hosts of [[standby, server], [server, standby], [standby, standby, server]]) {
      await assertUses(server, urlOf(hosts.map(at), params));
    }
    await assertUses(server, urlOf([standby, server].map(at)), { PGTARGETSESSIONATTRS: target });
  }
});

shared.test("a standby alone is refused with advice", async () => {
  const dead = `127.0.0.1:${freePort()}`;
  for (const target of ["any", "read-write", "primary"]) {
    const params = `target_session_attrs=${target}`;
    await assertUnavailable(urlOf([at(standby)], params), STANDBY);
    await assertUnavailable(urlOf([dead, at(standby)], params), STANDBY);
    await assertUnavailable(urlOf([at(standby), dead], params), /is a standby, .+, and at .+: connection refused/);
  }
});

shared.test("a read-only session is accepted, except for target_session_attrs=read-write", async (server) => {
  const url = (target: string) => urlOf([at(server)], `target_session_attrs=${target}`, "reader:secret");
  for (const target of ["any", "primary"]) {
    assert.deepEqual(await ask(url(target), "SHOW transaction_read_only"), { transaction_read_only: "on" });
    await assertLocks(url(target));
  }
  await assertUnavailable(
    url("read-write"),
    /: the session is read-only, and target_session_attrs=read-write asks for/,
  );

  await another.server.query("CREATE ROLE reader LOGIN PASSWORD 'secret'");
  await assertUses(
    another.server,
    urlOf([server, another.server].map(at), "target_session_attrs=read-write", "reader:secret"),
  );
});

shared.test("for a lease the first writable host is used", async (server) => {
  const uses = async (url: string, expected: PostgresServer, allowUnsafeServer = false) => {
    const session = await openLeasedSession(await parsePostgres(url), { ...plainSession, allowUnsafeServer }, never);
    assert.deepEqual(await session.query(sql`SELECT inet_server_port() AS port`), { port: `${expected.port}` }, url);
    await session.close();
  };
  for (const allowed of [false, true]) {
    await uses(urlOf([standby, server].map(at)), server, allowed);
    await uses(urlOf([standby, standby, server].map(at), "target_session_attrs=primary"), server, allowed);
    await assert.rejects(uses(urlOf([at(standby)]), server, allowed), /is a standby, where no lease can be written/);
  }
  await another.server.query("CREATE ROLE writer LOGIN PASSWORD 'secret'");
  await server.query(`CREATE ROLE writer LOGIN PASSWORD 'secret';
    ALTER ROLE writer SET default_transaction_read_only = on`);
  const url = urlOf([server, another.server].map(at), "", "writer:secret");
  await uses(url, another.server);
  // A refusal that may pass; without a lease it ends the search.
  await server.query("ALTER ROLE writer CONNECTION LIMIT 0");
  await uses(url, another.server);
  await assertUnavailable(url, /: too many connections for role(?!.*and at)/);
  await server.query("DROP ROLE writer");
  await another.server.query("DROP ROLE writer");
});

shared.test("after a refusal by one host the next is not tried", async (server) => {
  const folder = await Deno.makeTempDir({ prefix: "sera-hosts-" });
  try {
    const PGPASSFILE = `${folder}/passwords`;
    await Deno.writeTextFile(PGPASSFILE, `*:${server.port}:*:*:notsecret\n*:*:*:*:secret\n`, { mode: 0o600 });
    const url = (hosts: PostgresServer[], database = "sera") => `postgres://sera@${hosts.map(at)}/${database}`;
    const first = String.raw`^Cannot lock on PostgreSQL at tcp\(127\.0\.0\.1:${server.port}\): `;
    await assertUses(another.server, url([another.server, server]), { PGPASSFILE });
    await assertUnavailable(
      url([server, another.server]),
      new RegExp(`${first}password authentication failed(?!.*and at)`),
      { PGPASSFILE },
    );
    await another.server.query("CREATE DATABASE there");
    await assertUnavailable(
      url([server, another.server], "there"),
      new RegExp(`${first}database "there" does not exist(?!.*and at)`),
      { PGPASSWORD: "secret" },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

another.test("a host that goes down is skipped", async (server) => {
  {
    // A server that shuts down waits for this session, and accepts no other.
    await using _last = await OtherClient.connect(server);
    Deno.kill(server.pid, "SIGTERM");
    const down = /: the database system is shutting down; wait until the server is up$/;
    const error = await until(
      "the server goes down",
      () => ask(server.url(), PORT).then(() => undefined, (error) => error),
    );
    assert.ok(error instanceof LockUnavailableError && error.transient, `${error}`);
    await assertUnavailable(server.url(), down);
    await assertUses(shared.server, urlOf([server, shared.server].map(at)));
  }
  await server.restart();
  await assertUses(server, urlOf([server, shared.server].map(at)));
}, RESTARTS);

shared.test("a promoted standby can be used", async (server) => {
  await using next = await startStandby(server);
  await assertUnavailable(urlOf([at(next)]), STANDBY);
  await next.promote();
  await assertUses(next, urlOf([next, server].map(at), "target_session_attrs=read-write"));
});
