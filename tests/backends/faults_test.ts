/** What breaks between sera and a server, on both sides of it. How long each takes to be noticed is reported, and bounded where the lease bounds it. */
// Starts early: it goes through many waits on three databases.

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { graceOf, heartbeatOf, type LeaseTerms, stopsAfter } from "../../lib/lock/lease.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { HANG, until } from "../cli/wait.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { freePort } from "../servers/free_port.ts";
import { Proxy, resetUnavailable } from "../servers/proxy.ts";
import { type FaultPlace, faultPlaces, lossOf, report } from "./fault_place.ts";
import { freshName, hold, later, never, open, Retries, SHORT_LEASE } from "./open.ts";
import { RESTARTS } from "./shared_server.ts";

const LEASE: LeaseTerms = { ttl: 3000, grace: 500 };

/** A short wait for a held lock, in milliseconds; MySQL counts it in whole seconds. */
const WAIT = 1000;

/** One that is looked at every eight hours. */
const LONG_LEASE: LeaseTerms = { ttl: 86_400_000, grace: 0 };

/** The longest pause between two looks of a waiter on PostgreSQL, in milliseconds. */
const MAX_PAUSE = 1000;

/** Ways to end a connection that the client notices. */
const TOLD: Record<string, (proxy: Proxy) => void> = {
  "cut": (proxy) => proxy.cut(),
  ...resetUnavailable === undefined ? { "reset": (proxy) => proxy.reset() } : {},
  "closed on the client's side only": (proxy) => proxy.close("client"),
};
if (resetUnavailable !== undefined) console.log(`left out: connections that are reset: ${resetUnavailable}`);

/** A malformed packet is noticed at once. */
const GARBLED = "filled with garbage";

/** Ways to end a connection that the client does not notice, or with a malformed answer. */
const SILENT: Record<string, (proxy: Proxy) => void> = {
  "stalled": (proxy) => proxy.stall(),
  "stalled on the way to the client": (proxy) => proxy.stall("toClient"),
  "stalled on the way to the server": (proxy) => proxy.stall("toServer"),
  "closed on the server's side only": (proxy) => proxy.close("server"),
  [GARBLED]: (proxy) => proxy.inject(GARBAGE),
};

/** No packet of any of the protocols. */
const GARBAGE = new TextEncoder().encode("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n".repeat(3));

