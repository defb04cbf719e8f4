/** Holding a lease whose connections end, and servers fail, on a clock that the test moves. */

import assert from "node:assert/strict";
import { ConfigError, LockLostError } from "../../../../lib/errors.ts";
import { later, never } from "../../open.ts";
import { PLACES } from "./fake_leases.ts";
import { held } from "./held.ts";
import { Refusal, refusal } from "./fake_rows.ts";

/** A ttl of 6 s and a grace of 1 s: it is renewed each second, and given up 4.4 s after the last renewal. */
const STOPS = 4400;

for (const [where, hasSessionLocks] of PLACES) {
  const test = (name: string, fn: () => Promise<void>) => Deno.test(`${name}, ${where}`, fn);

  test("a lease is renewed six times in its ttl, in one session, with one statement", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.asked.length = 0;
    await clock.to(30_500);
    assert.deepEqual(
      leases.asked,
      Array.from({ length: 30 }, (_, i) => ({ at: 1000 * (i + 1), what: "renew", session: 1 })),
    );
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.deepEqual(leases.reconnected, []);
  });

  test("a connection that ends is replaced at the next renewal, which is reported once", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.sessions[0]!.ended(new Error("killed by an administrator"));
    await clock.to(10_500);
    assert.deepEqual(leases.reconnected.map(({ what }) => what), ["killed by an administrator"]);
    leases.sessions[1]!.ended(new Error("the server is shutting down"));
    await clock.to(20_500);
    assert.deepEqual(leases.reconnected.map(({ what }) => what).slice(1), ["the server is shutting down"]);
    assert.equal(leases.sessions.length, 3);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.row.fence, 8n);
    // The session lock is taken along.
    assert.equal(leases.queued, hasSessionLocks ? leases.sessions[2] : undefined);
    await lock.release();
    assert.equal(leases.queued, undefined);
    assert.equal(leases.row.owner, null);
  });

  test("a server outage shorter than the lease allows has no effect", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    // Right before a renewal, the worst moment; the longest pause between two attempts is 150 ms.
    await clock.to(4999);
    leases.refuses = refusal();
    leases.sessions[0]!.ended(new Error("the connection was reset"));
    await clock.to(4000 + STOPS - 200);
    assert.equal(lock.lost.aborted, false);
    leases.refuses = undefined;
    await clock.to(20_000);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.sessions.length, 2);
    await lock.release();
  });

  test("a server that stays away: the lease is given up in time, reported, and never renewed again", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    await clock.to(4500);
    leases.refuses = refusal();
    leases.sessions[0]!.ended(new Error("the connection was reset"));
    await clock.to(4000 + STOPS - 10);
    assert.equal(lock.lost.aborted, false);
    await clock.to(4000 + STOPS + 10);
    assert.match(
      lock.lost.reason.message,
      /^Lock lost: Server at place: refused the connection, for 3\.\d+s; start it$/,
    );
    assert.equal(lock.lost.reason.within, 1000);
    const { beat } = leases.row;
    leases.refuses = undefined;
    // A sera that tries again, since its command had not started, gets it again.
    const again = await clock.during(all.backend.acquire(0, never));
    assert.equal(again?.token, 8n);
    assert.equal(leases.row.beat, beat + 1n);
    await clock.to(clock.now + 500);
    assert.equal(leases.row.beat, beat + 1n);
    await clock.during(again!.release());
  });

  test("a lease that another has is lost at the next renewal, and the new holder is named", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.give({ owner: "e".repeat(32), fence: 9n, host: "web7" });
    await clock.to(1001);
    await clock.until("it is lost", () => lock.lost.aborted);
    assert.ok(lock.lost.reason instanceof LockLostError);
    assert.match(lock.lost.reason.message, /^Lock lost: Server at place 1: its lease is held by web7:1 other$/);
    await assert.rejects(lock.release(), LockLostError);
    assert.equal(leases.row.owner, "e".repeat(32));
  });

  test("a lease that somebody has freed is lost at the next renewal, which says where", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.row.owner = null;
    await clock.to(1001);
    await clock.until("it is lost", () => lock.lost.aborted);
    assert.match(lock.lost.reason.message, /somebody has freed its row in sera_leases$/);
  });

  test("a renewal whose answer was lost is repeated", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.fate = (what, session) => what === "renew" && session < 4 ? "unanswered" : "answered";
    await clock.to(5000);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.sessions.length, 4);
    await lock.release();
  });

  test("an outage is reported once, when it is over, with its first cause", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.fate = (what, session) =>
      what === "renew" && session > 1 && session < 5 ? new Refusal("there is no such table") : "answered";
    leases.sessions[0]!.ended(new Error("the server is shutting down"));
    await clock.to(10_000);
    assert.equal(leases.sessions.length, 5);
    assert.deepEqual(leases.reconnected.map(({ what }) => what), ["the server is shutting down"]);
    leases.fate = (what) => what === "renew" ? new Refusal("there is no such table") : "answered";
    await clock.to(20_000);
    assert.equal(lock.lost.aborted, true);
    assert.equal(leases.reconnected.length, 1);
  });

  test("a silent connection is replaced by another one", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    leases.fate = (_, session) => session === 1 ? "ignored" : "answered";
    await clock.to(10_000);
    assert.equal(lock.lost.aborted, false);
    assert.deepEqual(leases.reconnected.map(({ what }) => what), ["no answer for 1s"]);
    await lock.release();
  });

  for (const kind of ["permanent", "transient"] as const) {
    test(`an error of a renewal (${kind}) makes it try another connection, where another server may be`, async () => {
      await using all = await held(hasSessionLocks);
      const { clock, leases, lock } = all;
      leases.fate = (what, session) =>
        what === "renew" && session === 1 ? new Refusal("the server is read-only", kind) : "answered";
      await clock.to(10_000);
      assert.equal(lock.lost.aborted, false);
      assert.equal(leases.sessions.length, 2);
      assert.deepEqual(leases.reconnected.map(({ what }) => what), ["the server is read-only"]);
      assert.equal(leases.queued, hasSessionLocks ? leases.sessions[1] : undefined);
      await lock.release();
    });
  }

  test("a renewal that another transaction blocks is repeated in the same session", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    let times = 5;
    leases.fate = (what) => what === "renew" && times-- > 0 ? new Refusal("deadlock", "in the way") : "answered";
    await clock.to(10_000);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.sessions.length, 1);
    await lock.release();
  });

  test("a file that is missing for a moment during a reconnect does not cost the lease", async () => {
    await using all = await held(hasSessionLocks);
    const { clock, leases, lock } = all;
    const { open } = leases;
    let times = 3;
    leases.open = () => {
      if (times-- > 0) throw new ConfigError("Cannot read the CA file /etc/ca.pem");
      return open.call(leases);
    };
    leases.sessions[0]!.ended(new Error("the connection was reset"));
    await clock.to(5000);
    assert.equal(lock.lost.aborted, false);
    assert.equal(leases.sessions.length, 2);
    await lock.release();
  });
}

