/** What every backend has to do where several may hold a lock. */

import assert from "node:assert/strict";
import { OtherSlotsError } from "../../lib/errors.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { until } from "../cli/wait.ts";
import { Crew, type CrewPlace, LONG, releaseAll, settled, slotsOf } from "./crew.ts";
import { hold, later, never } from "./open.ts";

/** How many hold the lock at once. */
const N = 3;
const SLOTS = { slots: N };
const ALL = [0, 1, 2];

/** Defines the tests of slots. */
export function slotsContract(place: CrewPlace): void {
  const { test } = place;

  test("as many holders as slots hold the lock at once, each in its own slot; one more is busy at once", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N);
    assert.deepEqual(slotsOf(held), ALL);
    const late = await crew.client();
    const more = await crew.client();
    assert.equal(await late.acquire(0, never), undefined);
    for (const lock of held) {
      await lock.release();
      const next = await hold(late);
      assert.equal(next.slot, lock.slot);
      assert.equal(await more.acquire(0, never), undefined);
      await next.release();
      // So that one slot is free at a time.
      assert.equal((await crew.holder()).slot, lock.slot);
    }
  });

  test("of twice as many simultaneous requests as slots, exactly as many succeed as there are slots", async () => {
    await using crew = new Crew(place, SLOTS);
    const clients = await crew.clients(2 * N);
    for (let round = 0; round < 6; round++) {
      const held = await Promise.all(clients.map((client) => client.acquire(0, never)));
      assert.deepEqual(slotsOf(held), ALL, `round ${round}`);
      await releaseAll(held);
    }
  });

  test("of many simultaneous requests for the last free slot, one gets it", async () => {
    await using crew = new Crew(place, SLOTS);
    const clients = await crew.clients(2 * N);
    const held = new Map<Lock, HeldLock>();
    for (const client of clients.slice(0, N)) held.set(client, await hold(client));
    for (let round = 0; round < 6; round++) {
      const freed = clients.find((client) => held.has(client))!;
      const { slot } = held.get(freed)!;
      await held.get(freed)!.release();
      held.delete(freed);
      const asking = clients.filter((client) => !held.has(client));
      const locks = await Promise.all(asking.map((client) => client.acquire(0, never)));
      assert.deepEqual(slotsOf(locks), [slot], `round ${round}`);
      for (const [index, lock] of locks.entries()) if (lock) held.set(asking[index]!, lock);
    }
  });

  test("a waiter holds no slot, and gets whichever comes free", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = new Map((await crew.holders(N)).map((lock) => [lock.slot!, lock]));
    const waiter = await crew.client();
    for (const slot of [2, 0, 1, 0]) {
      const granted = later(waiter.acquire(LONG, never));
      await crew.waiting(1);
      assert.deepEqual((await crew.seenHolders()).map(({ slot }) => slot ?? 0), ALL);
      await held.get(slot)!.release();
      const next = await granted;
      assert.equal(next?.slot, slot);
      await next.release();
      held.set(slot, await crew.holder());
      assert.equal(held.get(slot)!.slot, slot);
    }
  }, { always: true });

  test("a wait for a slot that runs out or is aborted leaves nothing behind", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N);
    const abort = new AbortController();
    const aborted = later((await crew.client()).acquire(Infinity, abort.signal));
    const [one, other] = await crew.clients(2);
    assert.deepEqual(await Promise.all([one!.acquire(50, never), other!.acquire(300, never)]), [undefined, undefined]);
    await crew.waiting(1);
    abort.abort(new Error("the test's reason"));
    await assert.rejects(aborted, { message: "the test's reason" });
    await crew.waiting(0);
    await releaseAll(held);
    assert.deepEqual(slotsOf(await crew.holders(N)), ALL);
    assert.equal(await (await crew.client()).acquire(0, never), undefined);
  });

  test("when all slots are freed at once, as many waiters get them", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N);
    const granted = (await crew.clients(N + 1)).map((client) => later(client.acquire(LONG, never)));
    await crew.waiting(N + 1);
    await releaseAll(held);
    const first = (await settled(granted, N)).map((outcome) => {
      assert.equal(outcome.status, "fulfilled");
      return outcome.value;
    });
    assert.deepEqual(slotsOf(first), ALL);
    await crew.waiting(1);
    const [freed, ...others] = first;
    await freed!.release();
    const all = await Promise.all(granted);
    assert.equal(all.filter((lock) => lock?.slot === freed!.slot).length, 2);
    await releaseAll(all.filter((lock) => lock !== freed));
    assert.equal(others.length, N - 1);
  });

  test("another number of slots is refused with both numbers, as is a plain lock, until nobody holds the lock", async () => {
    await using crew = new Crew(place, SLOTS);
    const refuses = async (client: Promise<Lock>, wait: number, slots: number, asked: number) => {
      await assert.rejects((await client).acquire(wait, never), (error) => {
        assert.ok(error instanceof OtherSlotsError, String(error));
        assert.deepEqual({ slots: error.slots, asked: error.asked }, { slots, asked });
        return true;
      });
    };
    const held = new Map((await crew.holders(N)).map((lock) => [lock.slot!, lock]));
    await held.get(0)!.release();
    // As the lock itself is free, but for its other slots.
    await refuses(crew.client({}), 0, N, 1);
    await refuses(crew.client({}), LONG, N, 1);
    for (const wait of [0, LONG]) {
      await refuses(crew.client({ slots: 2 }), wait, N, 2);
      await refuses(crew.client({ slots: 200 }), wait, N, 200);
    }
    // The refused have left it as it was.
    held.set(0, await crew.holder());
    assert.equal(held.get(0)!.slot, 0);
    await releaseAll([...held.values()]);

    await using other = new Crew(place, { slots: 2 });
    await releaseAll(await other.holders(2));
    const plain = await other.holder({});
    assert.equal(plain.slot, undefined);
    await refuses(other.client(), 0, 1, 2);
    await refuses(other.client(), LONG, 1, 2);
    await plain.release();
    const more = await other.holders(N, SLOTS);
    assert.deepEqual(slotsOf(more), ALL);
    await releaseAll(more);
    assert.deepEqual(slotsOf(await other.holders(2)), [0, 1]);
  });

  test("a plain lock waits for slot 0, and does not get it while there are other holders", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = new Map((await crew.holders(N)).map((lock) => [lock.slot!, lock]));
    const plain = await crew.client({});
    // Whether it is refused at once depends on the place.
    const now = await plain.acquire(0, never).catch((error) => error);
    assert.ok(now === undefined || now instanceof OtherSlotsError, String(now));
    const granted = later(plain.acquire(LONG, never));
    await held.get(0)!.release();
    await assert.rejects(granted, (error) => error instanceof OtherSlotsError && error.slots === N);
    await releaseAll([held.get(1), held.get(2)]);
    await (await hold(plain)).release();
  });

  test("of two simultaneous numbers of slots for a free lock one wins", async () => {
    await using crew = new Crew(place);
    const clients = [...await crew.clients(2, { slots: 2 }), ...await crew.clients(2, SLOTS)];
    for (let round = 0; round < 5; round++) {
      const asked = await Promise.allSettled(clients.map((client) => client.acquire(LONG, never)));
      const held = asked.map((outcome) => outcome.status === "fulfilled" ? outcome.value : undefined);
      const [two, three] = [held.slice(0, 2), held.slice(2)].map((locks) => locks.filter((lock) => lock).length);
      assert.ok([two, three].includes(0), `${two} of 2 and ${three} of 3 hold it`);
      assert.ok([two, three].includes(2), `${two} of 2 and ${three} of 3 hold it`);
      for (const outcome of asked) {
        if (outcome.status === "rejected") assert.ok(outcome.reason instanceof OtherSlotsError, String(outcome.reason));
      }
      await releaseAll(held);
    }
  });

  if (place.hasTokens) {
    test("the tokens of each slot grow", async () => {
      await using crew = new Crew(place, SLOTS);
      const clients = await crew.clients(N);
      const last = new Map<number, bigint>();
      for (let round = 0; round < 4; round++) {
        const held = await Promise.all(clients.map(hold));
        for (const { slot, token } of held) {
          assert.ok(token! > (last.get(slot!) ?? 0n), `slot ${slot}: ${token} after ${last.get(slot!)}`);
          last.set(slot!, token!);
        }
        await releaseAll(held);
      }
      // The plain lock and slot 0 are one.
      const { token } = await crew.holder({});
      assert.ok(token! > last.get(0)!);
    });
  }

  test("losing a slot does not affect the others, and the next waiter gets it", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N, crew.short);
    for (const slot of [1, 0]) {
      const [lost] = held.splice(held.findIndex((lock) => lock.slot === slot), 1);
      const granted = later((await crew.client()).acquire(LONG, never));
      await crew.waiting(1);
      await crew.takeAway(slot);
      await until("the loss", () => lost!.lost.aborted);
      const next = await granted;
      assert.equal(next?.slot, slot);
      held.push(next);
      for (const other of held) {
        await other.confirm();
        assert.equal(other.lost.aborted, false);
      }
    }
    await releaseAll(held);
  });

  test("status shows which slot each holder has, of how many, who waits, and nothing else", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N);
    const abort = new AbortController();
    const waits = later((await crew.client()).acquire(Infinity, abort.signal));
    await crew.waiting(1);
    const looks = [await crew.seen(), await crew.all()];
    for (const { sightings, otherSessions } of looks) {
      if (!place.hidesSessions) assert.deepEqual(otherSessions, []);
      assert.deepEqual([...new Set(sightings.map(({ lock }) => lock))], [crew.name]);
      const holders = sightings.filter(({ state }) => state === "held");
      assert.deepEqual(holders.map(({ slot = 0, slots, pid }) => ({ slot, slots, pid })).sort(bySlot), [
        ...ALL.map((slot) => ({ slot, slots: N, pid: Deno.pid })),
      ]);
      const waiting = sightings.filter(({ state }) => state === "waiting");
      if (!place.waiting) assert.equal(waiting.length, 1);
      for (const { slot, slots } of waiting) assert.deepEqual({ slot, slots }, { slot: undefined, slots: N });
    }
    abort.abort(new Error("enough"));
    await assert.rejects(waits, { message: "enough" });
    await releaseAll(held);
    await until("nothing is left", async () => (await crew.all()).sightings.length === 0);
    if (!place.hidesSessions) assert.deepEqual((await crew.all()).otherSessions, []);
  }, { alone: true });

  test("a holder handle is for one slot", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = (await crew.holders(N, crew.short)).sort((a, b) => a.slot! - b.slot!);
    for (const slot of [1, 0]) {
      const asked = held[slot]!;
      const seen = (await crew.seenHolders()).find((seen) => (seen.slot ?? 0) === slot);
      await using handle = await (await crew.observer()).handleOf(seen!, never);
      assert.equal(await handle.holds(never), true);
      if (handle.unaskable === undefined) {
        await until("the holder sees it", async () => {
          await handle.ask(never);
          return asked.asked.aborted;
        });
      }
      assert.deepEqual(
        held.map((lock) => lock.asked.aborted),
        held.map((lock) => lock === asked && lock.asked.aborted),
      );
      await asked.release();
      assert.equal(await handle.holds(never), false);
      held[slot] = await crew.holder(crew.short);
      assert.equal(held[slot]!.slot, slot);
      assert.equal(await handle.holds(never), false);
    }
    await releaseAll(held);
  });

  if (place.ofOneProcess) return;
  test("the slot of a killed process goes to the next", async () => {
    await using crew = new Crew(place, SLOTS);
    const held = await crew.holders(N - 1);
    await using holder = crew.process();
    await holder.says(/held slot \d\./);
    const slot = Number(/held slot (\d)/.exec(holder.stdout)![1]);
    assert.deepEqual([...slotsOf(held), slot].sort(), ALL);
    const granted = later((await crew.client()).acquire(LONG, never));
    await crew.waiting(1);
    holder.kill("SIGKILL");
    const lock = await granted;
    assert.equal(lock?.slot, slot);
    for (const other of held) await other.confirm();
    await releaseAll([...held, lock]);
  });
}

function bySlot(one: { slot: number }, other: { slot: number }): number {
  return one.slot - other.slot;
}
