/** What administrators, limits and other clients do to those who wait for a lock or hold one. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError, OtherSlotsError } from "../../../lib/errors.ts";
import { Deadline } from "../../../lib/deadline.ts";
import { MySqlLeaseQueue } from "../../../lib/backends/mysql/lease_queue.ts";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { parseMySql } from "../parse.ts";
import { HANG, until } from "../../cli/wait.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { freshName, hold, later, never, open, plainSession, Retries } from "../open.ts";
import { clients, holderOf, waiters, waiting } from "./view.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const mariaDb = sharedMariaDb();

for (const shared of [mariaDb, sharedMySql56()]) {
  shared.test("a waiter whose query is killed goes on waiting", async (server) => {
    const name = freshName();
    await using one = await open(server.dsn(), name);
    await using other = await open(server.dsn(), name);
    const lock = await hold(one);
    const granted = other.acquire(HANG, never);
    for (let times = 0; times < 2; times++) {
      const [waiter] = await waiting(server, name);
      await server.query(`KILL QUERY ${waiter!.id}`);
      await until("the query has gone", async () => (await waiters(server, name)).length === 0);
      // The same connection asks again.
      assert.equal((await waiting(server, name))[0]!.id, waiter!.id);
    }
    await lock.release();
    await (await granted)!.release();
  });

  shared.test("a waiter whose connection is killed goes on waiting over another one", async (server) => {
    const name = freshName();
    const told: string[] = [];
    await using one = await open(server.dsn(), name);
    await using other = await open(server.dsn(), name, undefined, { retrying: ({ message }) => told.push(message) });
    const lock = await hold(one);
    const granted = later(other.acquire(HANG, never));
    const [waiter] = await waiting(server, name);
    const began = performance.now();
    await server.query(`KILL ${waiter!.id}`);
    const again = await until("another one waits", async () => {
      const [found] = await waiters(server, name);
      return found && found.id !== waiter!.id ? found : undefined;
    });
    assert.ok(performance.now() - began < HANG);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^Cannot lock on MySQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
    assert.equal((await clients(server)).length, 2);
    await lock.release();
    const next = await granted;
    assert.equal(await holderOf(server, name), again.id);
    await next!.release();
  });

  shared.test("a holder whose connection is killed learns of its loss at once", async (server) => {
    const name = freshName();
    // Its next look comes hours later.
    await using backend = await open(server.dsn(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
    const lock = await hold(backend);
    const lost = new Promise((resolve) => lock.lost.addEventListener("abort", resolve, { once: true }));
    const id = await holderOf(server, name);
    const began = performance.now();
    await server.query(`KILL ${id}`);
    await lost;
    assert.ok(performance.now() - began < HANG);
    assert.ok(lock.lost.reason instanceof LockLostError);
    assert.match(lock.lost.reason.message, /^Lock lost: [^\n]+$/);
    await assert.rejects(lock.release(), LockLostError);
  });

  shared.test("a held lock uses one connection, and a second wait uses the same one", async (server) => {
    const name = freshName();
    await using one = await open(server.dsn(), name);
    const lock = await hold(one);
    const holder = await holderOf(server, name);
    assert.deepEqual((await clients(server)).map(({ id }) => id), [holder]);

    await using other = await open(server.dsn(), name);
    assert.equal(await other.acquire(0, never), undefined);
    const [first] = (await clients(server)).filter(({ id }) => id !== holder);
    const granted = other.acquire(HANG, never);
    assert.equal((await waiting(server, name))[0]!.id, first!.id);
    assert.equal((await clients(server)).length, 2);
    await lock.release();
    const next = await granted;
    assert.equal(await holderOf(server, name), first!.id);
    await next!.release();
  });

  shared.test("nothing is left on the server afterwards", async (server) => {
    {
      await using backend = await open(server.dsn(), freshName());
      await (await hold(backend)).release();
    }
    await until("no connection is left", async () => (await clients(server)).length === 0);
  });

  shared.test("a waiter that gave up does not stay on the server", async (server) => {
    const name = freshName();
    await using one = await open(server.dsn(), name);
    await hold(one);
    const abort = new AbortController();
    await using other = await open(server.dsn(), name);
    const granted = later(other.acquire(Infinity, abort.signal));
    await waiting(server, name);
    abort.abort(new Error("enough"));
    await assert.rejects(granted, { message: "enough" });
    await using third = await open(server.dsn(), name);
    assert.equal(await third.acquire(500, never), undefined);
    await until("both have gone", async () => (await waiters(server, name)).length === 0);
  });

  shared.test("a long wait is one request, and a held lock is silent", async (server) => {
    const name = freshName();
    await server.query("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON");
    try {
      using clock = new FakeClock();
      // The holder's next look comes hours later.
      await using one = await open(server.dsn(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
      await using other = await open(server.dsn(), name);
      const lock = await hold(one);
      const granted = other.acquire(HANG, never);
      await clock.until("it waits", async () => (await waiters(server, name)).length === 1);
      await clock.to(29_000);
      await lock.release();
      await (await granted)!.release();
    } finally {
      await server.query("SET GLOBAL general_log = OFF");
    }
    // MariaDB logs a message at once, MySQL each of its statements when it comes to it.
    const [first, rest] = shared === mariaDb ? ["GET_LOCK, IS_USED_LOCK", []] : ["GET_LOCK", ["IS_USED_LOCK"]];
    assert.deepEqual(await logged(server, name), [
      first, // the holder
      ...rest,
      first, // the waiter
      "RELEASE_LOCK",
      ...rest,
      "IS_USED_LOCK", // what it asked so long ago does not tell for how long it holds the lock
      "RELEASE_LOCK",
    ]);
  });

  shared.test("within the wait, sera waits for an account's connection limit", async (server) => {
    await server.query("GRANT USAGE ON *.* TO 'one'@'127.0.0.1' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1");
    const dsn = server.dsn().replace("sera:", "one:");
    await using one = await open(dsn, freshName());
    const lock = await hold(one);
    const retries = new Retries();
    await using other = await open(dsn, freshName(), undefined, retries);
    await assert.rejects(other.acquire(0, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /max_user_connections/);
      return true;
    });
    let over = false;
    const granted = other.acquire(HANG, never).finally(() => over = true);
    await retries.more(2);
    assert.equal(over, false);
    await lock.release();
    await one[Symbol.asyncDispose]();
    await (await granted)!.release();
  });
}

/** The functions that were called for a lock, those of a message together, in order. */
async function logged(server: MySqlServer, name: string): Promise<string[]> {
  const rows = await server.query(
    `SELECT CONVERT(argument USING utf8) AS statement FROM mysql.general_log
    WHERE command_type = 'Query' AND argument LIKE '%LOCK(''${name}''%' AND user_host LIKE '%sera%'`,
  );
  const called = new RegExp(`[A-Z_]+LOCK(?=\\('${name}'[,)])`, "g");
  return rows.map(({ statement }) => (String(statement).match(called) ?? []).join(", "));
}