Deno.test("a waiter that has taken the session lock meanwhile does no harm, and gets the lease afterwards", async () => {
  await using all = await held(true);
  const { clock, leases, lock } = all;
  await using second = leases.lock({ host: "web2" });
  const acquired = later(second.acquire(Infinity, never));
  await clock.to(500);
  leases.sessions[0]!.ended(new Error("killed by an administrator"));
  await clock.to(20_000);
  assert.equal(leases.queued, leases.sessions[1]);
  assert.equal(lock.lost.aborted, false);
  assert.equal(leases.row.fence, 8n);
  await clock.during(lock.release());
  const next = await clock.during(acquired);
  assert.equal(next?.token, 9n);
  await clock.during(next!.release());
});

Deno.test("the session lock that a waiter gives up goes back to the holder", async () => {
  await using all = await held(true);
  const { clock, leases, lock } = all;
  await using second = leases.lock({ host: "web2" });
  const acquired = later(second.acquire(5000, never));
  await clock.to(500);
  leases.sessions[0]!.ended(new Error("killed by an administrator"));
  assert.equal(await clock.during(acquired), undefined);
  await clock.to(clock.now + 1100);
  assert.equal(leases.queued, leases.sessions[2]);
  await clock.during(lock.release());
});

Deno.test("a server that goes silent while the session lock is asked for again lets sera end without another error", async () => {
  const all = await held(true);
  const { clock, leases, lock } = all;
  leases.sessions[0]!.ended(new Error("killed by an administrator"));
  leases.fate = (what) => what === "enter" ? "ignored" : "answered";
  await clock.to(1100);
  assert.deepEqual(leases.asked.at(-1), { at: 1000, what: "enter", session: 2 });
  lock.commandStarts?.();
  // An error that nothing catches would fail the test.
  await all[Symbol.asyncDispose]();
});
