/** Peculiarities of MySQL and MariaDB where a session holds several named locks. */

import assert from "node:assert/strict";
import { LockUnavailableError, OtherSlotsError, QueueFullError } from "../../../lib/errors.ts";
import { markLiteral, slotLiteral } from "../../../lib/backends/mysql/slot_holders.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import { until } from "../../cli/wait.ts";
import { connectMySql } from "../../servers/mysql_client.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { Proxy } from "../../servers/proxy.ts";
import { RoundTrips } from "../../servers/round_trips.ts";
import { freshName, hold, later, never, open, type OpenOptions, plainOptions, Retries, SHORT_LEASE } from "../open.ts";
import { parse } from "../parse.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { holderOf, waiting } from "./view.ts";

const LONG = 120_000;
const mariaDb = sharedMariaDb();
const mySql56 = sharedMySql56();

/** Another program's session, which holds these named locks. */
async function stranger(server: MySqlServer, ...names: readonly string[]) {
  const { host, port, user, password } = server;
  const connection = await connectMySql({ host, port, user, password });
  for (const name of names) await connection.query(`SELECT GET_LOCK('${name}', 10)`);
  return { connection, [Symbol.asyncDispose]: () => connection.end() };
}

/** The connection that has a named lock, or undefined. */
async function userOf(server: MySqlServer, name: string): Promise<number | undefined> {
  const [row] = await server.query(`SELECT IS_USED_LOCK('${name}') AS id`);
  return row?.id === null ? undefined : Number(row?.id);
}

for (
  const [what, options] of [
    ["a slot", { slots: 3 }],
    ["two locks", { also: [freshName()] }],
    ["a lock that few may wait for", { maxWaiters: 4 }],
    ["a slot beside a lock", { slots: 3, also: [freshName()], maxWaiters: 4 }],
  ] as readonly (readonly [string, OpenOptions])[]
) {
  mariaDb.test(`${what} takes as many round trips as a plain lock`, async (server) => {
    await using proxy = await Proxy.open(server.port);
    const trips = async (options: OpenOptions) => {
      proxy.roundTrips = new RoundTrips();
      // So that all of a message is sent before its answer comes.
      proxy.delay = 20;
      {
        await using backend = await open(proxy.instead(server.dsn()), freshName(), undefined, options);
        await (await hold(backend)).release();
      }
      return proxy.roundTrips.answered;
    };
    assert.equal(await trips(options), await trips({}));
  });

  mariaDb.test(`${what} is taken, waited for and released where each statement needs a message`, async (server) => {
    const name = freshName();
    // A semicolon in a setting of the administrator's.
    const dsn = server.dsn("@a=%27;%27");
    const locks = await Promise.all(
      Array.from({ length: options.slots ?? 1 }, () => open(dsn, name, undefined, options)),
    );
    await using waiter = await open(dsn, name, undefined, options);
    const held = await hold(locks[0]!);
    const { also: _, ...alone } = options;
    for (const lock of locks.slice(1)) await lock[Symbol.asyncDispose]();
    const beside = Array.from({ length: (options.slots ?? 1) - 1 }, () => open(dsn, name, undefined, alone));
    for (const lock of await Promise.all(beside)) await hold(lock).then(() => locks.push(lock));
    assert.equal(await waiter.acquire(0, never), undefined);
    const granted = later(waiter.acquire(LONG, never));
    await held.release();
    const next = await granted;
    await next!.confirm();
    await until("its places are free", async () => {
      const places = await Promise.all(["q", "w0", "w1"].map((place) => userOf(server, `${name}.${place}`)));
      return places.every((id) => id === undefined);
    });
    await next!.release();
    for (const lock of locks) await lock[Symbol.asyncDispose]();
  });
}

mySql56.test("a server with one lock a session accepts a limit of 0 waiters", async (server) => {
  const name = freshName();
  await using one = await open(server.dsn(), name, undefined, { maxWaiters: 0 });
  await using other = await open(server.dsn(), name, undefined, { maxWaiters: 0 });
  const lock = await hold(one);
  await assert.rejects(other.acquire(LONG, never), QueueFullError);
  await lock.release();
  await (await hold(other)).release();
});

