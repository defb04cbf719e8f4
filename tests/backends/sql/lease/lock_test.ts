/** Acquiring a lease from a server in memory, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { TakeFrom } from "../../../../lib/backends/sql/lease/row.ts";
import { FakeClock } from "../../../lock/fake_clock.ts";
import { later, never } from "../../open.ts";
import { FakeLeases, PLACES } from "./fake_leases.ts";

for (const [where, hasSessionLocks] of PLACES) {
  const queued = hasSessionLocks ? ["enter"] : [];
  /** The statements when the lease is held, with a wait of 0. */
  const BUSY = [...queued, "claim", "read", ...hasSessionLocks ? ["leave"] : []];

  Deno.test(`the first holder inserts the row, the next ones claim it, with one statement, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    const left = hasSessionLocks ? ["left with it"] : [];
    for (const [token, words] of [[1n, ["claim", "read", "insert"]], [2n, ["claim"]], [3n, ["claim"]]] as const) {
      leases.asked.length = 0;
      await using lock = leases.lock();
      const held = await clock.during(lock.acquire(0, never));
      assert.equal(held?.token, token);
      assert.deepEqual(leases.words, [...queued, ...words]);
      await clock.during(held!.release());
      assert.deepEqual(leases.words, [...queued, ...words, "release", ...left]);
      assert.equal(leases.queued, undefined);
    }
  });

  Deno.test(`with a wait of 0 a lease that another has takes no time and few statements, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    const row = { ...leases.give() };
    await using lock = leases.lock();
    assert.equal(await clock.during(lock.acquire(0, never)), undefined);
    assert.deepEqual(leases.words, BUSY);
    assert.equal(clock.now, 0);
    assert.deepEqual(leases.row, row);
    assert.equal(leases.queued, undefined);
  });

  Deno.test(`at the first check a lease is taken over if it expired long enough ago by the server's clock, ${where}`, async () => {
    using clock = new FakeClock();
    // The margin of a ttl of 6 s is a second; where each server has a clock of its own another ttl is waited for.
    const min = hasSessionLocks ? 1000 : 7000;
    for (const [over, isTaken] of [[min - 100, false], [min + 100, true]] as const) {
      const leases = new FakeLeases(hasSessionLocks);
      leases.give().expires = leases.now - over;
      await using lock = leases.lock();
      const held = await clock.during(lock.acquire(0, never));
      assert.equal(held !== undefined, isTaken, `${over} ms`);
      const from: TakeFrom = { slack: 1000, ttls: hasSessionLocks ? 0 : 1 };
      assert.deepEqual(leases.claims.map(({ from }) => from), [from]);
      if (held) await clock.during(held.release());
    }
  });

  Deno.test(`a waiter reads the server's clock once, and takes over a lease that stays unchanged, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.give({ fence: 41n });
    await using lock = leases.lock();
    const acquired = later(lock.acquire(Infinity, never));
    await clock.to(1000);
    // A clock that jumps a day forward admits no waiter that has seen the lease before.
    leases.ahead = 86_400_000;
    await clock.to(5000);
    const beat = leases.row.beat += 1n;
    const renewed = clock.now;
    const held = await clock.during(acquired);
    // It saw the renewal within its longest pause.
    assert.ok(clock.now >= renewed + 7000 && clock.now < renewed + 7000 + 1400, `${clock.now}`);
    assert.equal(held?.token, 42n);
    const [first, ...others] = leases.claims;
    assert.ok(typeof first!.from === "object" && "slack" in first!.from);
    assert.ok(others.length === 1);
    const [{ from }] = others as [typeof first & object];
    assert.ok(typeof from === "object" && "seen" in from);
    assert.deepEqual([from.seen.owner, from.seen.fence, from.seen.beat], ["f".repeat(32), 41n, beat]);
    await clock.during(held!.release());
  });

  Deno.test(`a claim whose answer was lost is repeated, and gets the same token at once, ${where}`, async () => {
    using clock = new FakeClock();
    for (const first of ["claim", "insert"]) {
      const leases = new FakeLeases(hasSessionLocks);
      if (first === "claim") Object.assign(leases.give({ fence: 7n }), { owner: null });
      let lost = 2;
      leases.fate = (what) => what === first && lost-- > 0 ? "unanswered" : "answered";
      const began = clock.now;
      await using lock = leases.lock();
      const held = await clock.during(lock.acquire(20_000, never));
      assert.equal(held?.token, first === "claim" ? 8n : 1n);
      assert.equal(new Set(leases.claims.map(({ owner }) => owner)).size, 1);
      assert.ok(clock.now - began < 2000, `${clock.now - began}`);
      assert.equal(leases.retried.length, first === "claim" ? 2 : 1);
      await clock.during(held!.release());
    }
  });

  Deno.test(`a takeover whose answer was lost is not waited for again, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.give();
    await using lock = leases.lock();
    let lost = 1;
    leases.fate = (what) => {
      const isTakeover = what === "claim" && typeof leases.claims.at(-1)!.from === "object" &&
        "seen" in (leases.claims.at(-1)!.from as object);
      return isTakeover && lost-- > 0 ? "unanswered" : "answered";
    };
    const held = await clock.during(lock.acquire(60_000, never));
    assert.equal(held?.token, 8n);
    assert.ok(clock.now < 9000, `${clock.now}`);
    await clock.during(held!.release());
  });

  Deno.test(`a row that disappears during a wait is inserted again, without a flood of statements, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.give();
    await using lock = leases.lock();
    const acquired = later(lock.acquire(Infinity, never));
    await clock.to(3000);
    leases.rows.clear();
    const before = leases.asked.length;
    const held = await clock.during(acquired);
    assert.equal(held?.token, 1n);
    assert.ok(clock.now < 6000, `${clock.now}`);
    assert.ok(leases.asked.length - before < 8, leases.words.join());
    await clock.during(held!.release());
  });

  Deno.test(`the first to claim the row has the lease, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.fate = (what) => {
      // Just before it.
      if (what === "insert") leases.give();
      return "answered";
    };
    await using lock = leases.lock();
    assert.equal(await clock.during(lock.acquire(0, never)), undefined);
    assert.equal(leases.row.owner, "f".repeat(32));
    const acquired = later(lock.acquire(60_000, never));
    await clock.to(clock.now + 1000);
    leases.row.owner = null;
    const held = await clock.during(acquired);
    assert.equal(held?.token, 8n);
    await clock.during(held!.release());
  });

  Deno.test(`a row that cannot be claimed does not make a waiter busy-loop, ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    leases.give().owner = null;
    leases.isOutOfReach = true;
    await using lock = leases.lock();
    const acquired = later(lock.acquire(30_000, never));
    await clock.to(20_000);
    assert.ok(leases.asked.length > 10 && leases.asked.length < 80, `${leases.asked.length}`);
    assert.equal(await clock.during(acquired), undefined);
  });
}
