/**
 * Leases with real servers and sessions, mostly with a fake clock for sera.
 * What follows from the terms of a lease is tested in tests/lock.
 */

import assert from "node:assert/strict";
import { LockLostError } from "../../lib/errors.ts";
import { endsAfter, graceOf, heartbeatOf, type LeaseTerms, stopsAfter } from "../../lib/lock/lease.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { Proxy } from "../servers/proxy.ts";
import { until } from "../cli/wait.ts";
import { FAKE_MYSQL, FAKE_POSTGRES, WORDS } from "./fake_sessions.ts";
import { faultPlaces, lossOf, report } from "./fault_place.ts";
import { freshName, hold, never, open, renewals } from "./open.ts";
import { sharedMariaDb } from "./shared_server.ts";

/** For real time: a slow machine renews it early enough. */
const REAL_LEASE: LeaseTerms = { ttl: 6000, grace: 500 };

/** The shortest lease that can be set. */
const LEASE: LeaseTerms = { ttl: 3000, grace: 500 };

const BEAT = heartbeatOf(LEASE);

const places = faultPlaces();

// Here the server's own clock decides, which no test can move.
for (const { label, testTogether, patient, isFree } of places) {
  testTogether(
    "heartbeats keep a lock beyond its TTL; a holder that vanishes has given it up before the server does",
    async ({ port }) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      await using backend = await open(patient(proxy.port), name, undefined, { lease: REAL_LEASE });
      await using other = await open(patient(port), name);
      const lock = await hold(backend);
      // A fourth look comes after the TTL. The newest sign of the lock is a heartbeat's, not that of its beginning.
      await renewals(lock, 4);
      assert.equal(lock.lost.aborted, false);
      assert.equal(await other.acquire(0, never), undefined);
      const confirmed = proxy.requests.at(-1)!;
      proxy.stall();
      const { at, reason } = await lossOf(lock);
      await until("the server has freed it", () => isFree(name));
      const freed = performance.now();
      report(`${label}: vanished, from the last sign of life`, {
        lost: at - confirmed,
        within: reason.within,
        freed: freed - confirmed,
      });
      assert.ok(at - confirmed > stopsAfter(REAL_LEASE) - 50, `lost after ${at - confirmed} ms`);
      // The later it learns of it, the less time is left.
      assert.ok(
        reason.within <= Math.max(0, endsAfter(REAL_LEASE) - (at - confirmed)) + 50,
        `${reason.within} ms left`,
      );
      assert.ok(reason.within <= graceOf(REAL_LEASE));
      assert.ok(freed > at + reason.within, `freed ${at + reason.within - freed} ms too soon`);
      assert.match(reason.message, /^Lock lost: [^\n]+: no answer for [\d.]+m?s$/);
      await assert.rejects(lock.confirm(), LockLostError);
    },
  );
}

for (const { test, setting, isFree, releaseMessage, answer } of places) {
  test("heartbeats come at a third of the TTL, over the lock's own connection", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    await using backend = await open(setting(proxy.port), freshName(), undefined, { lease: LEASE });
    using clock = new FakeClock();
    const lock = await hold(backend);
    const before = proxy.requests.length;
    let renewed = 0;
    lock.onRenewed = () => renewed++;
    for (let beat = 1; beat <= 4; beat++) {
      await clock.to(beat * BEAT - 1);
      assert.equal(proxy.requests.length, before + beat - 1);
      await clock.to(beat * BEAT);
      await clock.until("the look is answered", () => renewed === beat);
    }
    assert.deepEqual(proxy.requests.slice(before), [1, 2, 3, 4].map((beat) => beat * BEAT));
    assert.equal(proxy.accepted, 1);
    assert.equal(lock.left, endsAfter(LEASE));
    await lock.release();
  });

  test("a lock that its session no longer holds is lost at the next heartbeat", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE });
    using clock = new FakeClock();
    const lock = await hold(backend);
    await proxy.smuggle(releaseMessage(name));
    assert.equal(await isFree(name), true);
    await clock.to(BEAT - 1);
    assert.equal(lock.lost.aborted, false);
    await clock.to(BEAT);
    await clock.until("the loss", () => lock.lost.aborted);
    assert.match(lock.lost.reason.message, /^Lock lost: [^\n]+ has freed it$/);
    assert.equal(proxy.accepted, 1);
  });

  test("an unanswered heartbeat is waited for as long as the lease allows", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const options = { lease: LEASE, answerTimeout: answer };
    await using backend = await open(setting(proxy.port), freshName(), undefined, options);
    using clock = new FakeClock();
    const lock = await hold(backend);
    const before = proxy.requests.length;
    proxy.stall("toClient");
    await clock.to(BEAT);
    await clock.until("the server has heard it", () => proxy.requests.length > before);
    // Longer than any other answer may take.
    assert.ok(stopsAfter(LEASE) > BEAT + answer);
    await clock.to(stopsAfter(LEASE) - 1);
    assert.equal(lock.lost.aborted, false);
    assert.equal(lock.session?.closed.aborted, false);
    await clock.to(stopsAfter(LEASE));
    assert.match(lock.lost.reason.message, /^Lock lost: [^\n]+: no answer for 2\.2s$/);
    assert.equal(lock.lost.reason.within, graceOf(LEASE));
    // So that it hears the goodbye.
    proxy.resume();
  });
}

for (const kind of [FAKE_MYSQL, FAKE_POSTGRES]) {
  const { question, look } = WORDS[kind.name];

  Deno.test(`${kind.name}: a lease is refused where both the lock's and the check's answers are too slow for it`, async () => {
    for (const [slow, isKept] of [[[question], true], [[look], true], [[question, look], false]] as const) {
      let late = 0;
      using server = kind.start(true, undefined, (sql) => {
        // Only once, so that the next request has a quick answer; or each time.
        if (slow.some((words) => sql.includes(words)) && (!isKept || late++ === 0)) clock.now += 1300;
      });
      await using backend = await kind.open(server, LEASE, 10_000);
      using clock = new FakeClock();
      if (isKept) {
        const lock = await hold(backend);
        assert.equal(lock.lost.aborted, false);
        // The first look was sent along, and from its answer on the lock is held: it has been looked at again.
        assert.equal(lock.left, endsAfter(LEASE));
        await lock.release();
      } else {
        await assert.rejects(backend.acquire(60_000, never), {
          message:
            /: an answer takes 1\.3s, too long for a ttl of 3s with a grace period of 500ms; use --ttl 4s or more/,
          exitCode: 202,
        });
        await clock.until("the session has gone", () => server.clients === 0);
      }
    }
  });
}

sharedMariaDb("--wait-timeout=2", "--maximum-wait-timeout=2").test(
  "a server that allows less than the TTL is looked at more often",
  async (server) => {
    await using backend = await open(server.dsn(), freshName(), undefined, { lease: { ttl: 30_000, grace: 0 } });
    using clock = new FakeClock();
    const lock = await hold(backend);
    assert.equal(lock.left, endsAfter({ ttl: 2000, grace: 0 }));
    let renewed = 0;
    lock.onRenewed = () => renewed++;
    for (let look = 1; look <= 4; look++) {
      // A third of the time that it allows.
      await clock.to(Math.ceil(look * 2000 / 3));
      await clock.until("the look is answered", () => renewed === look);
    }
    assert.equal(lock.lost.aborted, false);
    await lock.release();
  },
);