mariaDb.test("a time limit on statements does not shorten a wait", async (server) => {
  const name = freshName();
  await using one = await open(server.dsn(), name);
  const retries = new Retries();
  await using other = await open(server.dsn("max_statement_time=0.2"), name, undefined, retries);
  const lock = await hold(one);
  let over = false;
  const granted = other.acquire(HANG, never).finally(() => over = true);
  // Each has been broken off by the limit.
  await retries.more(2);
  assert.equal(over, false);
  await lock.release();
  await (await granted)!.release();
});

for (const leaseTable of [undefined, { schema: "sera", name: "sera_leases" }]) {
  const how = leaseTable ? "with a lease" : "without a lease";
  mariaDb.test(`a lock that was granted, but cannot be checked, is free at once, ${how}`, async (server) => {
    const name = freshName();
    // The check joins tables, GET_LOCK does not.
    await using backend = await open(server.dsn("sql_big_selects=0&max_join_size=1"), name, undefined, { leaseTable });
    await assert.rejects(backend.acquire(0, never), /MAX_JOIN_SIZE/);
    const [row] = await server.query(`SELECT GET_LOCK('${name}', 10) AS got`);
    assert.equal(row!.got, 1);
  });
}

for (const params of ["", "compress=true"]) {
  const how = params === "" ? "with others" : "alone";
  mariaDb.test(`the session lock of a slot that was waited for has its mark, where statements go ${how}`, async (server) => {
    const presence = { ...plainSession.presence, lock: freshName() };
    const options = { ...plainSession, leased: true, presence, slots: 3 };
    const dsn = await parseMySql(server.dsn(params));
    const [one, other] = [await openMySqlSession(dsn, options, never), await openMySqlSession(dsn, options, never)];
    try {
      const queue = new MySqlLeaseQueue(options);
      const slot = `${presence.lock}.1`;
      assert.equal(await queue.enter(one, slot, new Deadline(0), never), true);
      const entered = queue.enter(other, slot, new Deadline(30_000), never);
      await waiting(server, slot);
      await queue.leave(one, slot);
      assert.equal(await entered, true);
      assert.equal(await holderOf(server, slot), other.loginId);
      assert.equal(await holderOf(server, `${slot}of3`), other.loginId);
    } finally {
      await one.close();
      await other.close();
    }
  });
}

/** What a DSN or a server may make of a session that locks must not mind. */
const SETTINGS = [
  "sql_mode=%27ANSI,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE%27",
  "sql_mode=%27TRADITIONAL%27",
  // In which MariaDB has more reserved words.
  "sql_mode=%27ORACLE%27",
  "sql_mode=%27EMPTY_STRING_IS_NULL%27",
  "sql_safe_updates=1",
  "tx_isolation=%27SERIALIZABLE%27",
  "character_set_results=NULL",
  "collation=utf8mb4_turkish_ci",
  "collation_connection=54",
];

for (const params of SETTINGS) {
  mariaDb.test(`locks and slots exclude others with ${decodeURIComponent(params)}`, async (server) => {
    const name = freshName();
    const from = (slots?: number) => open(server.dsn(params), name, undefined, { slots });
    {
      await using one = await from();
      await using other = await from();
      const lock = await hold(one);
      assert.equal(await other.acquire(0, never), undefined);
      await lock.confirm();
      await lock.release();
    }
    await using one = await from(2);
    await using other = await from(2);
    await using third = await from(2);
    const locks = [await hold(one), await hold(other)];
    assert.deepEqual(locks.map(({ slot }) => slot), [0, 1]);
    assert.equal(await third.acquire(0, never), undefined);
    for (const slots of [undefined, 3]) {
      await using misled = await from(slots);
      await assert.rejects(misled.acquire(0, never), OtherSlotsError);
    }
    for (const lock of locks) await lock.release();
  });
}