for (const place of faultPlaces()) {
  const { test: testOnClock, testTogether: test, setting, patient, waiting, waiters, isFree, answer: answerTimeout } =
    place;
  const isPostgres = setting(0).startsWith("postgres");

  for (const [how, breakIt] of Object.entries(TOLD)) {
    test(`a waiter whose connection is ${how} goes on waiting over another one`, async ({ port }) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      await using one = await open(patient(port), name);
      await using other = await open(patient(proxy.port), name, undefined, { lease: SHORT_LEASE });
      const lock = await hold(one);
      const granted = later(other.acquire(HANG, never));
      const [first] = await waiting(name);
      const broken = performance.now();
      breakIt(proxy);
      await until("it waits again", async () => (await waiters(name)).some((id) => id !== first));
      const back = performance.now() - broken;
      assert.equal(proxy.accepted, 2);
      const releasing = performance.now();
      await lock.release();
      const next = await granted;
      const got = performance.now() - releasing;
      report(`${place.label}: waiting, ${how}`, { back, got });
      assert.ok(next);
      await next.release();
    });

    test(`a holder whose connection is ${how} learns of it at once`, async ({ port }) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      // By the end of the connection, and not by a look, which comes hours later.
      await using backend = await open(patient(proxy.port), name, undefined, { lease: LONG_LEASE });
      const lock = await hold(backend);
      const looks = proxy.requests.length;
      const broken = performance.now();
      breakIt(proxy);
      const { at, reason } = await lossOf(lock);
      assert.equal(proxy.requests.length, looks);
      assert.match(reason.message, /^Lock lost: [^\n]+$/);
      await assert.rejects(lock.confirm(), LockLostError);
      await assert.rejects(lock.release(), LockLostError);
      report(`${place.label}: holding, ${how}`, { lost: at - broken });
      // A server whose side stays open frees it at the end of the lease.
      if (!how.startsWith("closed")) await until("the server has freed it", () => isFree(name));
    });
  }

  for (const [how, breakIt] of Object.entries(SILENT)) {
    testOnClock(`a wait over a connection that is ${how} comes to an end`, async ({ port }) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      await using one = await open(setting(port), name);
      // Longer than the wait, or it would wait on over another connection.
      const patience = { answerTimeout: WAIT + answerTimeout };
      await using other = await open(setting(proxy.port), name, undefined, patience);
      using clock = new FakeClock();
      const lock = await hold(one);
      let over = false;
      const granted = later(other.acquire(WAIT, never).finally(() => over = true));
      await clock.until("it waits", async () => (await waiters(name)).length === 1);
      breakIt(proxy);
      // MySQL has heard the request, and answers at its end.
      const isHeard = how.endsWith("to the server") && !isPostgres;
      if (isHeard) await clock.to(WAIT);
      if (isHeard || how === GARBLED) await clock.until("the end", () => over);
      else {
        // MySQL has been asked to wait; PostgreSQL may be asked after the next pause only.
        const longest = isPostgres ? MAX_PAUSE : 0;
        await clock.to(WAIT + answerTimeout - 1);
        assert.equal(over, false);
        await clock.to(longest + WAIT + answerTimeout);
      }
      assert.equal(over, true);
      if (isHeard) assert.equal(await granted, undefined);
      else await assert.rejects(granted, LockUnavailableError);
      await lock.release();
    });
  }

  test("a waiter gets its lock over another connection when the first has gone silent", async ({ port }) => {
    if (!isPostgres) return await assertAcquiresAfterSilence(place, port);
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using one = await open(patient(port), name);
    await using other = await open(patient(proxy.port), name, undefined, { answerTimeout });
    const lock = await hold(one);
    const granted = later(other.acquire(HANG, never));
    await waiting(name);
    const broken = performance.now();
    proxy.close("server");
    await lock.release();
    const next = await granted;
    const got = performance.now() - broken;
    report(`${place.label}: waiting for 30 s, closed on the server's side only`, { got });
    assert.ok(next);
    await next.release();
  });

  for (const [how, breakIt] of Object.entries(SILENT)) {
    testOnClock(`a holder whose connection is ${how} gives up in time`, async ({ port }) => {
      await using proxy = await Proxy.open(port);
      await using backend = await open(setting(proxy.port), freshName(), undefined, { lease: LEASE });
      using clock = new FakeClock();
      const lock = await hold(backend);
      breakIt(proxy);
      if (how === GARBLED) await clock.until("the loss", () => lock.lost.aborted);
      else {
        await clock.to(stopsAfter(LEASE) - 1);
        assert.equal(lock.lost.aborted, false);
        await clock.to(stopsAfter(LEASE));
      }
      assert.equal(lock.lost.aborted, true);
      assert.equal(lock.lost.reason.within, graceOf(LEASE));
      await assert.rejects(lock.confirm(), LockLostError);
      // Otherwise the client waits for an answer to its goodbye.
      proxy.cut();
      await clock.until("the end", () => lock.session?.closed.aborted);
    });
  }

  for (const [how, breakIt] of Object.entries({ ...TOLD, ...SILENT })) {
    testOnClock(
      `a release over a connection that is ${how} is an error, within the time to answer`,
      async ({ port }) => {
        await using proxy = await Proxy.open(port);
        const options = { lease: LEASE, answerTimeout };
        await using backend = await open(setting(proxy.port), freshName(), undefined, options);
        using clock = new FakeClock();
        const lock = await hold(backend);
        // The answer does not come before the connection breaks.
        if (how in TOLD) proxy.stall();
        else breakIt(proxy);
        let over = false;
        const released = later(lock.release().finally(() => over = true));
        if (how in TOLD) breakIt(proxy);
        if (how in TOLD || how === GARBLED) await clock.until("the end", () => over);
        else {
          await clock.to(answerTimeout - 1);
          assert.equal(over, false);
          await clock.to(answerTimeout);
        }
        assert.equal(over, true);
        await assert.rejects(released, LockLostError);
        assert.equal(lock.lost.aborted, false);
      },
    );
  }

  test(
    "when the server is killed, the holder notices at once, and the waiter gets the lock soon after it is back",
    async (server) => {
      const name = freshName();
      const { lock, waiter, granted } = await contend(place, server.port, name);
      const loss = lossOf(lock.lock);
      const began = performance.now();
      const dead = server.kill();
      const { at } = await loss;
      await dead;
      await server.restart();
      const up = performance.now();
      const next = await granted;
      report(`${place.label}: killed and restarted`, { lost: at - began, got: performance.now() - up });
      assert.ok(next);
      await next.release();
      await waiter[Symbol.asyncDispose]();
      await lock.backend[Symbol.asyncDispose]();
    },
    RESTARTS,
  );

  testOnClock("a server that pauses for less than the lease allows does no harm", async (server) => {
    await using proxy = await Proxy.open(server.port);
    const name = freshName();
    await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE, answerTimeout });
    using clock = new FakeClock();
    const lock = await hold(backend);
    let renewed = 0;
    lock.onRenewed = () => renewed++;
    const sent = proxy.requests.length;
    await server.pause();
    try {
      await clock.to(heartbeatOf(LEASE));
      await clock.until("a look is on its way", () => proxy.requests.length > sent);
      await clock.to(stopsAfter(LEASE) - 1);
      assert.deepEqual({ lost: lock.lost.aborted, renewed }, { lost: false, renewed: 0 });
    } finally {
      await server.resume();
    }
    await clock.until("it is answered", () => renewed > 0);
    await lock.confirm();
    assert.equal(lock.lost.aborted, false);
    assert.equal(await isFree(name), false);
    await lock.release();
  });

  testOnClock(
    "a server that pauses for longer than the lease: the lock is lost before it goes on, and then free",
    async (server) => {
      const name = freshName();
      {
        await using backend = await open(setting(server.port), name, undefined, { lease: LEASE });
        using clock = new FakeClock();
        const lock = await hold(backend);
        await server.pause();
        try {
          await clock.to(stopsAfter(LEASE) - 1);
          assert.equal(lock.lost.aborted, false);
          await clock.to(stopsAfter(LEASE));
          assert.equal(lock.lost.aborted, true);
        } finally {
          await server.resume();
        }
      }
      await until("the server has freed it", () => isFree(name));
    },
  );

  test("a refused connection fails at once with a wait of 0, and is retried with a longer one", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    proxy.refuse();
    const retries = new Retries();
    await using backend = await open(patient(proxy.port), freshName(), undefined, retries);
    const began = performance.now();
    await assert.rejects(backend.acquire(0, never), /connection refused/);
    const failed = performance.now() - began;
    const granted = later(backend.acquire(HANG, never));
    await retries.more(3);
    await proxy.accept();
    const up = performance.now();
    const lock = await granted;
    const got = performance.now() - up;
    report(`${place.label}: refused, then up after three tries`, { "without a wait": failed, got });
    assert.ok(lock);
    await lock.release();
  });

  test("an unresolvable name fails at once with a wait of 0, and is retried with a longer one", async () => {
    await using backend = await open(patient(freePort()).replace("127.0.0.1", "no-such-host.invalid"), freshName());
    await assert.rejects(backend.acquire(0, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.equal(error.exitCode, 202);
      assert.match(error.message, /no-such-host\.invalid:\d+\): (no such host|the name service|cannot be reached)/);
      assert.equal(error.transient, true);
      return true;
    });
  });

  test("a server without a free connection is waited for within the wait", async ({ port }) => {
    const others: Lock[] = [];
    try {
      for (let more = true; more;) {
        const other = await open(patient(port), freshName());
        others.push(other);
        more = await hold(other).then(() => true, () => false);
      }
      assert.ok(others.length > 4, `${others.length}`);
      const retries = new Retries();
      await using backend = await open(patient(port), freshName(), undefined, retries);
      const began = performance.now();
      await assert.rejects(backend.acquire(0, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(
          error.message,
          /too many (connections; raise max_connections|clients)|remaining connection slots/i,
        );
        // So that it is tried again within a wait.
        assert.equal(error.transient, true);
        return true;
      });
      const failed = performance.now() - began;
      const granted = later(backend.acquire(HANG, never));
      await retries.more(2);
      await others.shift()![Symbol.asyncDispose]();
      const free = performance.now();
      const lock = await granted;
      const got = performance.now() - free;
      report(`${place.label}: full`, { "without a wait": failed, got });
      assert.ok(lock);
      await lock.release();
    } finally {
      for (const other of others) await other[Symbol.asyncDispose]();
    }
  });
}

