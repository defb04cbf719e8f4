/** Acquiring a lease in trouble: errors, slow answers, signals; on a clock that the test moves. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../../lib/errors.ts";
import { FakeClock } from "../../../lock/fake_clock.ts";
import { later, never } from "../../open.ts";
import { FakeLeases, PLACES } from "./fake_leases.ts";
import { Refusal, refusal } from "./fake_rows.ts";

for (const [where, hasSessionLocks] of PLACES) {
  Deno.test(`transient errors are waited out, others end the wait at once, ${where}`, async () => {
    using clock = new FakeClock();
    for (const broken of ["claim", "read", "insert"]) {
      const leases = new FakeLeases(hasSessionLocks);
      await using lock = leases.lock();
      let times = 3;
      leases.fate = (what) => what === broken && times-- > 0 ? new Refusal("is starting", "transient") : "answered";
      const held = await clock.during(lock.acquire(60_000, never));
      assert.equal(held?.token, 1n);
      assert.deepEqual(leases.retried.map(({ why }) => why), Array(3).fill("is starting"));
      await clock.during(held!.release());
    }
    for (const broken of ["claim", "read", "insert"]) {
      const leases = new FakeLeases(hasSessionLocks);
      await using lock = leases.lock();
      leases.fate = (what) => what === broken ? new Refusal("no such right") : "answered";
      const began = clock.now;
      await assert.rejects(clock.during(lock.acquire(60_000, never)), /no such right/);
      assert.ok(clock.now - began < 100);
    }
    {
      const leases = new FakeLeases(hasSessionLocks);
      await using lock = leases.lock();
      leases.refuses = refusal();
      const began = clock.now;
      await assert.rejects(clock.during(lock.acquire(5000, never)), LockUnavailableError);
      assert.ok(clock.now - began >= 5000 && clock.now - began < 8000, `${clock.now - began}`);
    }
  });

  for (const phase of [...hasSessionLocks ? ["enter"] : [], "claim", "read", "insert"]) {
    for (const [when, fate] of [["has reached the server", "unanswered"], ["is lost on its way", "ignored"]] as const) {
      const what = `a signal while the ${phase} ${when} leaves nothing ${where}`;
      Deno.test(what, async () => {
        using clock = new FakeClock();
        const leases = new FakeLeases(hasSessionLocks);
        const lock = leases.lock();
        const interrupt = new AbortController();
        leases.fate = (asked) => {
          if (asked !== phase || interrupt.signal.aborted) return "answered";
          queueMicrotask(() => interrupt.abort(new Error("interrupted")));
          return fate;
        };
        leases.latency = 1;
        await assert.rejects(clock.during(lock.acquire(Infinity, interrupt.signal)), /interrupted/);
        await clock.during(lock[Symbol.asyncDispose]());
        assert.equal(leases.rows.values().next().value?.owner ?? null, null);
        assert.ok(leases.sessions.every(({ closed }) => closed.aborted));
        // The server's pending answer.
        await clock.to(clock.now + leases.latency);
        assert.equal(clock.pending, 0);
      });
    }
  }

  Deno.test(`a signal during the wait ends it, and leaves nothing behind ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    const row = { ...leases.give({ ttl: 3_600_000 }) };
    const lock = leases.lock();
    const interrupt = new AbortController();
    const acquired = later(lock.acquire(Infinity, interrupt.signal));
    await clock.to(10_000);
    const asked = leases.asked.length;
    interrupt.abort(new Error("interrupted"));
    await assert.rejects(clock.during(acquired), /interrupted/);
    await clock.during(lock[Symbol.asyncDispose]());
    // Nothing but that it does not wait any more.
    const more = leases.asked.slice(asked).map(({ what }) => what);
    assert.deepEqual(more, hasSessionLocks ? ["leave"] : []);
    assert.deepEqual(leases.row, row);
    assert.ok(leases.sessions.every(({ closed }) => closed.aborted));
    assert.equal(clock.pending, 0);
  });

  Deno.test(`an unanswered claim is withdrawn at the end, but not another's, ${where}`, async () => {
    using clock = new FakeClock();
    for (const taker of [undefined, "f".repeat(32)]) {
      const leases = new FakeLeases(hasSessionLocks);
      const lock = leases.lock();
      leases.fate = (what) => what === "insert" ? "unanswered" : "answered";
      await assert.rejects(clock.during(lock.acquire(0, never)), LockUnavailableError);
      assert.match(leases.row.owner!, /^[0-9a-f]{32}$/);
      if (taker) leases.give({ owner: taker, fence: 8n });
      await lock[Symbol.asyncDispose]();
      assert.deepEqual([leases.row.owner, leases.row.fence], [taker ?? null, taker ? 8n : 1n]);
      assert.equal(leases.words.includes("release"), taker === undefined);
    }
  });

  Deno.test(`an unused lease is freed at the end, also after its connection was lost ${where}`, async () => {
    using clock = new FakeClock();
    for (const isCut of [false, true]) {
      const leases = new FakeLeases(hasSessionLocks);
      const lock = leases.lock();
      await clock.during(lock.acquire(0, never));
      if (isCut) leases.sessions[0]!.ended(new Error("the connection was reset"));
      await clock.during(lock[Symbol.asyncDispose]());
      assert.deepEqual([leases.row.owner, leases.sessions.length], [null, isCut ? 2 : 1]);
      assert.ok(leases.sessions.every(({ closed }) => closed.aborted));
      assert.equal(clock.pending, 0);
    }
  });

  Deno.test(`a used lease is not freed before its release ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    const lock = leases.lock();
    const held = await clock.during(lock.acquire(0, never));
    held!.commandStarts?.();
    const { owner } = leases.row;
    await clock.during(lock[Symbol.asyncDispose]());
    assert.equal(leases.row.owner, owner);
    assert.equal(leases.words.includes("release"), false);
  });

  Deno.test(`a claim that cannot be withdrawn expires, and nothing hangs ${where}`, async () => {
    using clock = new FakeClock();
    const leases = new FakeLeases(hasSessionLocks);
    const lock = leases.lock();
    leases.fate = (what) => what === "insert" ? "unanswered" : "answered";
    await assert.rejects(clock.during(lock.acquire(0, never)), LockUnavailableError);
    leases.refuses = refusal();
    await lock[Symbol.asyncDispose]();
    assert.match(leases.row.owner!, /^[0-9a-f]{32}$/);
  });
}

Deno.test("a server that answers too slowly for the lease is refused, and the row is free again", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(false);
  leases.latency = 900;
  const lock = leases.lock({ ttl: 2000, grace: 500 });
  await assert.rejects(clock.during(lock.acquire(0, never)), /an answer takes 900ms, too long for a ttl of 2s/);
  assert.notEqual(leases.row.owner, null);
  await clock.during(lock[Symbol.asyncDispose]());
  assert.equal(leases.row.owner, null);
});

Deno.test("a sera that was stopped in the middle of a claim renews before it goes on", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(false);
  leases.give().owner = null;
  await using lock = leases.lock();
  leases.fate = (what) => {
    // No code runs in this time, as with SIGSTOP; the answer has come.
    if (what === "claim") clock.now += 4000;
    return "answered";
  };
  const held = await clock.during(lock.acquire(0, never));
  assert.deepEqual(leases.words, ["claim", "renew"]);
  assert.equal(held?.lost.aborted, false);
  assert.ok(held!.left > 5000, `${held!.left}`);
  await clock.during(held!.release());
});

Deno.test("a claim that was answered after another's takeover does not count", async () => {
  using clock = new FakeClock();
  const leases = new FakeLeases(false);
  leases.give().owner = null;
  await using lock = leases.lock();
  leases.fate = (what) => {
    if (what === "claim") clock.now += 20_000;
    if (what === "renew") leases.give({ fence: 9n });
    return "answered";
  };
  assert.equal(await clock.during(lock.acquire(0, never)), undefined);
  assert.equal(leases.row.fence, 9n);
  assert.equal(leases.row.owner, "f".repeat(32));
});
