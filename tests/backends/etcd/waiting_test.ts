/** Waiting for a lock in etcd, on a clock that the test moves, and with answers that it gives. */

import assert from "node:assert/strict";
import { EtcdLock } from "../../../lib/backends/etcd/lock.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { timeoutWithin } from "../../../lib/backends/etcd/waiting.ts";
import { endsAfter } from "../../../lib/lock/lease.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { freshName, later, never, plainOptions, Retries } from "../open.ts";
import { MY_TURN, NO_ANSWER, NO_KEY, renewed, scripted, type ScriptedClient } from "./scripted_client.ts";

const MINUTE = 60_000;

function lockOf(client: ScriptedClient, retries = new Retries()): EtcdLock {
  return new EtcdLock(client, freshName(), { ...plainOptions, retrying: retries.retrying });
}

Deno.test("a waiter renews its lease three times within its TTL, and sends nothing else", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const granted = lockOf(client).acquire(Infinity, never);
  await clock.to(4 * MINUTE + 5000);
  assert.deepEqual(client.at(Path.keepAlive), Array.from({ length: 24 }, (_, index) => 10_000 * (index + 1)));
  assert.deepEqual([Path.grant, Path.txn, Path.watch].map((path) => client.count(path)), [1, 1, 1]);
  assert.equal(client.asked.length, 24 + 3);
  client.answers[Path.txn] = () => MY_TURN;
  client.gone.abort();
  const lock = await clock.during(granted);
  // One check, and the command may start; the lease is renewed at once, without waiting for it.
  await lock!.confirm();
  assert.equal(client.asked.length, 24 + 4);
  assert.equal(lock!.left, endsAfter(plainOptions.lease) - 5000);
  await clock.to(4 * MINUTE + 5001);
  assert.equal(client.count(Path.keepAlive), 25);
  assert.ok(lock!.left > 28_000, `${lock!.left}`);
  await clock.during(lock!.release());
});

Deno.test("a turn that comes after a long time without a renewal waits for a renewal", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const granted = lockOf(client).acquire(Infinity, never);
  await clock.to(9000);
  client.answers[Path.keepAlive] = () => NO_ANSWER;
  await clock.to(12_500);
  delete client.answers[Path.keepAlive];
  const before = client.count(Path.keepAlive);
  client.answers[Path.txn] = () => MY_TURN;
  client.gone.abort();
  const lock = await clock.during(granted);
  assert.equal(client.count(Path.keepAlive), before + 1);
  assert.ok(lock!.left > 28_000, `${lock!.left}`);
  await clock.during(lock!.release());
});

Deno.test("a watch that is silent for five minutes is restarted at the waiter's current place", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const abort = new AbortController();
  const granted = later(lockOf(client).acquire(Infinity, abort.signal));
  await clock.to(10 * MINUTE + 1000);
  assert.deepEqual(client.at(Path.watch), [0, 5 * MINUTE, 10 * MINUTE]);
  assert.deepEqual(client.at(Path.txn), [0, 5 * MINUTE, 10 * MINUTE]);
  abort.abort(new Error("enough"));
  await assert.rejects(granted, { message: "enough" });
});

Deno.test("a lease that ends during the wait is reported and replaced", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const retries = new Retries();
  const granted = lockOf(client, retries).acquire(Infinity, never);
  await clock.to(5000);
  const [{ ID: first }] = client.asked.filter(({ path }) => path === Path.grant).map(({ body }) => body) as [
    { ID: string },
  ];
  client.answers[Path.keepAlive] = ({ ID }) => renewed(ID, ID === first ? undefined : "30");
  await clock.to(11_000);
  assert.equal(retries.told.length, 1);
  assert.match(retries.told[0]!, /the lease ended before the lock was held/);
  assert.equal(client.count(Path.grant), 2);
  // A lost lease is not revoked.
  assert.equal(client.count(Path.revoke), 0);
  client.answers[Path.txn] = () => MY_TURN;
  client.gone.abort();
  await (await clock.during(granted))!.release();
});