mySql56.test("a server with one lock a session refuses slots, and the message says what to do", async (server) => {
  await using lock = await open(server.dsn(), freshName(), undefined, { slots: 2 });
  await assert.rejects(lock.acquire(LONG, never), (error) => {
    assert.ok(error instanceof LockUnavailableError);
    assert.equal(error.exitCode, 202);
    assert.match(
      error.message,
      /: before MySQL .* a session can hold only one lock, so this server does not support .*; use a newer server, or --lease$/,
    );
    return true;
  });
});

mariaDb.test("when the first waiter's session is killed, the next one becomes the first", async (server) => {
  const name = freshName();
  const options = { slots: 2 };
  const locks = await Promise.all(Array.from({ length: 4 }, () => open(server.dsn(), name, undefined, options)));
  const held = [await hold(locks[0]!), await hold(locks[1]!)];
  const granted = locks.slice(2).map((lock) => later(lock.acquire(LONG, never)));
  const head = await until("a head", () => userOf(server, `${name}.q`));
  await until("another one waits", async () => (await waiting(server, `${name}.q`, 2)).length === 2);
  await server.query(`KILL ${head}`);
  await until("another head", async () => ![head, undefined].includes(await userOf(server, `${name}.q`)));
  for (const lock of held) await lock.release();
  const slots = (await Promise.all(granted)).map((lock) => lock?.slot);
  assert.deepEqual(slots.sort(), [0, 1]);
  for (const lock of locks) await lock[Symbol.asyncDispose]();
});

mariaDb.test("the seat of a killed session is freed, and its waiter takes one again", async (server) => {
  const name = freshName();
  const options = { maxWaiters: 1 };
  await using holder = await open(server.dsn(), name, undefined, options);
  await using waiter = await open(server.dsn(), name, undefined, options);
  await using late = await open(server.dsn(), name, undefined, options);
  const lock = await hold(holder);
  const granted = later(waiter.acquire(LONG, never));
  const seated = await until("a seat is taken", () => userOf(server, `${name}.w0`));
  await assert.rejects(late.acquire(LONG, never), QueueFullError);
  await server.query(`KILL ${seated}`);
  await until("it is taken again", async () => ![seated, undefined].includes(await userOf(server, `${name}.w0`)));
  await assert.rejects(late.acquire(LONG, never), QueueFullError);
  await lock.release();
  const next = await granted;
  assert.equal(await userOf(server, `${name}.w0`), undefined);
  await next!.release();
});

mariaDb.test("a deadlock with another program is waited out, without holding anything meanwhile", async (server) => {
  const [first, last] = [freshName(), freshName()].sort() as [string, string];
  const retries = new Retries();
  await using other = await stranger(server, last);
  await using busy = await stranger(server, first);
  await using lock = await open(server.dsn(), first, undefined, { also: [last], retrying: retries.retrying });
  const granted = later(lock.acquire(LONG, never));
  await waiting(server, first);
  // In the wrong order; it comes after sera in the queue.
  const wanted = later(other.connection.query(`SELECT GET_LOCK('${first}', 60) AS got`));
  await waiting(server, first, 2);
  await busy.connection.query(`SELECT RELEASE_LOCK('${first}')`);
  // One of the two gets the error; if it is the other one, sera gets its lock in the end.
  const [rows] = await wanted as unknown as [{ got: number }[]];
  assert.equal(rows[0]?.got, 1);
  assert.match(retries.told.join("\n"), /Deadlock found when trying to get lock/);
  await other.connection.query(`SELECT RELEASE_LOCK('${first}'), RELEASE_LOCK('${last}')`);
  const held = await granted;
  assert.equal(await holderOf(server, first), await holderOf(server, last));
  await held!.release();
});

mariaDb.test("a slot whose holder does not show the number of slots is waited for, then reported", async (server) => {
  const name = freshName();
  await using _ = await stranger(server, `${name}.1`);
  await using lock = await open(server.dsn(), name, undefined, { slots: 2 });
  await assert.rejects(lock.acquire(0, never), (error) => {
    assert.ok(error instanceof LockUnavailableError && error.transient);
    assert.match(error.message, /holds a slot of the lock, and does not say how many slots there are; find it with /);
    assert.ok(error.message.includes(`SELECT IS_USED_LOCK('${name}.1')`), error.message);
    return true;
  });
});

