/** What every backend has to do. */

import assert from "node:assert/strict";
import { LockLostError } from "../../lib/errors.ts";
import { Running } from "../cli/running.ts";
import { HANG } from "../cli/wait.ts";
import { freshName, hold, later, never, open, type OpenOptions } from "./open.ts";

/** A backend under test, and what the contract has to know about it. */
export interface LockPlace {
  /** Defines a test. */
  test(name: string, fn: () => Promise<void>): void;
  /** The `server` setting; called in tests only, for each client anew. */
  server(): string;
  /** How a client's lock is opened, if not plainly; called for each anew. */
  options?(): OpenOptions;
  /** What else one is opened with that is killed, so that its lease soon runs out. */
  readonly short?: OpenOptions;
  /** Resolves when so many wait for a lock. */
  waiting(name: string, count: number): Promise<void>;
  /** Whether no other process sees its locks. */
  readonly ofOneProcess?: true;
}

/** How much earlier the end of a wait may come, in milliseconds, see `ROUNDING` in lib/backends/mysql/lock.ts. */
const EARLY = 110;

/** A wait that ends when the lock is free, in milliseconds; a pooler on a busy machine takes long to be reached. */
const LONG = 120_000;

/** A program that holds a lock. */
const HOLDER = `${import.meta.dirname}/lock_holder.ts`;

/** Defines the contract's tests. */
export function lockContract(place: LockPlace): void {
  const { test, waiting } = place;
  const at = (name: string) => open(place.server(), name, undefined, place.options?.());

  test("a released lock can be acquired again, by anybody", async () => {
    const name = freshName();
    await using one = await at(name);
    await using other = await at(name);
    for (const backend of [one, other, other, one]) {
      const lock = await hold(backend);
      await lock.release();
    }
  });

  test("with a wait of 0 a held lock is reported busy at once", async () => {
    const name = freshName();
    await using one = await at(name);
    await using other = await at(name);
    const lock = await hold(one);
    await other.acquire(0, never);
    const began = performance.now();
    assert.equal(await other.acquire(0, never), undefined);
    assert.ok(performance.now() - began < HANG);
    await lock.release();
    await (await hold(other)).release();
  });

  test("locks of different names do not exclude each other", async () => {
    await using one = await at(freshName());
    await using other = await at(freshName());
    const locks = [await hold(one), await hold(other)];
    for (const lock of locks) await lock.release();
  });

  test("a waiter gets the lock as soon as it is released", async () => {
    const name = freshName();
    await using one = await at(name);
    await using other = await at(name);
    let [holder, waiter] = [one, other];
    let lock = await hold(holder);
    for (let round = 0; round < 5; round++) {
      const granted = waiter.acquire(LONG, never);
      await waiting(name, 1);
      await lock.release();
      const next = await granted;
      assert.ok(next);
      lock = next;
      [holder, waiter] = [waiter, holder];
    }
    await lock.release();
  });

  test("a wait that runs out leaves nothing behind that blocks later waiters", async () => {
    const name = freshName();
    await using one = await at(name);
    const lock = await hold(one);
    await Promise.all([200, 1200].map(async (wait) => {
      await using other = await at(name);
      // Reaching a server does not count.
      await other.acquire(0, never);
      const began = performance.now();
      assert.equal(await other.acquire(wait, never), undefined);
      const took = performance.now() - began;
      assert.ok(took > wait - EARLY, `${wait} ms took ${took} ms`);
    }));
    await lock.release();
    await using third = await at(name);
    const next = await third.acquire(LONG, never);
    assert.ok(next);
    await next.release();
  });

  test("an endless wait lasts until the release", async () => {
    const name = freshName();
    await using one = await at(name);
    await using other = await at(name);
    await using third = await at(name);
    const lock = await hold(one);
    let over = false;
    const granted = other.acquire(Infinity, never).finally(() => over = true);
    await waiting(name, 1);
    // A wait that began after it comes to its end. Reaching a server does not count.
    assert.equal(await third.acquire(0, never), undefined);
    assert.equal(await third.acquire(200, never), undefined);
    assert.equal(over, false);
    await lock.release();
    await (await granted)!.release();
  });

  test("an aborted wait ends at once with the signal's reason, and the lock goes to the next waiter", async () => {
    const name = freshName();
    await using one = await at(name);
    await using other = await at(name);
    const lock = await hold(one);
    const abort = new AbortController();
    const granted = later(other.acquire(Infinity, abort.signal));
    await waiting(name, 1);
    const began = performance.now();
    abort.abort(new Error("the test's reason"));
    await assert.rejects(granted, { message: "the test's reason" });
    assert.ok(performance.now() - began < HANG);
    await lock.release();
    await using third = await at(name);
    const next = await third.acquire(LONG, never);
    assert.ok(next);
    await next.release();
  });

  test("with a signal that has fired already nothing is requested", async () => {
    await using backend = await at(freshName());
    await assert.rejects(backend.acquire(Infinity, AbortSignal.abort(new Error("before"))), { message: "before" });
  });

  test("several waiters all get the lock, one at a time", async () => {
    const name = freshName();
    await using first = await at(name);
    const lock = await hold(first);
    let inside = 0;
    let turns = 0;
    const waiters = Array.from({ length: 5 }, async () => {
      await using backend = await at(name);
      const lock = await backend.acquire(Infinity, never);
      assert.ok(lock);
      assert.equal(++inside, 1);
      // The others go on waiting.
      await waiting(name, 4 - turns);
      inside--;
      turns++;
      await lock.release();
    });
    await waiting(name, 5);
    assert.equal(turns, 0);
    await lock.release();
    await Promise.all(waiters);
    assert.equal(turns, 5);
  });

  test("a second release reports that the lock is not held", async () => {
    await using backend = await at(freshName());
    const lock = await hold(backend);
    await lock.release();
    await assert.rejects(lock.release(), LockLostError);
  });

  test("a release does not count as a loss", async () => {
    const lock = await (async () => {
      await using backend = await at(freshName());
      const lock = await hold(backend);
      await lock.release();
      assert.equal(lock.lost.aborted, false);
      return lock;
    })();
    assert.equal(lock.lost.aborted, false);
  });

  test("disposing of the backend frees its lock", async () => {
    const name = freshName();
    {
      await using backend = await at(name);
      await hold(backend);
    }
    await using other = await at(name);
    const lock = await other.acquire(LONG, never);
    assert.ok(lock);
    await lock.release();
  });

  if (place.ofOneProcess) return;
  test("the lock of a killed process goes to the next", async () => {
    const name = freshName();
    const options = JSON.stringify({ ...place.options?.(), ...place.short });
    const words = [HOLDER, place.server(), name, options];
    await using holder = new Running([Deno.execPath(), "run", "--quiet", "-A", ...words], { env: Deno.env.toObject() });
    await holder.says("held");
    await using backend = await at(name);
    assert.equal(await backend.acquire(0, never), undefined);
    const granted = backend.acquire(LONG, never);
    await waiting(name, 1);
    holder.kill("SIGKILL");
    const lock = await granted;
    assert.ok(lock);
    await lock.release();
  });
}
