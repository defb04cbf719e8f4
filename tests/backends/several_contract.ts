/** The contract of every backend for a holder of several locks. */

import assert from "node:assert/strict";
import { LockLostError } from "../../lib/errors.ts";
import { until } from "../cli/wait.ts";
import { Crew, type CrewPlace, LONG } from "./crew.ts";
import { freshName, hold, later, never } from "./open.ts";

/** Fresh names of locks, in order. */
function freshNames(count: number): string[] {
  return Array.from({ length: count }, freshName).sort();
}

/** Defines the tests of several locks. */
export function severalContract(place: CrewPlace): void {
  const { test } = place;

  test("several locks are held together, each like a single one, and released together", async () => {
    const [first, name, last] = freshNames(3);
    // The main one is neither the first nor the last of them.
    await using crew = new Crew(place, { also: [last!, first!] }, name);
    const client = await crew.client();
    for (let round = 0; round < 2; round++) {
      const lock = await hold(client);
      await lock.confirm();
      for (const each of [first, name, last]) {
        const other = await crew.client({}, each);
        assert.equal(await other.acquire(0, never), undefined, `round ${round}`);
        const [holder, ...more] = await crew.seenHolders(each);
        assert.deepEqual([holder?.lock, holder?.slot, holder?.pid, more.length], [each, undefined, Deno.pid, 0]);
      }
      const shown = await crew.all();
      assert.deepEqual([...new Set(shown.sightings.map((seen) => seen.lock))].sort(), [first, name, last]);
      if (!place.hidesSessions) assert.deepEqual(shown.otherSessions, []);
      await lock.release();
      for (const each of [first, name, last]) await (await crew.holder({}, each)).release();
      await assert.rejects(lock.release(), LockLostError);
    }
  }, { alone: true, always: true });

  if (place.hasTokens) {
    test("each of several locks has a token, in the order in which they were named", async () => {
      const [first, name, last] = freshNames(3);
      await using crew = new Crew(place, { also: [last!, first!] }, name);
      const tokenOf = async (each: string) => {
        const lock = await crew.holder({}, each);
        await lock.release();
        return lock.token!;
      };
      for (let more = 0; more < 3; more++) await tokenOf(last!);
      const client = await crew.client();
      for (let round = 0; round < 2; round++) {
        const before = [await tokenOf(name!), await tokenOf(last!), await tokenOf(first!)];
        const { token, alsoTokens = [], ...lock } = await hold(client).then((held) => ({
          token: held.token,
          alsoTokens: held.alsoTokens,
          release: () => held.release(),
        }));
        await lock.release();
        const after = [await tokenOf(name!), await tokenOf(last!), await tokenOf(first!)];
        assert.equal(alsoTokens.length, 2);
        for (const [index, given] of [token!, ...alsoTokens].entries()) {
          assert.ok(before[index]! < given && given < after[index]!, `${before[index]} ${given} ${after[index]}`);
        }
      }
    });
  }

  for (const which of [0, 1, 2]) {
    test(`while lock ${which + 1} of 3 is busy, none of them is held in the end`, async () => {
      const names = freshNames(3);
      await using crew = new Crew(place, { also: [names[0]!, names[2]!] }, names[1]);
      const busy = await crew.holder({}, names[which]);
      const client = await crew.client();
      assert.equal(await client.acquire(0, never), undefined);
      assert.equal(await client.acquire(200, never), undefined);
      const abort = new AbortController();
      const aborted = later((await crew.client()).acquire(Infinity, abort.signal));
      await Promise.resolve();
      abort.abort(new Error("the test's reason"));
      await assert.rejects(aborted, { message: "the test's reason" });
      for (const [index, each] of names.entries()) {
        if (index !== which) await (await free(crew, each)).release();
      }
      const granted = later(client.acquire(LONG, never));
      await busy.release();
      const lock = await granted;
      assert.ok(lock);
      for (const each of names) assert.equal(await (await crew.client({}, each)).acquire(0, never), undefined);
      await lock.release();
    });
  }

  test("sessions that name the same locks in opposite orders do not deadlock", async () => {
    const [one, other] = freshNames(2);
    await using crew = new Crew(place);
    let inside = 0;
    await Promise.all([one, other, one, other].map(async (name) => {
      const client = await crew.client({ also: [name === one ? other! : one!] }, name);
      for (let round = 0; round < 4; round++) {
        const lock = await client.acquire(Infinity, never);
        assert.equal(++inside, 1);
        await lock!.confirm();
        inside--;
        await lock!.release();
      }
    }));
  });

  for (const which of [0, 1, 2]) {
    test(`losing lock ${which + 1} of 3 loses all`, async () => {
      const names = freshNames(3);
      await using crew = new Crew(place, { also: [names[2]!, names[0]!] }, names[1]);
      const client = await crew.client(crew.short);
      const lock = await hold(client);
      await crew.takeAway(0, names[which]);
      await until("the loss", () => lock.lost.aborted);
      assert.ok(lock.lost.reason instanceof LockLostError);
      await assert.rejects(lock.confirm(), LockLostError);
      await lock.release().catch(() => undefined);
      await client[Symbol.asyncDispose]();
      for (const each of names) await (await free(crew, each)).release();
    });
  }

  if (place.lacks?.includes("slots")) return;
  test("a slot and a lock beside it are held together", async () => {
    const rule = freshName();
    await using crew = new Crew(place, { slots: 2, also: [rule] });
    const client = await crew.client();
    const lock = await hold(client);
    const next = await crew.client();
    assert.equal(await next.acquire(0, never), undefined);
    assert.equal(await (await crew.client({}, rule)).acquire(0, never), undefined);
    const beside = await crew.holder({ slots: 2 });
    assert.deepEqual([lock.slot, beside.slot].sort(), [0, 1]);
    assert.equal(await (await crew.client({ slots: 2 })).acquire(0, never), undefined);
    await lock.release();
    // The rule's lock is free, and one slot is.
    const again = await hold(next);
    assert.equal(again.slot, lock.slot);
    await again.release();
    await (await crew.holder({}, rule)).release();
    await beside.release();
  });
}

/** Takes a lock as soon as it is free. */
async function free(crew: Crew, name: string) {
  const lock = await (await crew.client({}, name)).acquire(LONG, never);
  assert.ok(lock, `${name} is not free`);
  return lock;
}
