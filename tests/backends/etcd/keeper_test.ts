/** Keeping a lock in etcd, on a clock that the test moves, and with answers that it gives. */

import assert from "node:assert/strict";
import { EtcdKeeper } from "../../../lib/backends/etcd/keeper.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { EtcdSession } from "../../../lib/backends/etcd/session.ts";
import { LockLostError } from "../../../lib/errors.ts";
import type { LeasedLock } from "../../../lib/lock/leased_lock.ts";
import { hold } from "../../../lib/lock/hold.ts";
import { endsAfter } from "../../../lib/lock/lease.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later, never } from "../open.ts";
import { EXISTS, GONE, NO_ANSWER, renewed, scripted, type ScriptedClient, TOKEN } from "./scripted_client.ts";

/** Renewed every 5 seconds, and given up 19 seconds after the last renewal. */
const LEASE = { ttl: 30_000, grace: 10_000 };

/** A lock that is held. */
async function take(client: ScriptedClient): Promise<{ lock: LeasedLock; session: EtcdSession }> {
  const session = new EtcdSession(client, LEASE.ttl);
  await session.open({ signal: never });
  const place = { key: "mine", created: TOKEN, awaited: undefined, revision: TOKEN, hasLeftRuns: undefined };
  session.place = place;
  const keeper = new EtcdKeeper({
    session,
    place,
    ttl: LEASE.ttl,
    holder: () => Promise.resolve("somebody"),
  });
  const { confirmed, ttl: idle } = session.lease;
  return { lock: await hold(keeper, { lease: LEASE, idle, confirmed, took: 0 }), session };
}

Deno.test("a lease is renewed six times within its TTL, and survives an outage of two thirds of it", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  await clock.to(20_500);
  assert.equal(client.count(Path.keepAlive), 4);
  client.answers[Path.keepAlive] = () => NO_ANSWER;
  // The longest pause between two tries ends before the 19 seconds do.
  await clock.to(38_000);
  assert.equal(lock.lost.aborted, false);
  delete client.answers[Path.keepAlive];
  await clock.to(60_000);
  assert.equal(lock.lost.aborted, false);
  await clock.during(lock.release());
});

Deno.test("without answers a lock counts as lost early enough for the command to end before the lease", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  let lostAt = NaN;
  lock.lost.addEventListener("abort", () => lostAt = clock.now);
  client.answers[Path.keepAlive] = () => NO_ANSWER;
  await clock.to(LEASE.ttl);
  assert.equal(lostAt, 19_000);
  assert.ok(lostAt + LEASE.grace <= endsAfter(LEASE));
  const lost = lock.lost.reason as LockLostError;
  assert.equal(lost.message, "Lock lost: etcd: no answer, for 14s; start it");
  // The command has the whole of its grace period.
  assert.equal(lost.within, LEASE.grace);
});

Deno.test("a lease counts from when the answered request was sent", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  await clock.to(4_000);
  client.delay = 2_000;
  await clock.to(7_500);
  assert.equal(client.count(Path.keepAlive), 1);
  // Sent at 5 s, answered at 7 s.
  assert.equal(Math.round(lock.left), endsAfter(LEASE) - 2_500);
  client.delay = 0;
  await clock.during(lock.release());
});

Deno.test("where each answer takes longer than an attempt, late answers renew the lease", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  await clock.to(4_000);
  client.delays[Path.keepAlive] = 8_000;
  await clock.to(13_500);
  // Sent at 5 s, and again at 10 s; the first one was answered at 13 s.
  assert.equal(Math.round(lock.left), endsAfter(LEASE) - 8_500);
  await clock.to(120_000);
  assert.equal(lock.lost.aborted, false);
  // One try more in each beat, and no more than that.
  assert.ok(client.count(Path.keepAlive) <= 2 + 2 * 115 / 8, `${client.count(Path.keepAlive)}`);
  await clock.during(lock.release());
});

Deno.test("an answer that comes after the fence does not count", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  let lostAt = NaN;
  lock.lost.addEventListener("abort", () => lostAt = clock.now);
  client.delays[Path.keepAlive] = 14_500;
  await clock.to(20_000);
  assert.equal(lostAt, 19_000);
});

Deno.test("reading the key slowly delays no renewal; if the key is gone, the lock is lost", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  client.answers[Path.range] = () => "never";
  for (let at = 4_000; at <= 60_000; at += 5_000) {
    await clock.to(at + 4_000);
    // Sent at the beginning of the beat; known half a beat later.
    assert.ok(lock.left > endsAfter(LEASE) - 5_000, `${at}: ${lock.left}`);
  }
  client.answers[Path.range] = () => ({});
  client.delays[Path.range] = 4_000;
  await clock.to(75_000);
  assert.match(String(lock.lost.reason), /its key was deleted, and it is held by somebody/);
});

