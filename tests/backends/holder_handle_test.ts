/** A handle is on one holder: nothing that is done by it concerns the next one. */

import assert from "node:assert/strict";
import type { Observer } from "../../lib/backends/backend.ts";
import { AskedToEndError, LockUnavailableError } from "../../lib/errors.ts";
import type { TableName } from "../../lib/ledger/table_name.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import type { Sighting } from "../../lib/who/sighting.ts";
import { keepExitCodes } from "../../lib/system/children.ts";
import { type StartedTarget, type Target, testOn, useTargets } from "../cli/targets.ts";
import { linux, testWith } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { lendMariaDb, lendSystemPostgres } from "../servers/pool.ts";
import { systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { freshName, hold, never, open, plainOptions } from "./open.ts";
import { parse } from "./parse.ts";

// Before the first test, since it stays.
keepExitCodes();

const LEASE = { ttl: 6000, grace: 0 };
const TABLE = { name: "sera_runs" };

async function observe(server: string, name: string, leaseTable?: TableName): Promise<Observer> {
  const options = { ...plainOptions, lease: LEASE, leaseTable, label: "unlock by tester" };
  return await (await parse(server)).observe(name, options, never);
}

async function seen(observer: Observer, name: string): Promise<Sighting> {
  const { sightings } = await observer.sightings({ lock: name }, TABLE, never);
  const holder = sightings.find(({ state }) => state === "held");
  assert.ok(holder);
  return holder;
}

/** Resolves when a lock has been renewed from now on. Locks in files do not tell of that. */
async function renewed(target: Target, lock: HeldLock): Promise<void> {
  if (target.name === "file") return await new Promise((resolve) => setTimeout(resolve, LEASE.ttl / 2));
  await new Promise<void>((resolve) => lock.onRenewed = resolve);
}

async function withLocks(target: Target, act: (started: StartedTarget, name: string) => Promise<void>): Promise<void> {
  await using started = await target.start();
  await act(started, freshName());
}

for (const target of useTargets()) {
  testOn(target, `${target.name}: who holds the lock next is neither asked nor ended`, async () => {
    await withLocks(target, async ({ server }, name) => {
      await using observer = await observe(server, name);
      await using first = await open(server, name, undefined, { lease: LEASE });
      const held = await hold(first);
      await using handle = await observer.handleOf(await seen(observer, name), never);
      assert.equal(await handle.holds(never), true);
      await held.release();
      await first[Symbol.asyncDispose]();
      await using second = await open(server, name, undefined, { lease: LEASE });
      const next = await hold(second);
      assert.equal(await handle.holds(never), false);
      if (handle.unaskable === undefined) await handle.ask(never);
      assert.equal(await handle.force(never), undefined);
      await renewed(target, next);
      assert.deepEqual([next.asked.aborted, next.lost.aborted], [false, false]);
      await next.release();
    });
  });

  testOn(target, `${target.name}: a holder that is asked sees it when it renews, and who asks`, async () => {
    await withLocks(target, async ({ server }, name) => {
      await using backend = await open(server, name, undefined, { lease: LEASE });
      const lock = await hold(backend);
      await using observer = await observe(server, name);
      await using handle = await observer.handleOf(await seen(observer, name), never);
      await until("the holder sees it", async () => {
        await handle.ask(never);
        return lock.asked.aborted;
      });
      assert.ok(lock.asked.reason instanceof AskedToEndError);
      assert.match(lock.asked.reason.message, /: unlock by tester@/);
      assert.equal(lock.lost.aborted, false);
      await lock.release();
      assert.equal(await handle.holds(never), false);
    });
  });
}

const mariaDb = forThisFile(linux ?? mariaDbUnavailable, lendMariaDb);
testWith([linux ?? mariaDbUnavailable], "MariaDB: the privilege that is missing is named", async () => {
  const server = mariaDb();
  const name = freshName();
  await server.query("CREATE USER IF NOT EXISTS 'other'@'%' IDENTIFIED BY 'secret'");
  await server.query("CREATE USER IF NOT EXISTS 'other'@'localhost' IDENTIFIED BY 'secret'");
  await using backend = await open(server.dsn(), name, undefined, { lease: LEASE });
  const lock = await hold(backend);
  await using observer = await observe(server.dsn().replace(`${server.user}:`, "other:"), name);
  await using handle = await observer.handleOf(await seen(observer, name), never);
  await assert.rejects(handle.force(never), (error) => {
    assert.ok(error instanceof LockUnavailableError);
    assert.match(
      error.message,
      /may not end session \d+, which belongs to another user; grant it PROCESS and CONNECTION_ADMIN/,
    );
    return true;
  });
  // To ask takes none.
  await handle.ask(never);
  await until("the holder sees it", () => lock.asked.aborted);
  assert.match(lock.asked.reason.message, /: unlock by /);
  assert.equal(lock.lost.aborted, false);
  for (const host of ["%", "localhost"]) await server.query(`DROP USER 'other'@'${host}'`);
});

testWith(
  [linux ?? mariaDbUnavailable],
  "MariaDB: a session that ends meanwhile is replaced, on the same server",
  async () => {
    const server = mariaDb();
    const name = freshName();
    await using backend = await open(server.dsn(), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    await using observer = await observe(server.dsn(), name);
    const holder = await seen(observer, name);
    await using handle = await observer.handleOf(holder, never);
    const others = await server.query(
      `SELECT id AS id FROM information_schema.processlist WHERE user = '${server.user}' AND id <> ${holder.session}`,
    );
    for (const { id } of others) await server.query(`KILL CONNECTION ${id}`).catch(() => undefined);
    await until("it is noticed", async () => await handle.holds(never).catch(() => false));
    assert.ok(await handle.force(never));
    await until("the lock is lost", () => lock.lost.aborted);
  },
);

const postgres = forThisFile(linux ?? systemPostgresUnavailable, lendSystemPostgres);
testWith([linux ?? systemPostgresUnavailable], "PostgreSQL: the privilege that is missing is named", async () => {
  const server = postgres();
  const name = freshName();
  await server.query("CREATE ROLE other LOGIN PASSWORD 'secret'");
  await using backend = await open(server.url(), name, undefined, { lease: LEASE });
  const lock = await hold(backend);
  const url = server.url().replace(`//${server.user}:`, "//other:");
  const tryForce = async () => {
    await using observer = await observe(url, name);
    await using handle = await observer.handleOf(await seen(observer, name), never);
    return await handle.force(never);
  };
  await assert.rejects(
    tryForce(),
    /may not see when session \d+ began.*; grant it pg_read_all_stats and pg_signal_backend/,
  );
  await server.query("GRANT pg_read_all_stats TO other");
  await assert.rejects(
    tryForce(),
    /may not end session \d+, which belongs to another role; grant it pg_signal_backend/,
  );
  assert.equal(lock.lost.aborted, false);
  await server.query("GRANT pg_signal_backend TO other");
  assert.ok(await tryForce());
  await until("the lock is lost", () => lock.lost.aborted);
  await server.query("DROP ROLE other");
});

const leases = [
  ["MariaDB", linux ?? mariaDbUnavailable, () => mariaDb().dsn(), { schema: "sera", name: "handles" }],
  ["PostgreSQL", linux ?? systemPostgresUnavailable, () => postgres().url(), { name: "handles" }],
] as const;
for (const [kind, need, serverOf, leaseTable] of leases) {
  testWith([need], `${kind}: whose lease it is next is neither asked nor ended`, async () => {
    const server = serverOf();
    const name = freshName();
    const options = { lease: LEASE, leaseTable };
    await using observer = await observe(server, name, leaseTable);
    await using first = await open(server, name, undefined, options);
    const held = await hold(first);
    await using handle = await observer.handleOf(await seen(observer, name), never);
    assert.equal(await handle.holds(never), true);
    await held.release();
    await using second = await open(server, name, undefined, options);
    const next = await hold(second);
    assert.equal(await handle.holds(never), false);
    await handle.ask(never);
    assert.equal(await handle.force(never), undefined);
    await new Promise<void>((resolve) => next.onRenewed = resolve);
    assert.deepEqual([next.asked.aborted, next.lost.aborted], [false, false]);
    await using other = await observer.handleOf(await seen(observer, name), never);
    const forced = await other.force(never);
    assert.ok(forced?.mayRun !== undefined && forced.mayRun > 0 && forced.incomplete === undefined);
    await until("its lease is lost", () => next.lost.aborted);
  });
}
