/** Another server takes the place of the one that has the lock. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { fixture, Place } from "../cli/place.ts";
import { HANG, until } from "../cli/wait.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { Proxy } from "../servers/proxy.ts";
import type { Answer } from "./fake_server.ts";
import { FakeMySql } from "./mysql/fake_server.ts";
import { freshName, hold, later, never, open, SHORT_LEASE } from "./open.ts";
import { Together } from "../side_by_side.ts";
import { holderOf as holderOnPostgres, waiting as waitingOnPostgres } from "./postgres/view.ts";
import { clients, holderOf, waiting } from "./mysql/view.ts";

/** Defines a test; the driver closes sockets a moment after it says so. */
function test(name: string, missing: string | undefined, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: missing !== undefined, fn });
}

/** Resolves with why the lock was lost. */
async function loss(lock: HeldLock): Promise<LockLostError> {
  await until("the lock is lost", () => lock.lost.aborted);
  assert.ok(lock.lost.reason instanceof LockLostError, `${lock.lost.reason}`);
  return lock.lost.reason;
}

test(
  "sera loses the lock when its server goes down, although the address has another one",
  mariaDbUnavailable,
  async () => {
    await using old = await startMariaDb();
    await using next = await startMariaDb();
    await using address = await Proxy.open(old.port);
    await using place = await Place.make(address.instead(old.dsn()));
    await using run = place.startSera(["0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    address.target = next.port;
    await old.kill();
    const { code, stderr } = await run.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
    assert.equal(address.accepted, 1);
  },
);

test("a lock is lost when its server falls silent, and no other server is asked", mariaDbUnavailable, async () => {
  await using old = await startMariaDb();
  await using next = await startMariaDb();
  await using address = await Proxy.open(old.port);
  await using backend = await open(address.instead(old.dsn()), freshName(), undefined, {
    lease: { ttl: 4000, grace: 0 },
  });
  const lock = await hold(backend);
  address.target = next.port;
  await old.pause();
  const began = performance.now();
  assert.match((await loss(lock)).message, /: no answer for /);
  assert.ok(performance.now() - began < HANG);
  await assert.rejects(lock.confirm(), LockLostError);
  assert.equal(address.accepted, 1);
  assert.deepEqual(await clients(next), []);
});

test("a waiter gets the lock on the server that takes over, once there is one", mariaDbUnavailable, async () => {
  await using old = await startMariaDb();
  await using next = await startMariaDb();
  await using address = await Proxy.open(old.port);
  const name = freshName();
  const troubles = new Set<string>();
  await using holder = await open(address.instead(old.dsn()), name);
  await using waiter = await open(address.instead(old.dsn()), name, undefined, {
    retrying: ({ message }) => troubles.add(message),
  });
  const lock = await hold(holder);
  const granted = later(waiter.acquire(HANG, never));
  await waiting(old, name);
  await old.kill();
  await loss(lock);
  await until("the waiter has tried again", () => address.accepted >= 4);
  address.target = next.port;
  const got = await granted;
  assert.ok(got);
  assert.equal((await clients(next)).length, 1);
  assert.equal(await holderOf(next, name), (await clients(next))[0]!.id);
  for (const trouble of troubles) assert.match(trouble, /^Cannot lock on MySQL at [^\n]+: the server closed the conn/);
  await assert.rejects(lock.release(), LockLostError);
  await got.release();
});

const together = new Together();

const OURS = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const OTHER = "0b1ff8ad-94f0-11e1-9e33-c80aa9429562";

/** A server that grants every lock, and answers checks with the given answers, repeating the last one. */
function serverThatSees(...looks: Answer[]): FakeMySql {
  return new FakeMySql((sql) => {
    if (sql.startsWith("SHOW GLOBAL VARIABLES")) return [{ Variable_name: "server_uuid", Value: OURS }];
    if (sql.includes("IS_USED_LOCK")) return looks.length > 1 ? looks.shift()! : looks[0]!;
    if (sql.includes("GET_LOCK")) return { got: 1 };
    if (sql.includes("RELEASE_LOCK")) return { released: 1 };
    return {};
  });
}

const HELD = { mine: 1, id: 1, server: OURS, idle: 30, state: "", asker: 0 };

/** The answer to a check that a proxy sent to another connection. */
const ELSEWHERE: [string, Answer][] = [
  ["another server, where the same connection has the same lock", { ...HELD, server: OTHER }],
  ["another connection of the same server", { ...HELD, mine: 0, id: 8 }],
  ["another server, where nobody has the lock", { ...HELD, mine: null, server: OTHER }],
  ["a server that does not say which one it is", { ...HELD, server: null }],
];

for (const [what, look] of ELSEWHERE) {
  together.test(what, "a lock is lost when a look at it is answered by", async () => {
    using fake = serverThatSees(HELD, HELD, look, HELD);
    await using backend = await open(fake.dsn, freshName(), undefined, { lease: SHORT_LEASE });
    const lock = await hold(backend);
    assert.match((await loss(lock)).message, /^Lock lost: MySQL at [^\n]+ has freed it$/);
    const about = (words: string) => fake.statements.filter((sql) => sql.includes(words)).length;
    assert.deepEqual([about("IS_USED_LOCK"), about("GET_LOCK"), about("SHOW GLOBAL VARIABLES")], [3, 1, 1]);
  });

  Deno.test(`a lock does not count as acquired when the check after it is answered by ${what}`, async () => {
    using fake = serverThatSees(look);
    await using backend = await open(fake.dsn, freshName());
    await assert.rejects(backend.acquire(0, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /a proxy may move connections between servers; connect directly to the server$/);
      return true;
    });
  });
}

Deno.test("a lock is lost when the check is answered over another connection that holds it by now", async () => {
  using fake = serverThatSees(HELD, HELD, { ...HELD, id: 8 });
  await using backend = await open(fake.dsn, freshName(), undefined, { lease: SHORT_LEASE });
  const lock = await hold(backend);
  assert.match((await loss(lock)).message, /^Lock lost: MySQL at [^\n]+ has freed it$/);
});

test("a waiter gets the lock on the standby that is promoted", systemPostgresUnavailable, async () => {
  await using primary = await startSystemPostgres();
  await using standby = await startStandby(primary);
  const hosts = [primary, standby].map(({ host, port }) => `${host}:${port}`).join(",");
  const url = `postgres://sera:secret@${hosts}/sera?target_session_attrs=read-write`;
  const name = freshName();
  const troubles: string[] = [];
  await using holder = await open(url, name);
  await using waiter = await open(url, name, undefined, { retrying: ({ message }) => troubles.push(message) });
  const lock = await hold(holder);
  const granted = later(waiter.acquire(HANG, never));
  await waitingOnPostgres(primary, name);
  await primary.kill();
  await loss(lock);
  const tried = Promise.race([granted, until("the waiter has found no primary", () => troubles.length >= 3)]);
  assert.equal(await tried, true);
  assert.match(troubles.at(-1)!, /: connection refused; .+, and at .+: the server is a standby, /);
  await standby.promote();
  const got = await granted;
  assert.ok(got);
  await holderOnPostgres(standby, name);
  await assert.rejects(lock.release(), LockLostError);
  await got.release();
});