Deno.test("a turn that comes when the own key is gone does not count", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const retries = new Retries();
  const granted = lockOf(client, retries).acquire(Infinity, never);
  await clock.to(1000);
  client.answers[Path.txn] = () => {
    delete client.answers[Path.txn];
    return NO_KEY;
  };
  client.gone.abort();
  client.gone = new AbortController();
  await clock.to(3000);
  assert.equal(retries.told.length, 1);
  // The lease without its key is given back.
  assert.equal(client.count(Path.revoke), 1);
  assert.equal(client.count(Path.grant), 2);
  later(granted);
});

Deno.test("a turn that comes when the lease has ended does not count", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const retries = new Retries();
  const granted = lockOf(client, retries).acquire(Infinity, never);
  await clock.to(9000);
  client.answers[Path.keepAlive] = () => NO_ANSWER;
  await clock.to(12_500);
  client.answers[Path.txn] = () => {
    delete client.answers[Path.txn];
    return MY_TURN;
  };
  client.answers[Path.keepAlive] = ({ ID }) => renewed(ID);
  client.gone.abort();
  client.gone = new AbortController();
  await clock.to(15_000);
  assert.equal(retries.told.length, 1);
  assert.equal(client.count(Path.grant), 2);
  later(granted);
});

Deno.test("a wait ends in time, and frees its place in the queue", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const lock = lockOf(client);
  const granted = lock.acquire(25_000, never);
  let isOver = false;
  granted.finally(() => isOver = true);
  await clock.to(24_999);
  assert.equal(isOver, false);
  await clock.to(25_000);
  assert.equal(await granted, undefined);
  assert.equal(client.count(Path.revoke), 1);
  await lock[Symbol.asyncDispose]();
  assert.equal(client.count(Path.revoke), 1);
});

Deno.test("a missing answer prolongs a wait by two seconds", async () => {
  const client = await scripted();
  client.answers[Path.txn] = () => "never";
  using clock = new FakeClock();
  const granted = later(lockOf(client).acquire(3000, never));
  let at = NaN;
  granted.catch(() => at = clock.now);
  await clock.to(60_000);
  assert.equal(at, 5000);
  await assert.rejects(granted, { message: /no answer within 5s/, exitCode: 202 });
});

Deno.test("a transient error is waited out, and the place in the queue is kept", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const retries = new Retries();
  const lock = lockOf(client, retries);
  const granted = lock.acquire(Infinity, never);
  await clock.to(1000);
  client.answers[Path.txn] = () => NO_ANSWER;
  client.gone.abort();
  client.gone = new AbortController();
  await clock.to(21_000);
  assert.ok(retries.told.length > 5);
  delete client.answers[Path.txn];
  await clock.to(25_000);
  assert.deepEqual([Path.grant, Path.revoke].map((path) => client.count(path)), [1, 0]);
  assert.equal(client.count(Path.watch), 2);
  later(granted);
});

Deno.test("a wait of 0 does not wait out a transient error, and revokes a lease that it may have", async () => {
  const client = await scripted();
  client.answers[Path.grant] = () => NO_ANSWER;
  const lock = lockOf(client);
  await assert.rejects(lock.acquire(0, never), NO_ANSWER);
  assert.equal(client.count(Path.grant), 1);
  await lock[Symbol.asyncDispose]();
  assert.equal(client.count(Path.revoke), 1);
});

Deno.test("after the run, sera waits for a silent etcd for at most a second", async () => {
  const client = await scripted();
  client.answers[Path.revoke] = () => "never";
  using clock = new FakeClock();
  const lock = lockOf(client);
  assert.equal(await clock.during(lock.acquire(100, never)), undefined);
  const began = clock.now;
  await clock.during(lock[Symbol.asyncDispose]());
  assert.equal(clock.now - began, 1000);
});

Deno.test("each member gets its share of the time, but at least a second", () => {
  assert.deepEqual(
    [[Infinity, 3], [6000, 3], [2000, 3], [60_000, 1]].map(([limit, members]) => timeoutWithin(limit!, members!)),
    [
      5000,
      2000,
      1000,
      5000,
    ],
  );
});
