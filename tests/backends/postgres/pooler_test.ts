/** PgBouncer between sera and the server: its session mode will do, and nothing else. */
// Starts early: PgBouncer takes its time to clean up.

import assert from "node:assert/strict";
import type { LockUnavailableError } from "../../../lib/errors.ts";
// @ts-types="@types/pg"
import pg from "pg";
import { keySql } from "./key_sql.ts";
import { Running } from "../../cli/running.ts";
import { HANG, until } from "../../cli/wait.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Batches, sideBySide } from "../../side_by_side.ts";
import { lockContract } from "../lock_contract.ts";
import { IS_PLACE } from "../../../lib/backends/postgres/places.ts";
import { longerHold } from "../../../lib/backends/postgres/pooler.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { freshName, hold, later, never, open, type OpenOptions } from "../open.ts";
import { assertLocks, assertUnavailable, openWith } from "./ask.ts";
import { holderOf, waiting } from "./view.ts";
import { SharedServer } from "../shared_server.ts";

const HOLDER = `${import.meta.dirname}/../lock_holder.ts`;

const STRAYS =
  /: a pooler there does not tie locks to connections; use PgBouncer's pool_mode=session with its .*, use --lease, or/;

let pool: PgBouncer;
const shared = new SharedServer("PgBouncer", systemPostgresUnavailable ?? pgBouncerUnavailable, async () => {
  // Each of the many poolers has up to twenty.
  const server = await startSystemPostgres({ extraArgs: ["--max-connections=300"] });
  pool = await startPgBouncer(server, "session", { default_pool_size: "60" });
  return server;
});
Deno.test.afterAll(async () => {
  await pool?.stop();
});

const batches = new Batches();
lockContract({
  test: (name, fn) => shared.testInBatch(batches, name, fn),
  server: () => pool.url(),
  waiting: async (name, count) => void await waiting(shared.server, name, count),
});

/** Resolves when no lock is held. */
async function isFree(server: PostgresServer, name: string): Promise<void> {
  await until("the lock is free", async () => {
    const rows = await server.query(`SELECT FROM pg_locks WHERE ${keySql(name).row} AND granted`);
    return rows.length === 0;
  });
}

shared.test("clients of the pooler and of the server exclude each other", async (server) => {
  const name = freshName();
  await using through = await openWith(pool.url(), name);
  await using direct = await openWith(server.url(), name);
  for (const [one, other] of [[through, direct], [direct, through]] as const) {
    const lock = await hold(one);
    assert.equal(await other.acquire(0, never), undefined);
    const granted = other.acquire(HANG, never);
    await waiting(server, name);
    await lock.release();
    await (await granted)!.release();
  }
});

