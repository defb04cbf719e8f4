/** What breaks between sera and a server, on both sides of it. How long each takes to be noticed is reported, and bounded where the lease bounds it. */
// Starts early: leases have to run out in it.

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { endsAfter, type LeaseTerms } from "../../lib/lock/lease.ts";
import type { Backend, HeldLock } from "../../lib/lock/lock.ts";
import { pause, until } from "../cli/wait.ts";
import { freePort } from "../servers/free_port.ts";
import { Proxy, resetUnavailable } from "../servers/proxy.ts";
import { sideBySide } from "../side_by_side.ts";
import { type FaultPlace, faultPlaces, lossOf, patient, report } from "./fault_place.ts";
import { freshName, hold, later, never, open, renewals, Retries } from "./open.ts";
import { RESTARTS } from "./shared_server.ts";

const LEASE: LeaseTerms = { ttl: 3000, grace: 500 };

/** One that is looked at every eight hours. */
const LONG_LEASE: LeaseTerms = { ttl: 86_400_000, grace: 0 };

/** The server frees a lock by the lease then. */
const UNTOLD = "closed on the client's side only";

/** What ends a connection so that the client is told. */
const TOLD: Record<string, (proxy: Proxy) => void> = {
  "cut": (proxy) => proxy.cut(),
  ...resetUnavailable === undefined ? { "reset": (proxy) => proxy.reset() } : {},
  [UNTOLD]: (proxy) => proxy.close("client"),
};
if (resetUnavailable !== undefined) console.log(`left out: connections that are reset: ${resetUnavailable}`);

/** What is no packet is noticed at once. */
const GARBLED = "filled with garbage";

