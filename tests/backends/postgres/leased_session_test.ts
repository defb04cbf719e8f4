/** A session for a lease: its settings, whether it has session locks, and that it leaves nothing in a pooler. */
// Starts early: PgBouncer takes its time to clean up.

import assert from "node:assert/strict";
// @ts-types="@types/pg"
import pg from "pg";
import { Deadline } from "../../../lib/deadline.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { AdvisoryLock } from "../../../lib/backends/postgres/advisory_lock.ts";
import { RequestedLocks } from "../../../lib/backends/postgres/requested_locks.ts";
import { openLeasedSession } from "../../../lib/backends/postgres/leased_session.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import type { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import { identifier, join, sql } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import { postgres18Unavailable, startPostgres18 } from "../../servers/postgres18.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { sideBySide } from "../../side_by_side.ts";
import { answerOf, FAKE_POSTGRES } from "../fake_sessions.ts";
import { ServerError } from "../fake_server.ts";
import { freshName, later, never, plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";
import { SharedServer } from "../shared_server.ts";
import { FakePostgres, PID } from "./fake_server.ts";

const options = { ...plainSession, lease: { ttl: 30_000, grace: 10_000 } };

async function openLeased(url: string): Promise<PostgresSession> {
  return await openLeasedSession(await parsePostgres(url), options, never);
}

/** The settings of a separate session, as the server shows them. */
const SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: "0",
  lock_timeout: "1s",
  synchronous_commit: "on",
  idle_session_timeout: "30s",
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "10",
  tcp_keepalives_count: "2",
  tcp_user_timeout: "30000",
  client_connection_check_interval: "10s",
};

/** The settings of a session, by name. */
async function settingsOf(session: PostgresSession): Promise<Record<string, unknown>> {
  const columns = Object.keys(SETTINGS).map((name) => sql`current_setting(${name}) AS ${identifier(name)}`);
  return { ...await session.query(sql`SELECT ${join(columns)}`) };
}

/** Asserts that a session has its own server session, set up for a lease and with locks that others respect. */
async function assertOwn(session: PostgresSession): Promise<void> {
  assert.equal(session.hasSessionLocks, true);
  assert.equal(session.number, session.pid);
  assert.equal(session.idleTimeout, options.lease.ttl);
  assert.deepEqual(await settingsOf(session), SETTINGS);
  const name = freshName();
  const lock = new AdvisoryLock(name);
  assert.ok(await lock.wait(session, new Deadline(0), never));
  const { isHeld, from } = new RequestedLocks(name).heldBy(session.pid, false);
  const seen = await session.query(sql`SELECT ${isHeld} AS mine FROM ${from}`);
  assert.equal(seen.mine, "t");
  assert.equal(await lock.release(session), true);
}

/** Asserts that a session may be any of a pooler's server sessions. */
function assertShared(session: PostgresSession): void {
  assert.equal(session.pooled, true);
  assert.equal(session.hasSessionLocks, false);
  assert.equal(session.number, undefined);
}

/** A server whose defaults differ from a lease's settings, and that logs all statements. */
const ARGS = ["--max-connections=200", "--log-statement=all", "--synchronous-commit=off", "--lock-timeout=7s"];

const servers: readonly SharedServer<PostgresServer>[] = [
  new SharedServer("PostgreSQL", systemPostgresUnavailable, () => startSystemPostgres({ extraArgs: ARGS })),
  new SharedServer("PostgreSQL 18", postgres18Unavailable, () => startPostgres18({ extraArgs: ARGS })),
];