shared.test("slots, several locks and limits of waiters work through the pooler", async (server) => {
  const [name, beside] = [freshName(), freshName()];
  const client = (url: string, options: OpenOptions) => open(url, name, undefined, options);
  const options = { slots: 2, also: [beside], maxWaiters: 1 };
  await using through = await client(pool.url(), options);
  await using direct = await client(server.url(), { slots: 2 });
  await using more = await client(pool.url(), { slots: 2, maxWaiters: 1 });
  const [first, second] = [await hold(through), await hold(direct)];
  assert.deepEqual([first.slot, second.slot], [0, 1]);
  const granted = later(more.acquire(HANG, never));
  const places = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND ${IS_PLACE.textFor(POSTGRESQL)}`;
  await until("it waits", async () => (await server.query(places)).length === 1);
  await using late = await client(server.url(), { slots: 2, maxWaiters: 1 });
  await assert.rejects(late.acquire(1000, never), { message: /^one run already waits for it/ });
  await using plain = await client(server.url(), {});
  await assert.rejects(plain.acquire(0, never), {
    message: /^The lock is held with --slots 2, but this run has --slots 1 \(the default\)/,
  });
  await first.confirm();
  await first.release();
  const next = await granted;
  assert.equal(next?.slot, 0);
  await next.release();
  await second.release();
  await assertNothingLeft(server);
});

shared.test("when the server connection ends, the lock is lost, and free for others", async (server) => {
  const name = freshName();
  await using backend = await openWith(pool.url(), name);
  const lock = await hold(backend);
  await server.query(`SELECT pg_terminate_backend(${await holderOf(server, name)})`);
  await until("the loss", () => lock.lost.aborted);
  assert.match(String(lock.lost.reason), /Lock lost: PostgreSQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
  await using other = await openWith(pool.url(), name);
  await (await hold(other)).release();
});

shared.test("when the pooler crashes, the lock is lost, and free for others", async (server) => {
  await using dying = await startPgBouncer(server, "session");
  const name = freshName();
  await using backend = await openWith(dying.url(), name);
  const lock = await hold(backend);
  await dying.stop();
  await until("the loss", () => lock.lost.aborted);
  assert.match(
    String(lock.lost.reason),
    /Lock lost: PostgreSQL at tcp\(127\.0\.0\.1:\d+\): the server closed the conn/,
  );
  await isFree(server, name);
});

shared.test("a client that is killed leaves the lock to a waiter, and the connection clean", async (server) => {
  const name = freshName();
  await using single = await startPgBouncer(server, "session", { default_pool_size: "2" });
  await using holder = new Running([Deno.execPath(), "run", "--quiet", "-A", HOLDER, single.url(), name], {
    env: Deno.env.toObject(),
  });
  await holder.says("held");
  await using backend = await openWith(single.url(), name);
  const granted = backend.acquire(HANG, never);
  await waiting(server, name);
  holder.kill("SIGKILL");
  await (await granted)!.release();
  await isFree(server, name);
});

shared.test("a pool of one connection serves one at a time", async (server) => {
  await using single = await startPgBouncer(server, "session", { default_pool_size: "1" });
  for (let times = 0; times < 3; times++) {
    await using backend = await openWith(single.url(), freshName());
    const lock = await hold(backend);
    if (times === 0) {
      await assertUnavailable(single.url("connect_timeout=2"), /: no answer within 2s; check the server/);
    }
    await lock.release();
  }
});

shared.test("a session that the pooler keeps waiting gets the connection as soon as it is free", async (server) => {
  await using single = await startPgBouncer(server, "session", { default_pool_size: "1" });
  await using one = await openWith(single.url(), freshName());
  await using other = await openWith(single.url(), freshName());
  await hold(one);
  const granted = later(other.acquire(0, never));
  await until("the other one waits", async () => Number((await pools(single)).cl_waiting) === 1);
  await one[Symbol.asyncDispose]();
  const lock = await granted;
  assert.ok(lock);
  await lock.release();
});

shared.test("a pooler that takes no more clients, or has no server for them, is waited for", async (server) => {
  for (const most of ["1", "10"]) {
    const limits = { default_pool_size: "1", max_client_conn: most, query_wait_timeout: "1" };
    await using single = await startPgBouncer(server, "session", limits);
    const told: string[] = [];
    const retrying = ({ message }: LockUnavailableError) => told.push(message);
    await using one = await openWith(single.url(), freshName());
    await using other = await open(single.url(), freshName(), undefined, { retrying });
    const lock = await hold(one);
    const granted = later(other.acquire(Infinity, never));
    await until("it is told", () => told.length > 0);
    if (most === "1") {
      assert.match(
        told[0]!,
        /: no more connections allowed \(max_client_conn\); raise the pooler's max_client_conn, or/,
      );
    }
    await lock.release();
    await one[Symbol.asyncDispose]();
    await (await granted)!.release();
  }
});

async function pools(pool: PgBouncer): Promise<Record<string, unknown>> {
  return (await pool.query("SHOW POOLS")).find(({ database }) => database === "sera") ?? {};
}

/** How often to try: one try might happen to get the right connections. */
const TRIES = 10;

/** Settings that change how a pooler reuses connections. */
const POOLER_SETTINGS: Record<string, string>[] = [
  { default_pool_size: "1" },
  { default_pool_size: "2" },
  { default_pool_size: "20" },
  { server_round_robin: "1" },
  { server_reset_query_always: "1" },
  { server_reset_query_always: "1", default_pool_size: "1" },
  { server_reset_query: "" },
];

for (const mode of ["transaction", "statement"] as const) {
  for (const busy of [false, true]) {
    const how = busy ? "with other clients at work" : "with no other client";
    shared.test(`${mode} mode is refused, whatever connections are reused, ${how}`, (server) =>
      sideBySide(Object.fromEntries(POOLER_SETTINGS.map((extra) => [JSON.stringify(extra), async () => {
        await using pool = await startPgBouncer(server, mode, extra);
        await using _others = new Others(pool, busy ? 3 : 0);
        await Promise.all(Array.from({ length: TRIES }, () => assertUnavailable(pool.url(), STRAYS)));
      }]))));
  }
}

/** Its modes that do not tie locks to connections, and what to try with each. */
const inBothModes = (attempt: (mode: "transaction" | "statement") => Promise<void>) =>
  sideBySide({ transaction: () => attempt("transaction"), statement: () => attempt("statement") });

shared.test("the other modes are refused one after another, too", (server) =>
  inBothModes((mode) =>
    sideBySide({
      async "with a query that resets always"() {
        await using pool = await startPgBouncer(server, mode, { server_reset_query_always: "1" });
        for (let times = 0; times < TRIES; times++) await assertUnavailable(pool.url(), STRAYS);
      },
      async "as it comes"() {
        await using lasting = await startPgBouncer(server, mode);
        for (let times = 0; times < 2; times++) await assertUnavailable(lasting.url(), STRAYS);
      },
    })
  ));

/** Hands out its server sessions in turn, so that a lock is soon in another one. */
const TURNING: Record<string, string> = { server_round_robin: "1", min_pool_size: "3" };

shared.test("refusing the other modes leaves nothing behind", async (server) => {
  // One after another, since all probes of the server are seen; and with the pooler running, whose end ends them.
  for (const mode of ["transaction", "statement"] as const) {
    for (const extra of [{}, TURNING]) {
      await using pool = await startPgBouncer(server, mode, extra);
      await using _others = new Others(pool, extra === TURNING ? 1 : 0);
      const isReady = async () => extra !== TURNING || Number((await pools(pool)).sv_idle) >= 2;
      await until("there are servers", isReady);
      await assertUnavailable(pool.url(), STRAYS);
      await assertNothingLeft(server);
    }
  }
});

shared.test("a probe is unlocked in whichever of two sessions it is that come in turn", async (server) => {
  for (const mode of ["transaction", "statement"] as const) {
    const two = { default_pool_size: "2", min_pool_size: "2", server_round_robin: "1" };
    await using pool = await startPgBouncer(server, mode, two);
    // As long as it is there, so are both.
    const idle = new pg.Client({ connectionString: pool.url(), ssl: false });
    await idle.connect();
    try {
      await idle.query("SELECT");
      await until("there are two servers", async () => Number((await pools(pool)).sv_idle) === 2);
      await assertUnavailable(pool.url(), STRAYS);
      await assertNothingLeft(server);
    } finally {
      await idle.end();
    }
  }
});

async function assertNothingLeft(server: PostgresServer): Promise<void> {
  // The pooler ends a server session that is not clean a moment after its client has left.
  await until("nothing is left", async () => {
    return (await server.query("SELECT FROM pg_locks WHERE locktype = 'advisory'")).length === 0;
  });
}

shared.test("transaction mode is refused even while others keep discarding all locks", (server) =>
  sideBySide(Object.fromEntries([2, 50, 150, 500].map((every) => [`every ${every} ms`, async () => {
    await using pool = await startPgBouncer(server, "transaction", { default_pool_size: "1" });
    await using _others = new Others(pool, 1, "DISCARD ALL", every);
    for (let times = 0; times < TRIES / 2; times++) await assertUnavailable(pool.url(), STRAYS);
  }]))));

shared.test("session mode is accepted with any of these settings, also with other busy clients", async (server) => {
  const settings = POOLER_SETTINGS.filter(({ server_reset_query }) => server_reset_query === undefined);
  await Promise.all(settings.map(async (extra) => {
    await using pool = await startPgBouncer(server, "session", extra);
    await using _others = new Others(pool, Number(extra.default_pool_size) <= 2 ? 0 : 3);
    for (let times = 0; times < TRIES; times++) {
      await using backend = await openWith(pool.url(), freshName());
      await (await hold(backend)).release();
    }
  }));
});

shared.test("session mode is refused if the pooler does not clean up after a session", async (server) => {
  await sideBySide(Object.fromEntries(["", "RESET ALL"].map((server_reset_query) => [server_reset_query, async () => {
    await using pool = await startPgBouncer(server, "session", { server_reset_query });
    await assertUnavailable(pool.url(), STRAYS);
  }])));
  await using pool = await startPgBouncer(server, "session", { server_reset_query: "SELECT pg_advisory_unlock_all()" });
  await assertLocks(pool.url());
});

Deno.test({
  name: "a pooler that the server does not let in is refused, and the line says where to let it in",
  ignore: systemPostgresUnavailable !== undefined || pgBouncerUnavailable !== undefined,
  fn: async () => {
    await using server = await startSystemPostgres();
    await using pooler = await startPgBouncer(server, "session");
    await server.reload({ hba: ["host all sera all reject"] });
    await assertUnavailable(
      pooler.url(),
      /pg_hba\.conf [^\n]+; let the pooler in, in pg_hba\.conf on the server; if TLS/,
    );
  },
});

Deno.test("the probe takes longer on a slow network, but not because of one wait for a full pool", () => {
  assert.equal(longerHold(60, 20), 160);
  assert.equal(longerHold(60, 10_000), 480);
  let hold = 60;
  for (let rounds = 0; rounds < 4; rounds++) hold = longerHold(hold, 5000);
  assert.equal(hold, 40_000);
});

/** Clients that ask one thing after another, over connections that they keep. */
class Others implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #clients: readonly Promise<void>[];

  readonly #statement: string;
  readonly #pause: number;

  /** @param pause Milliseconds from one statement to the next, at the mean. */
  constructor(pool: PgBouncer, count: number, statement = "SELECT pg_sleep(0.01 * random())", pause = 5) {
    this.#statement = statement;
    this.#pause = pause;
    this.#clients = Array.from({ length: count }, () => later(this.#work(pool)));
  }

  async #work(pool: PgBouncer): Promise<void> {
    const client = new pg.Client({ connectionString: pool.url(), ssl: false });
    client.on("error", () => undefined);
    await client.connect();
    try {
      while (!this.#over.signal.aborted) {
        await client.query(this.#statement);
        await new Promise((resolve) => setTimeout(resolve, 2 * this.#pause * Math.random()));
      }
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#clients);
  }
}