mariaDb.test("a client that does not know slots takes slot 0 while others hold slots", async (server) => {
  const name = freshName();
  const locks = await Promise.all(Array.from({ length: 4 }, () => open(server.dsn(), name, undefined, { slots: 3 })));
  const first = await hold(locks[0]!);
  const second = await hold(locks[1]!);
  await first.release();
  {
    await using _ = await stranger(server, name);
    const third = await hold(locks[2]!);
    assert.deepEqual([second.slot, third.slot], [1, 2]);
    assert.equal(await locks[3]!.acquire(0, never), undefined);
    const granted = later(locks[3]!.acquire(LONG, never));
    await waiting(server, `${name}.q`);
    await third.release();
    assert.equal((await granted)?.slot, 2);
  }
  assert.equal((await hold(locks[2]!)).slot, 0);
  for (const lock of locks) await lock[Symbol.asyncDispose]();
});

mariaDb.test("two holders that found the lock held without slots do not confirm each other", async (server) => {
  const name = freshName();
  const takesOne = (error: unknown) => error instanceof OtherSlotsError && error.slots === 1 && error.asked === 3;
  await using lock = await open(server.dsn(), name, undefined, { slots: 3 });
  // It has looked before there were others, and runs.
  await using _plain = await stranger(server, name);
  await assert.rejects(lock.acquire(0, never), takesOne);
  // This one is about to give its slot back.
  await using _unsettled = await stranger(server, `${name}.1of3`, `${name}.1`);
  await assert.rejects(lock.acquire(0, never), takesOne);
  await assert.rejects(lock.acquire(LONG, never), takesOne);
  await using _settled = await stranger(server, `${name}.2of3`, `${name}.2`, `${name}.2settled`);
  assert.equal(await lock.acquire(0, never), undefined);
});

mariaDb.test("a slot and its marker are two named locks, and the release frees both", async (server) => {
  const name = freshName();
  assert.deepEqual(
    [slotLiteral(name, 0), slotLiteral(name, 255), markLiteral(name, 0, 3), markLiteral(name, 255, 256)].map((word) =>
      word.textFor(MYSQL)
    ),
    [`'${name}'`, `'${name}.255'`, `'${name}.0of3'`, `'${name}.255of256'`],
  );
  await using lock = await open(server.dsn(), name, undefined, { slots: 3 });
  const held = await hold(lock);
  assert.equal(await userOf(server, `${name}.0of3`), await holderOf(server, name));
  assert.equal(await userOf(server, `${name}.0settled`), await holderOf(server, name));
  await held.release();
  for (const rest of ["", ".0of3", ".0settled"]) assert.equal(await userOf(server, `${name}${rest}`), undefined);
});

mariaDb.test("a request to release any of several locks reaches their holder", async (server) => {
  const names = [freshName(), freshName(), freshName()];
  const lease = SHORT_LEASE;
  for (const name of names) {
    await using lock = await open(server.dsn(), names[0]!, undefined, { also: names.slice(1), lease });
    const held = await hold(lock);
    const backend = await parse(server.dsn());
    await using observer = await backend.observe(name, { ...plainOptions, lease, label: "unlock" }, never);
    const { sightings: [seen] } = await observer.sightings({ lock: name }, { name: "sera_runs" }, never);
    await using handle = await observer.handleOf(seen!, never);
    await until("it is heard", async () => {
      await handle.ask(never);
      return held.asked.aborted;
    });
    assert.equal(held.lost.aborted, false);
    await held.release();
    assert.equal(await handle.holds(never), false);
  }
});

mariaDb.test("the maximum number of slots can be held at once", async (server) => {
  const name = freshName();
  const { host, port, user, password } = server;
  const connection = await connectMySql({ host, port, user, password });
  for (let slot = 0; slot < 255; slot++) {
    await connection.query(
      `SELECT GET_LOCK('${name}.${slot}of256', 0), GET_LOCK('${slot ? `${name}.${slot}` : name}', 0)`,
    );
  }
  await using lock = await open(server.dsn(), name, undefined, { slots: 256 });
  await using more = await open(server.dsn(), name, undefined, { slots: 256 });
  const held = await hold(lock);
  assert.equal(held.slot, 255);
  assert.equal(await more.acquire(0, never), undefined);
  await held.release();
  await connection.end();
});
