/** Holding a lock that outlasts its session, as a row does, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Trouble } from "../../lib/errors.ts";
import { hold } from "../../lib/lock/hold.ts";
import type { Keeper } from "../../lib/lock/keeper.ts";
import { endsAfter, Moment } from "../../lib/lock/lease.ts";
import type { LeasedLock } from "../../lib/lock/leased_lock.ts";
import { later } from "../backends/open.ts";
import { FakeClock } from "./fake_clock.ts";

/** It is renewed every 5 seconds, and given up 19 seconds after the last renewal. */
const LEASE = { ttl: 30_000, grace: 10_000 };

/** A row of a lease, as a test has it. */
class FakeRow implements Keeper {
  readonly where = "Server at place";
  readonly ended = new AbortController().signal;
  readonly isGivenUp = false;
  readonly asked = new AbortController().signal;
  readonly session = undefined;
  readonly isDurable: boolean = true;
  readonly token = 17n;
  trouble: Trouble | undefined;
  /** When renewals were asked for. */
  readonly requests: number[] = [];
  /** How each is answered; undefined: never. */
  answer: (() => Promise<Moment | undefined>) | undefined = () => Promise.resolve(new Moment());
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  renew(): Promise<Moment | undefined> {
    this.requests.push(this.#clock.now);
    return this.answer?.() ?? new Promise(() => undefined);
  }

  release(): Promise<boolean> {
    return Promise.resolve(true);
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  hold(): Promise<LeasedLock> {
    return hold(this, { lease: LEASE, idle: Infinity, confirmed: new Moment(), took: 0 });
  }
}

class FakeSession extends FakeRow {
  override readonly isDurable = false;
}

Deno.test("a durable lock is renewed every sixth of the ttl, and has a token", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  await clock.to(30_000);
  assert.deepEqual(row.requests, [5000, 10_000, 15_000, 20_000, 25_000, 30_000]);
  assert.equal(lock.token, 17n);
  assert.equal(lock.left, 29_000);
  await lock.release();
  await clock.to(60_000);
  assert.equal(row.requests.length, 6);
});

Deno.test("the lease counts from when the answered request was sent, and never from an earlier one", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  // The first renewal takes several attempts; the last one is sent after seven seconds.
  row.answer = async () => {
    await passed(7000);
    const sent = new Moment();
    await passed(1000);
    return sent;
  };
  await clock.to(13_000);
  assert.equal(lock.left, endsAfter(LEASE) - 1000);
  const old = new Moment();
  row.answer = () => Promise.resolve(new Moment());
  await clock.to(24_000);
  const { left } = lock;
  row.answer = () => Promise.resolve(old);
  const requests = row.requests.length;
  await lock.confirm();
  assert.equal(row.requests.length, requests + 1);
  assert.equal(lock.left, left);
  await lock.release();
});

Deno.test("an outage that ends before the fence is survived, and does not count as a suspension", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  let back = (_sent: Moment) => {};
  row.answer = () => new Promise((resolve) => back = resolve);
  row.trouble = { what: "Server at another place: connection refused" };
  await clock.to(18_999);
  assert.deepEqual(row.requests, [5000]);
  assert.equal(lock.lost.aborted, false);
  row.answer = () => Promise.resolve(new Moment());
  back(new Moment());
  row.trouble = undefined;
  await clock.to(40_000);
  assert.equal(lock.lost.aborted, false);
  // The next one is sent at once, and then they come in their rhythm.
  assert.deepEqual(row.requests, [5000, 18_999, 23_999, 28_999, 33_999, 38_999]);
  await lock.release();
});

Deno.test("when the fence approaches during an outage, the reason is the last failure, and its start", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  await clock.to(5000);
  row.answer = undefined;
  row.trouble = { what: "Server at place: the server closed the connection" };
  await clock.to(20_000);
  row.trouble = { what: "Server at another place: connection refused", cure: "check the server and the network" };
  // Another request in this time waits for the renewal, too.
  const requests = later(lock.confirm());
  await clock.to(23_999);
  assert.equal(lock.lost.aborted, false);
  await clock.to(24_000);
  assert.equal(
    lock.lost.reason.message,
    "Lock lost: Server at another place: connection refused, for 14s; check the server and the network",
  );
  assert.equal(lock.lost.reason.within, 10_000);
  await assert.rejects(requests, lock.lost.reason);
});

Deno.test("without a known failure the reason is a missing answer", async () => {
  for (const late of [false, true]) {
    using clock = new FakeClock();
    const row = new FakeRow(clock);
    const lock = await row.hold();
    // An answer that takes as long as the lease allows, and then none.
    if (late) {
      const sent = new Moment();
      row.answer = async () => (await passed(12_000), sent);
      await clock.to(16_999);
    }
    row.answer = undefined;
    await clock.to(19_000);
    assert.equal(lock.lost.reason.message, "Lock lost: Server at place: no answer for 19s");
  }
});

Deno.test("a sera that was suspended until its lease expired says so, whatever the server answers", async () => {
  for (const trouble of [undefined, { what: "Server at another place: connection refused" }]) {
    for (const answer of [undefined, () => Promise.resolve(undefined)]) {
      using clock = new FakeClock();
      const row = new FakeRow(clock);
      const lock = await row.hold();
      // No code runs in this time, as with SIGSTOP.
      clock.now = 45_000;
      Object.assign(row, { trouble, answer });
      await clock.to(45_001);
      assert.equal(
        lock.lost.reason.message,
        "Lock lost: sera was suspended for 40s (SIGSTOP, or a machine that slept); its lease may have run out",
      );
    }
  }
});

Deno.test("a lease that was taken over early was not lost because of a suspension", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  clock.now = 18_000;
  row.answer = () => Promise.resolve(undefined);
  await clock.to(18_001);
  assert.equal(lock.lost.reason.message, "Lock lost: Server at place has freed it");
});

Deno.test("a lease that had not expired when the command ended was held until its end", async () => {
  using clock = new FakeClock();
  for (
    const [make, age, held] of [
      [FakeRow, 18_000, true],
      [FakeRow, 29_999, true],
      [FakeRow, 30_000, false],
      [FakeSession, 100, false],
    ] as const
  ) {
    const row = new make(clock);
    const lock = await row.hold();
    row.answer = undefined;
    // Whatever was due runs later.
    clock.now += age;
    lock.commandEnded();
    assert.equal(lock.heldToEnd, held, `${make.name} ${age}`);
    await lock.release().catch(() => undefined);
  }
});

Deno.test("a lease that was lost before the command ended was not held until its end", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  row.answer = () => Promise.resolve(undefined);
  await clock.to(5000);
  assert.equal(lock.lost.aborted, true);
  lock.commandEnded();
  assert.equal(lock.heldToEnd, false);
});

Deno.test("after the command's end, a fresh lease is not checked again", async () => {
  using clock = new FakeClock();
  const row = new FakeRow(clock);
  const lock = await row.hold();
  await clock.to(1000);
  lock.commandEnded();
  await lock.confirm();
  assert.deepEqual(row.requests, []);
  await clock.to(1001);
  await lock.confirm();
  assert.deepEqual(row.requests, [1001]);
  await lock.release();
});

/** Resolves after so many milliseconds of the clock. */
function passed(delay: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delay));
}