/** What ends a connection so that the client is not told, or is told nonsense. */
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
  const { testTogether: test, setting, waiting, waiters, isFree, answer: answerTimeout } = place;
  const isPostgres = setting(0).startsWith("postgres");

  for (const [how, breakIt] of Object.entries(TOLD)) {
    test(`a waiter whose connection is ${how} waits on over another one`, async ({ port }) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      await using one = await open(setting(port), name);
      await using other = await open(setting(proxy.port), name, undefined, { lease: LEASE });
      const lock = await hold(one);
      const granted = later(other.acquire(30_000, never));
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
      // By the end of the connection, and not by a look, which comes hours later; unless the server is not told.
      const lease = how === UNTOLD ? LEASE : LONG_LEASE;
      await using backend = await open(setting(proxy.port), name, undefined, { lease });
      const lock = await hold(backend);
      const looks = proxy.requests.length;
      const broken = performance.now();
      breakIt(proxy);
      const { at, reason } = await lossOf(lock);
      assert.equal(proxy.requests.length, looks);
      assert.match(reason.message, /^Lock lost: [^\n]+$/);
      await assert.rejects(lock.confirm(), LockLostError);
      await assert.rejects(lock.release(), LockLostError);
      await until("the server has freed it", () => isFree(name));
      const freed = performance.now() - broken;
      report(`${place.label}: holding, ${how}`, { lost: at - broken, freed });
    });
  }

  test("a wait over a connection that has gone silent ends", async ({ port }) => {
    // Long enough to be seen to wait, on any machine.
    const wait = 4000;
    // None of them needs another, so all at the same time.
    await sideBySide(Object.fromEntries(
      Object.entries(SILENT).map(([how, breakIt]) => [how, async () => {
        await using proxy = await Proxy.open(port);
        const name = freshName();
        await using one = await open(setting(port), name);
        // Longer than the wait, or it would wait on over another connection.
        const patience = { answerTimeout: wait + answerTimeout };
        await using other = await open(setting(proxy.port), name, undefined, patience);
        const lock = await hold(one);
        const began = performance.now();
        const granted = later(other.acquire(wait, never));
        await waiting(name);
        breakIt(proxy);
        // MySQL has heard the request, and answers at its end.
        if (how.endsWith("to the server") && !isPostgres) assert.equal(await granted, undefined);
        else await assert.rejects(granted, LockUnavailableError, how);
        const took = performance.now() - began;
        report(`${place.label}: waiting for ${wait} ms, ${how}`, { took });
        if (how !== GARBLED) assert.ok(took > wait - 100, `${how}: ${took} ms`);
        await lock.release();
      }]),
    ));
  });

  test("a waiter gets its lock over another connection when the first has gone silent", async ({ port }) => {
    if (!isPostgres) return await getsItWithoutNotice(place, port);
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using one = await open(setting(port), name);
    await using other = await open(setting(proxy.port), name, undefined, { answerTimeout });
    const lock = await hold(one);
    const granted = later(other.acquire(30_000, never));
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

  test("a holder whose connection has gone silent gives up in time", async ({ port }) => {
    await sideBySide(Object.fromEntries(
      Object.entries(SILENT).map(([how, breakIt]) => [how, async () => {
        await using proxy = await Proxy.open(port);
        const name = freshName();
        // The lease alone decides.
        await using backend = await open(patient(setting(proxy.port)), name, undefined, { lease: LEASE });
        const lock = await hold(backend);
        const confirmed = proxy.requests.at(-1)!;
        breakIt(proxy);
        const { at, reason } = await lossOf(lock);
        await until("the server has freed it", () => isFree(name));
        const freed = performance.now();
        report(`${place.label}: holding, ${how}`, { lost: at - confirmed, freed: freed - confirmed });
        assert.ok(at + reason.within - confirmed < endsAfter(LEASE) + 50, how);
        // A server that sees its side closed frees the lock at once; no client can know.
        if (!how.startsWith("closed")) assert.ok(freed > at + reason.within, `${how}: freed too soon`);
      }]),
    ));
  });

  test("a release that breaks off is an error, within the time to answer", async ({ port }) => {
    const faults = { ...TOLD, ...SILENT };
    await sideBySide(Object.fromEntries(
      Object.entries(faults).map(([how, breakIt]) => [how, async () => {
        const told = how in TOLD;
        await using proxy = await Proxy.open(port);
        const name = freshName();
        await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE, answerTimeout });
        const lock = await hold(backend);
        // The answer does not come before the connection breaks.
        if (told) proxy.stall();
        else breakIt(proxy);
        const began = performance.now();
        const released = later(lock.release());
        if (told) breakIt(proxy);
        await assert.rejects(released, LockLostError, how);
        const took = performance.now() - began;
        assert.equal(lock.lost.aborted, false);
        await until("the server has freed it", () => isFree(name));
        const freed = performance.now() - began;
        report(`${place.label}: releasing, ${how}`, { rejected: took, freed });
      }]),
    ));
  });

  test("a killed server: its holder knows at once, its waiter has the lock soon after it is back", async (server) => {
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
  }, RESTARTS);

  test("a server that pauses for less than the lease allows does no harm", async (server) => {
    await using proxy = await Proxy.open(server.port);
    const name = freshName();
    const lease = { ttl: 4500, grace: 500 };
    // Its answer may take as long as the pause.
    await using backend = await open(patient(setting(proxy.port)), name, undefined, { lease });
    const lock = await hold(backend);
    const sent = proxy.requests.length;
    await server.pause();
    await until("a look is on its way", () => proxy.requests.length > sent);
    await server.resume();
    await renewals(lock, 2);
    await lock.confirm();
    assert.equal(lock.lost.aborted, false);
    assert.equal(await isFree(name), false);
    await lock.release();
  });

  test("a server that pauses for longer than the TTL: lost before it goes on, and then free", async (server) => {
    const name = freshName();
    const backend = await open(setting(server.port), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    const paused = performance.now();
    await server.pause();
    let at: number;
    try {
      ({ at } = await lossOf(lock));
      // A span is what this is about: the server sleeps through the end of the lease.
      await pause(Math.max(0, paused + LEASE.ttl + 500 - performance.now()));
      await backend[Symbol.asyncDispose]();
    } finally {
      await server.resume();
    }
    const resumed = performance.now();
    await until("the server has freed it", () => isFree(name));
    const freed = performance.now() - resumed;
    report(`${place.label}: paused for 3.5 s`, { lost: at - paused, "freed after it goes on": freed });
  });

  test("a port that refuses is an error at once without a wait, and waited for with one", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    proxy.refuse();
    const retries = new Retries();
    await using backend = await open(setting(proxy.port), freshName(), undefined, retries);
    const began = performance.now();
    await assert.rejects(backend.acquire(0, never), /connection refused/);
    const failed = performance.now() - began;
    const granted = later(backend.acquire(30_000, never));
    await retries.more(3);
    await proxy.accept();
    const up = performance.now();
    const lock = await granted;
    const got = performance.now() - up;
    report(`${place.label}: refused, then up after three tries`, { "without a wait": failed, got });
    assert.ok(lock);
    await lock.release();
  });

  test("a name that does not resolve is an error at once without a wait, and at the end of one", async () => {
    await using backend = await open(setting(freePort()).replace("127.0.0.1", "no-such-host.invalid"), freshName());
    const times: number[] = [];
    for (const wait of [0, 1500]) {
      const began = performance.now();
      await assert.rejects(backend.acquire(wait, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.equal(error.exitCode, 202);
        assert.match(error.message, /no-such-host\.invalid:\d+\): (no such host|the name service|cannot be reached)/);
        return true;
      });
      const took = performance.now() - began;
      times.push(took);
    }
    report(`${place.label}: no such host`, { "without a wait": times[0]!, "with 1.5 s": times[1]! });
    assert.ok(times[1]! > 1400, `${times[1]} ms`);
  });

  test("a server without a free connection is waited for within the wait only", async ({ port }) => {
    const others: Backend[] = [];
    try {
      for (let more = true; more;) {
        const other = await open(setting(port), freshName());
        others.push(other);
        more = await hold(other).then(() => true, () => false);
      }
      assert.ok(others.length > 4, `${others.length}`);
      const retries = new Retries();
      await using backend = await open(setting(port), freshName(), undefined, retries);
      const began = performance.now();
      await assert.rejects(backend.acquire(0, never), /too many (connections|clients)|remaining connection slots/i);
      const failed = performance.now() - began;
      const waited = performance.now();
      await assert.rejects(backend.acquire(1500, never), LockUnavailableError);
      const took = performance.now() - waited;
      assert.ok(took > 1400, `${took} ms`);
      const granted = later(backend.acquire(30_000, never));
      await retries.more(2);
      await others.shift()![Symbol.asyncDispose]();
      const free = performance.now();
      const lock = await granted;
      const got = performance.now() - free;
      report(`${place.label}: full`, { "without a wait": failed, "with 1.5 s": took, got });
      assert.ok(lock);
      await lock.release();
    } finally {
      for (const other of others) await other[Symbol.asyncDispose]();
    }
  });
}

/** MySQL waits in one request, so that a silence is noticed at the end of the wait, and does no harm before it. */
async function getsItWithoutNotice({ setting, waiting, isFree }: FaultPlace, port: number): Promise<void> {
  await using proxy = await Proxy.open(port);
  const name = freshName();
  await using one = await open(setting(port), name);
  await using other = await open(setting(proxy.port), name);
  const lock = await hold(one);
  const granted = later(other.acquire(30_000, never));
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
async function contend({ setting, waiting }: FaultPlace, port: number, name: string): Promise<{
  readonly lock: { readonly lock: HeldLock; readonly backend: Backend };
  readonly waiter: Backend;
  readonly granted: Promise<HeldLock | undefined>;
}> {
  const backend = await open(setting(port), name, undefined, { lease: LEASE });
  const waiter = await open(setting(port), name, undefined, { lease: LEASE });
  const lock = await hold(backend);
  const granted = later(waiter.acquire(30_000, never));
  await waiting(name);
  return { lock: { lock, backend }, waiter, granted };
}