Deno.test("an answer without a TTL means that the lock is lost", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock, session } = await take(client);
  client.answers[Path.keepAlive] = () => renewed(session.lease.id);
  await clock.to(4_999);
  assert.equal(lock.lost.aborted, false);
  await clock.to(5_000);
  assert.match(String(lock.lost.reason), /Lock lost: etcd at [^ ]+: its lease has ended, and it is held by somebody/);
});

for (const [what, answer] of Object.entries({ "another lease": renewed(4711, "30"), "no lease": {} })) {
  Deno.test(`an answer about ${what} does not count`, async () => {
    const client = await scripted();
    using clock = new FakeClock();
    const { lock } = await take(client);
    client.answers[Path.keepAlive] = () => answer;
    await clock.to(18_999);
    assert.equal(lock.lost.aborted, false);
    await clock.to(19_000);
    assert.match(String(lock.lost.reason), /the server's answer is invalid/);
  });
}

Deno.test("a key that cannot be read does not end the lock; one that belongs to another does", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  client.answers[Path.range] = () => NO_ANSWER;
  await clock.to(60_000);
  assert.equal(lock.lost.aborted, false);
  client.answers[Path.range] = () => ({ kvs: [{ key: "", create_revision: "18" }] });
  await clock.to(65_000);
  assert.match(String(lock.lost.reason), /its key was deleted, and it is held by somebody/);
});

Deno.test("a lease that is gone at the release was lost, unless an earlier release request got no answer", async () => {
  using clock = new FakeClock();
  const lost = await scripted();
  lost.answers[Path.revoke] = () => GONE;
  const { lock } = await take(lost);
  await assert.rejects(lock.release(), LockLostError);

  const released = await scripted();
  let tries = 0;
  released.answers[Path.revoke] = () => ++tries === 1 ? NO_ANSWER : GONE;
  const { lock: other, session } = await take(released);
  await clock.during(other.release());
  assert.equal(tries, 2);
  // It is not revoked once more.
  await session.close();
  assert.equal(tries, 2);
});

Deno.test("a release is retried for as long as the lease could last", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock } = await take(client);
  client.answers[Path.revoke] = () => NO_ANSWER;
  const released = later(lock.release());
  let isOver = false;
  released.catch(() => isOver = true);
  await clock.to(LEASE.ttl - 1000);
  assert.equal(isOver, false);
  await clock.to(LEASE.ttl + 2000);
  await assert.rejects(released, { message: "Cannot release the lock on etcd: no answer; start it" });
});

Deno.test("if the request for a lease was repeated, the lease is renewed before it counts", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const session = new EtcdSession(client, LEASE.ttl);
  client.answers[Path.grant] = () => NO_ANSWER;
  await assert.rejects(session.open({ signal: never }), NO_ANSWER);
  await clock.to(20_000);
  client.answers[Path.grant] = () => EXISTS;
  await session.open({ signal: never });
  assert.equal(client.count(Path.keepAlive), 1);
  assert.equal(session.lease.confirmed.age, 0);
  client.answers[Path.keepAlive] = () => renewed(session.lease.id);
  await assert.rejects(session.open({ signal: never }), { message: /the lease ended before the lock was held/ });
});

Deno.test("a key that the last write may have deleted does not count as lost; one that it has deleted counts as released", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock, session } = await take(client);
  lock.commandEnded();
  client.answers[Path.range] = () => ({});
  session.keyEnd.state = "asked for";
  await clock.to(6000);
  assert.equal(lock.lost.aborted, false);
  session.keyEnd.state = "done";
  await clock.to(11_000);
  assert.equal(lock.lost.aborted, false);
  // Others have the lock already: the lease is revoked once, without waiting for it.
  client.answers[Path.revoke] = () => "never";
  await lock.release();
  assert.equal(client.count(Path.revoke), 1);
  await clock.during(session.close());
  assert.equal(client.count(Path.revoke), 1);
});

Deno.test("a key that is gone although the last write did not delete it counts as lost", async () => {
  const client = await scripted();
  using clock = new FakeClock();
  const { lock, session } = await take(client);
  client.answers[Path.range] = () => ({});
  session.keyEnd.state = "asked for";
  await clock.to(6000);
  session.keyEnd.state = "not asked for";
  await clock.to(11_000);
  assert.match(String(lock.lost.reason), /its key was deleted/);
});