/** MySQL waits in one request, so that a silence is noticed at the end of the wait, and does no harm before it. */
async function assertAcquiresAfterSilence({ patient, waiting, isFree }: FaultPlace, port: number): Promise<void> {
  await using proxy = await Proxy.open(port);
  const name = freshName();
  await using one = await open(patient(port), name);
  await using other = await open(patient(proxy.port), name);
  const lock = await hold(one);
  const granted = later(other.acquire(HANG, never));
  await waiting(name);
  proxy.stall();
  await lock.release();
  await until("the server has given it to the waiter, who does not hear of it", async () => !await isFree(name));
  proxy.resume();
  const next = await granted;
  assert.ok(next);
  await next.release();
}

/** One that holds a lock and one that waits for it. */
async function contend({ patient, waiting }: FaultPlace, port: number, name: string): Promise<{
  readonly lock: { readonly lock: HeldLock; readonly backend: Lock };
  readonly waiter: Lock;
  readonly granted: Promise<HeldLock | undefined>;
}> {
  const backend = await open(patient(port), name, undefined, { lease: LONG_LEASE });
  const waiter = await open(patient(port), name, undefined, { lease: LONG_LEASE });
  const lock = await hold(backend);
  const granted = later(waiter.acquire(HANG, never));
  await waiting(name);
  return { lock: { lock, backend }, waiter, granted };
}
