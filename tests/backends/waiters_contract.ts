/** What every backend has to do where only so many may wait for a lock. */

import assert from "node:assert/strict";
import { QueueFullError } from "../../lib/errors.ts";
import type { Lock } from "../../lib/lock/lock.ts";
import { until } from "../cli/wait.ts";
import { Crew, type CrewPlace, LONG, releaseAll, settled } from "./crew.ts";
import { later, never, type OpenOptions } from "./open.ts";

/** How many may wait. */
const M = 2;

/** Whether another session may wait, tried for a moment. */
async function mayWait(client: Lock): Promise<boolean> {
  try {
    assert.equal(await client.acquire(1, never), undefined);
    return true;
  } catch (error) {
    if (error instanceof QueueFullError) return false;
    throw error;
  }
}

/** One more session than allowed requests the lock. */
async function assertLeavesAtOnce(client: Lock, wait: number, limit: number): Promise<void> {
  const abort = new AbortController();
  const asked = later(client.acquire(wait, abort.signal));
  try {
    // If it waits nevertheless, the test fails instead of hanging.
    const [outcome] = await settled([asked], 1);
    assert.ok(outcome?.status === "rejected", "it has the lock");
    assert.ok(outcome.reason instanceof QueueFullError, String(outcome.reason));
    assert.equal(outcome.reason.limit, limit);
  } finally {
    abort.abort(new Error("over"));
  }
}

/** Defines the tests of limits of waiters, for plain locks and, where there are any, for slots. */
export function waitersContract(place: CrewPlace): void {
  const { lacks = [] } = place;
  withHolders(place, "a lock", { maxWaiters: M }, 1);
  if (!lacks.includes("slots")) withHolders(place, "slots", { slots: 3, maxWaiters: M }, 3);

  place.test("with a limit of 0 nobody may wait; getting the lock at once does not count", async () => {
    await using crew = new Crew(place, { maxWaiters: 0 });
    const client = await crew.client();
    for (let round = 0; round < 3; round++) {
      const lock = await client.acquire(LONG, never);
      assert.ok(lock);
      const other = await crew.client();
      await assertLeavesAtOnce(other, Infinity, 0);
      // Who does not want to wait is not one too many.
      assert.equal(await other.acquire(0, never), undefined);
      await lock.release();
    }
  }, { always: true });

  if (!lacks.includes("slots")) {
    place.test("runs that may not wait find free slots, even with simultaneous requests", async () => {
      const N = 3;
      await using crew = new Crew(place, { slots: N, maxWaiters: 0 });
      const clients = await crew.clients(2 * N);
      for (let round = 0; round < 5; round++) {
        const asked = await Promise.allSettled(clients.map((client) => client.acquire(LONG, never)));
        const held = asked.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
        assert.equal(held.length, N);
        for (const outcome of asked) {
          if (outcome.status === "rejected") {
            assert.ok(outcome.reason instanceof QueueFullError, String(outcome.reason));
          }
        }
        await releaseAll(held);
      }
    });
  }
}

function withHolders(place: CrewPlace, what: string, options: OpenOptions, holders: number): void {
  const { test } = place;

  test(`for ${what}: as many wait as allowed, and one more leaves at once`, async () => {
    await using crew = new Crew(place, options);
    const held = await crew.holders(holders);
    const granted = (await crew.clients(M)).map((client) => later(client.acquire(LONG, never)));
    await crew.waiting(M);
    const late = await crew.client();
    for (const wait of [Infinity, LONG]) await assertLeavesAtOnce(late, wait, M);
    await crew.waiting(M);
    // A waiter that has got the lock does not wait any more.
    await held[0]!.release();
    const [first] = await settled(granted, 1);
    await until("its seat is free", () => mayWait(late));
    granted.push(later(late.acquire(LONG, never)));
    await crew.waiting(M);
    assert.equal(first!.status, "fulfilled");
    if (first!.status === "fulfilled") await first!.value!.release();
    await releaseAll(held.slice(1));
    // In whatever order they get it.
    await Promise.all(granted.map(async (lock) => {
      const next = await lock;
      if (first!.status === "fulfilled" && next !== first!.value) await next!.release();
    }));
  });

  test(`for ${what}: of three times as many simultaneous requests exactly as many wait as allowed`, async () => {
    await using crew = new Crew(place, options);
    const held = await crew.holders(holders);
    const clients = await crew.clients(3 * M);
    for (let round = 0; round < 4; round++) {
      const abort = new AbortController();
      const asked = clients.map((client) => later(client.acquire(Infinity, abort.signal)));
      for (const outcome of await settled(asked, 2 * M)) {
        assert.ok(outcome.status === "rejected" && outcome.reason instanceof QueueFullError, JSON.stringify(outcome));
      }
      await crew.waiting(M);
      abort.abort(new Error("enough"));
      const reasons = (await Promise.allSettled(asked)).map((outcome) =>
        outcome.status === "rejected" ? outcome.reason : outcome.value
      );
      assert.equal(reasons.filter((reason) => reason instanceof QueueFullError).length, 2 * M, `round ${round}`);
      // The next round needs their seats.
      if (round < 3) await until("the seats are free", () => mayWait(clients[0]!));
      await crew.waiting(0);
    }
    await releaseAll(held);
    // Where a wait that was given up cannot be taken back, it is granted before.
    await (await clients[1]!.acquire(LONG, never))!.release();
  });

  if (place.ofOneProcess) return;
  test(`for ${what}: a waiter that is killed frees its seat, as does one that leaves`, async () => {
    await using crew = new Crew(place, options);
    const held = await crew.holders(holders);
    await using killed = crew.process(LONG);
    const abort = new AbortController();
    const leaving = later((await crew.client()).acquire(Infinity, abort.signal));
    await crew.waiting(M);
    const late = await crew.client();
    assert.equal(await mayWait(late), false);
    killed.kill("SIGKILL");
    await until("the killed one's seat is free", () => mayWait(late));
    const granted = later(late.acquire(LONG, never));
    await crew.waiting(M);
    const last = await crew.client();
    assert.equal(await mayWait(last), false);
    abort.abort(new Error("leaves"));
    await assert.rejects(leaving, { message: "leaves" });
    await until("the seat of the one that left is free", () => mayWait(last));
    await releaseAll(held);
    await (await granted)!.release();
  });
}