/** The leftovers of another client in a pooler's server session, by name. */
async function leftIn(pool: PgBouncer): Promise<string[]> {
  const client = await connect(pool);
  try {
    // PgBouncer itself sets some of them, for each client anew.
    const { rows } = await client.query(`
      SELECT name FROM pg_settings WHERE source = 'session'
        AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone',
          'standard_conforming_strings')
      UNION ALL SELECT 'a channel ' || pg_listening_channels()
      UNION ALL SELECT 'a prepared statement ' || name FROM pg_prepared_statements
      UNION ALL SELECT 'a lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function connect(pool: PgBouncer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: pool.url(), ssl: false });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Resolves when a pooler has so many idle server sessions. */
async function fill(pool: PgBouncer, count: number): Promise<void> {
  const client = await connect(pool);
  await client.query("SELECT 1");
  await until("the pool is full", async () => {
    const [row] = (await pool.query("SHOW POOLS")).filter(({ database }) => database === "sera");
    return Number(row?.sv_idle) >= count;
  });
  await client.end();
}

/** Tries several cases at the same time. */
function each<C>(cases: readonly C[], attempt: (one: C) => Promise<void>): Promise<void> {
  return sideBySide(Object.fromEntries(cases.map((one) => [JSON.stringify(one), () => attempt(one)])));
}

/** A pooler's mode, and settings of its own. */
type Pooling = readonly [mode: "session" | "transaction" | "statement", extra: Record<string, string>];

/** Poolers that leave a server session to one client. */
const TYING: readonly Pooling[] = [
  ["session", {}],
  ["session", { server_round_robin: "1" }],
  ["session", { default_pool_size: "2" }],
];

/** Poolers that do not, with what makes them reuse server sessions in one way or another. */
const STRAYING: readonly Pooling[] = (["transaction", "statement"] as const).flatMap((mode) => [
  [mode, {}],
  [mode, { default_pool_size: "1" }],
  [mode, { server_reset_query_always: "1" }],
  [mode, { server_round_robin: "1" }],
  [mode, { server_round_robin: "1", min_pool_size: "2" }],
  [mode, { server_round_robin: "1", min_pool_size: "3" }],
]);

/** Poolers that have one connection only, for clients or to the server. */
const NARROW: readonly Pooling[] = [
  ["session", { max_client_conn: "1" }],
  ["session", { default_pool_size: "1" }],
  ["transaction", { max_client_conn: "1" }],
  ["statement", { max_client_conn: "1" }],
];

for (const shared of servers) {
  shared.test("a direct connection is set up for a lease", async (server) => {
    const session = await openLeased(server.url());
    try {
      assert.equal(session.pooled, false);
      await assertOwn(session);
    } finally {
      await session.close();
    }
  });

  shared.test("a synchronous_commit other than off is kept", async (server) => {
    const session = await openLeased(server.url("options=-c%20synchronous_commit%3Dlocal"));
    assert.equal((await settingsOf(session)).synchronous_commit, "local");
    await session.close();
  });
}

/** Defines a test with poolers. */
function poolerTest(name: string, fn: (server: PostgresServer) => Promise<void>): void {
  if (pgBouncerUnavailable !== undefined) return console.log(`left out: ${name}: ${pgBouncerUnavailable}`);
  for (const shared of servers) shared.test(`PgBouncer: ${name}`, fn);
}

poolerTest("in session mode the session is like a direct one, and leaves nothing behind", async (server) => {
  await each(TYING, async (pooling) => {
    await using pool = await startPgBouncer(server, ...pooling);
    const session = await openLeased(pool.url());
    assert.equal(session.pooled, true);
    await assertOwn(session);
    await session.close();
    await until("the pooler has cleaned up", async () => (await leftIn(pool)).length === 0);
  });
});

poolerTest(
  "in the other modes the session has no locks, and none is tried, whatever connections are reused",
  async (server) => {
    const { size } = await Deno.stat(server.logFile);
    await each(STRAYING, async ([mode, extra]) => {
      await using pool = await startPgBouncer(server, mode, extra);
      if (extra.min_pool_size) await fill(pool, Number(extra.min_pool_size));
      for (let times = 0; times < 3; times++) {
        const session = await openLeased(pool.url());
        assertShared(session);
        assert.deepEqual(await leftIn(pool), []);
        await session.close();
        assert.deepEqual(await leftIn(pool), []);
      }
    });
    const log = (await Deno.readTextFile(server.logFile)).slice(size);
    assert.match(log, /statement: SELECT .*pg_is_in_recovery/s);
    assert.doesNotMatch(log, /statement: (BEGIN|LISTEN|SELECT pg_(try_)?advisory)/);
  },
);

poolerTest("leftovers in a server session would be detected", async (server) => {
  await using pool = await startPgBouncer(server, "transaction", { default_pool_size: "1" });
  const session = await openPostgresSession(await parsePostgres(pool.url()), plainSession, never);
  await session.close();
  assert.ok((await leftIn(pool)).includes("lock_timeout"));
});

poolerTest("the pooler is recognized while other clients are busy", async (server) => {
  const modes = ["session", "transaction", "statement"] as const;
  await each(modes, async (mode) => {
    await using pool = await startPgBouncer(server, mode);
    const others = await Promise.all(Array.from({ length: 3 }, () => connect(pool)));
    const over = new AbortController();
    const work = Promise.all(others.map(async (client) => {
      while (!over.signal.aborted) await client.query("SELECT pg_sleep(0.005 * random())");
      await client.end();
    }));
    try {
      for (let times = 0; times < 5; times++) {
        const session = await openLeased(pool.url());
        assert.equal(session.hasSessionLocks, mode === "session");
        await session.close();
      }
    } finally {
      over.abort();
      await work;
    }
  });
  await until("no lock is left", async () => {
    return (await server.query("SELECT FROM pg_locks WHERE locktype = 'advisory'")).length === 0;
  });
});

poolerTest("without a second connection from the pooler the session has no locks, in time", async (server) => {
  await each(NARROW, async (pooling) => {
    await using pool = await startPgBouncer(server, ...pooling);
    // It would be waited for as long as the other limits allow.
    const far = AbortSignal.timeout(45_000);
    const session = await openLeasedSession(await parsePostgres(pool.url("connect_timeout=90")), options, far, 600);
    assertShared(session);
    assert.equal((await settingsOf(session)).lock_timeout, "7s");
    await session.close();
  });
});

poolerTest("without time to probe the pooler the session has no locks", async (server) => {
  await using pool = await startPgBouncer(server, "session");
  const session = await openLeasedSession(await parsePostgres(pool.url()), options, never, 400);
  assertShared(session);
  assert.equal((await settingsOf(session)).lock_timeout, "7s");
  await session.close();
});

poolerTest("an attempt that is aborted leaves no connection", async (server) => {
  await using pool = await startPgBouncer(server, "session", { default_pool_size: "1" });
  const abort = new AbortController();
  const opened = later(openLeasedSession(await parsePostgres(pool.url()), options, abort.signal));
  const clients = async () => (await pool.query("SHOW CLIENTS")).filter(({ database }) => database === "sera").length;
  await until("both are connected", async () => await clients() === 2);
  abort.abort(new Error("enough"));
  await assert.rejects(opened, { message: "enough" });
  await until("none is connected", async () => await clients() === 0);
});

/** Statements that set something, without what they are guarded by. */
const unguarded = (statement: string) => statement.replace(/CASE WHEN pg_backend_pid\(\) = \d+ THEN .*? END AS/gs, "");

Deno.test("a direct connection is recognized with one statement, which changes no other server session", async () => {
  using server = new FakePostgres((statement) => answerOf(FAKE_POSTGRES, statement));
  await (await openLeased(server.url)).close();
  assert.equal(server.statements.length, 1);
  assert.match(server.statements[0]!, new RegExp(`CASE WHEN pg_backend_pid\\(\\) = ${PID} THEN set_config\\('lock_t`));
  assert.doesNotMatch(unguarded(server.statements[0]!), /set_config\(/);
});

Deno.test("a server that lacks some settings gets the others", async () => {
  using server = new FakePostgres((statement) =>
    statement.includes("idle_session_timeout', '")
      ? new ServerError("42704", "unknown")
      : answerOf(FAKE_POSTGRES, statement)
  );
  await (await openLeased(server.url)).close();
  const [all, ...each] = server.statements;
  const set = each.filter((statement) => statement.includes("set_config("));
  assert.equal(set.length, all!.split("pg_backend_pid() = ").length - 1);
  for (const statement of set) assert.doesNotMatch(unguarded(statement), /set_config\(/);
});

Deno.test("a pooler whose clients share a server session is recognized after three statements", async () => {
  using server = new FakePostgres((statement) => ({
    ...answerOf(FAKE_POSTGRES, statement),
    ...(statement.includes("AS pid") ? { pid: PID + 1 } : {}),
  }));
  const session = await openLeased(server.url);
  assertShared(session);
  await session.close();
  assert.equal(server.statements.length, 3);
});

Deno.test("a read-only server is refused, even with allow-unsafe-server", async () => {
  const cases = [
    [{ standby: "t" }, /: the server is a standby, where no lease can be written; name the primary$/],
    [{ read_only: "on" }, /: the session is read-only, and a lease must be written; connect to the primary, or turn/],
  ] as const;
  for (const [facts, message] of cases) {
    for (const allowUnsafeServer of [false, true]) {
      using server = new FakePostgres((statement) => ({ ...answerOf(FAKE_POSTGRES, statement), ...facts }));
      await assert.rejects(
        async () => openLeasedSession(await parsePostgres(server.url), { ...options, allowUnsafeServer }, never),
        (error) => error instanceof LockUnavailableError && message.test(error.message),
      );
    }
  }
});
