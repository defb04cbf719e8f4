/** Waiters for a lease: how often they ask, and what they do with the session lock; on a fake clock. */

import assert from "node:assert/strict";
import { DoublingBackoff } from "../../../../lib/backends/sql/lease/backoff.ts";
import { FakeClock } from "../../../lock/fake_clock.ts";
import { later, never } from "../../open.ts";
import { FakeLeases, LOCK } from "./fake_leases.ts";

/** Numbers by chance that are the same each time (mulberry32), in place of `Math.random()` until it is disposed of. */
class Chance implements Disposable {
  readonly #real = Math.random;

  constructor(seed: number) {
    let state = seed;
    Math.random = () => {
      state = state + 0x6d2b79f5 | 0;
      let mixed = Math.imul(state ^ state >>> 15, 1 | state);
      mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
      return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
    };
  }

  [Symbol.dispose](): void {
    Math.random = this.#real;
  }
}

const TEN_MINUTES = 600_000;

Deno.test("pauses begin at about 100 ms, double, and end at about a second", () => {
  for (let seed = 1; seed <= 200; seed++) {
    using _ = new Chance(seed);
    const backoff = new DoublingBackoff();
    for (const mean of [100, 200, 400, 800, 1050, 1050, 1050]) {
      const pause = backoff.next();
      assert.ok(pause >= 0.7 * mean && pause <= 1.3 * mean, `${pause} instead of ${mean}`);
    }
  }
});

Deno.test("in ten minutes there are no more pauses than seconds", () => {
  for (let seed = 1; seed <= 500; seed++) {
    using _ = new Chance(seed);
    const backoff = new DoublingBackoff();
    let count = 0;
    for (let passed = 0; passed < TEN_MINUTES; passed += backoff.next()) count++;
    assert.ok(count <= 600 && count > 500, `${count} with seed ${seed}`);
  }
});

Deno.test("in ten minutes a waiter asks at most once a second, and sooner at first", async () => {
  for (let seed = 1; seed <= 3; seed++) {
    using clock = new FakeClock();
    using _ = new Chance(seed);
    const leases = new FakeLeases(false);
    leases.give({ ttl: 10 * TEN_MINUTES });
    await using lock = leases.lock();
    const acquired = later(lock.acquire(TEN_MINUTES, never));
    await clock.to(TEN_MINUTES - 1);
    const { length } = leases.asked;
    assert.ok(length <= 600 && length > 500, `${length} with seed ${seed}`);
    assert.ok(leases.asked.filter(({ at }) => at < 1000).length >= 4);
    assert.equal(await clock.during(acquired), undefined);
  }
});

Deno.test("a release is noticed within a pause", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    using clock = new FakeClock();
    using _ = new Chance(seed);
    const leases = new FakeLeases(false);
    leases.give({ ttl: TEN_MINUTES });
    await using lock = leases.lock();
    const acquired = later(lock.acquire(TEN_MINUTES, never));
    await clock.to(30_000);
    leases.row.owner = null;
    const held = await clock.during(acquired);
    assert.ok(clock.now - 30_000 < 1.3 * 1050 + 1, `${clock.now}`);
    await held!.release();
  }
});

Deno.test("where session locks work, waiters do not poll while another session waits or holds", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(true);
  const first = leases.lock();
  const held = await first.acquire(0, never);
  leases.asked.length = 0;
  await using second = leases.lock({ host: "web2" });
  const acquired = later(second.acquire(Infinity, never));
  await clock.to(20_000);
  const asked = new Set(leases.asked.filter(({ session }) => session === 2).map(({ what }) => what));
  assert.deepEqual(asked, new Set(["enter"]));
  await held!.release();
  const next = await clock.during(acquired);
  assert.equal(next?.token, 2n);
  await next!.release();
  await first[Symbol.asyncDispose]();
});

Deno.test("the session lock is kept while waiting for the lease, and released when the wait is over", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(true);
  leases.give({ ttl: TEN_MINUTES });
  await using lock = leases.lock();
  const acquired = later(lock.acquire(5000, never));
  await clock.to(4999);
  assert.equal(leases.queued, leases.sessions[0]);
  assert.equal(await clock.during(acquired), undefined);
  assert.equal(leases.queued, undefined);
  assert.equal(leases.words.filter((what) => what === "enter").length, 1);
  // The same lock may wait once more.
  leases.row.owner = null;
  const held = await lock.acquire(0, never);
  assert.equal(held?.token, 8n);
  await held!.release();
});

Deno.test("a session that ends during the wait is replaced, and earlier observations still count", async () => {
  for (const hasSessionLocks of [true, false]) {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.give();
    await using lock = leases.lock();
    const acquired = later(lock.acquire(60_000, never));
    await clock.to(4000);
    leases.sessions[0]!.ended(new Error("killed by an administrator"));
    // A day more by the server's clock; who has seen the lease goes by its own.
    leases.ahead = 86_400_000;
    await clock.to(6900);
    assert.equal(leases.rows.get(LOCK)!.owner, "f".repeat(32));
    const held = await clock.during(acquired);
    assert.equal(held?.token, 8n);
    assert.ok(clock.now >= 7000 && clock.now < 8500, `${clock.now}`);
    assert.deepEqual(leases.sessions.length, 2);
    await held!.release();
  }
});

Deno.test("a queued waiter that gets the session lock does not go by the server's clock", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(true);
  await using first = leases.lock();
  const held = await first.acquire(0, never);
  await using second = leases.lock({ host: "web2" });
  const acquired = later(second.acquire(Infinity, never));
  await clock.to(2500);
  leases.ahead = 86_400_000;
  leases.sessions[0]!.ended(new Error("killed by an administrator"));
  await clock.to(2900);
  assert.equal(leases.queued, leases.sessions[1]);
  await clock.to(20_000);
  assert.equal(held?.lost.aborted, false);
  assert.equal(leases.row.fence, 1n);
  await held!.release();
  const next = await clock.during(acquired);
  assert.equal(next?.token, 2n);
  await next!.release();
});
