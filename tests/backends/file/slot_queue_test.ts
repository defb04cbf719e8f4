/** Who waits for a slot of a lock in files, and what wakes whom. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { gateName, markerName, queueName } from "../../../lib/backends/file/names.ts";
import { lstatIfThere } from "../../../lib/system/if_there.ts";
import { linux, testWith } from "../../cli/needs.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { freshName, hold, later, never, open } from "../open.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-queue-" });

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** The holder's next look comes hours later. */
const OPTIONS = { slots: 2, lease: { ttl: 86_400_000, grace: 0 } };

function openSlots(name: string) {
  return open(`file:${folder.replaceAll("\\", "/")}`, name, undefined, OPTIONS);
}

/** How many processes or threads have or want a lock on a file. */
function lockers(file: string): number {
  const info = lstatIfThere(`${folder}/${file}.lock`);
  return info === undefined
    ? 0
    : Deno.readTextFileSync("/proc/locks").split("\n").filter((line) => line.includes(`:${info.ino} `)).length;
}

/** For a test that gives up a wait for a file, which ends when it is granted: that may be after the test. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

testWith([linux], "file: a release wakes the first who waits for a slot, while time stands still", async () => {
  const name = freshName();
  using clock = new FakeClock();
  await using one = await openSlots(name);
  await using other = await openSlots(name);
  const held = [await hold(one), await hold(other)];
  await using waiter = await openSlots(name);
  for (let round = 0; round < 3; round++) {
    const granted = later(waiter.acquire(Infinity, never));
    // The pause before its next look.
    await clock.until("it waits", () => lockers(queueName(name)) === 1 && clock.next === clock.now + 10);
    await held[0]!.release();
    let isOver = false;
    granted.finally(() => isOver = true).catch(() => undefined);
    await clock.until("it is woken", () => isOver);
    assert.equal(clock.fired, 0);
    await (await granted)!.release();
    held[0] = await hold(one);
  }
  for (const lock of held) await lock.release();
});

testWith([linux], "file: of those who wait for a slot one looks, in the end once a second", async () => {
  const name = freshName();
  using clock = new FakeClock();
  await using one = await openSlots(name);
  await using other = await openSlots(name);
  const held = [await hold(one), await hold(other)];
  await using first = await openSlots(name);
  await using second = await openSlots(name);
  const granted = [first, second].map((waiter) => later(waiter.acquire(Infinity, never)));
  // The first one has begun its pause before the next look.
  await clock.until("they wait", () => lockers(queueName(name)) === 2 && clock.next === 10);
  await clock.to(8000);
  const before = clock.fired;
  assert.ok(before > 8, `${before} looks`);
  await clock.to(38_000);
  const looks = clock.fired - before;
  assert.ok(looks >= 29 && looks <= 31, `${looks} looks in 30 s`);
  for (const lock of held) await lock.release();
  for (const lock of await Promise.all(granted)) await lock!.release();
});

testWith(
  [linux],
  "file: a slot that is free when a wait ends is taken, even if the first waiter is stopped",
  async () => {
    const name = freshName();
    using clock = new FakeClock();
    await using one = await openSlots(name);
    await using other = await openSlots(name);
    const held = [await hold(one), await hold(other)];
    // A stopped process keeps its place in the queue.
    using place = await Deno.open(`${folder}/${queueName(name)}.lock`, { read: true, write: true, create: true });
    assert.ok(place.tryLockSync(true));
    await using waiter = await openSlots(name);
    const granted = later(waiter.acquire(5000, never));
    await clock.until("it waits", () => lockers(queueName(name)) === 2);
    await held.pop()!.release();
    await clock.to(5000);
    const lock = await granted;
    assert.ok(lock);
    await lock.release();
    await held[0]!.release();
  },
  LATE_END,
);

testWith([linux], "file: nobody gives up on a holder that takes half a second to free its files", async () => {
  const name = freshName();
  using clock = new FakeClock();
  await using one = await openSlots(name);
  await (await hold(one)).release();
  // The last file that it frees.
  using mark = await Deno.open(`${folder}/${markerName(name)}.lock`, { read: true, write: true });
  assert.ok(mark.tryLockSync(false));
  const granted = later(one.acquire(0, never));
  await clock.to(500);
  mark.unlockSync();
  const lock = await clock.during(granted);
  assert.ok(lock);
  await lock.release();

  assert.ok(mark.tryLockSync(false));
  const refused = later(one.acquire(0, never));
  await assert.rejects(clock.during(refused), /a process without a slot keeps \S+ locked; find out which one/);
});

testWith(
  [linux],
  "file: a moment's lock by another does not make a free slot busy; one that stays is an error",
  async () => {
    const name = freshName();
    await using one = await openSlots(name);
    await (await hold(one)).release();
    using gate = await Deno.open(`${folder}/${gateName(name)}.lock`, { read: true, write: true });
    using clock = new FakeClock();
    assert.ok(gate.tryLockSync(true));
    const granted = one.acquire(0, never);
    await clock.until("it waits at the gate", () => lockers(gateName(name)) === 2);
    await clock.to(9999);
    gate.unlockSync();
    await (await granted)!.release();

    assert.ok(gate.tryLockSync(true));
    const refused = later(one.acquire(0, never));
    await clock.until("it waits at the gate", () => lockers(gateName(name)) === 2);
    await clock.to(20_000);
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(
        error.message,
        /^Cannot ask for the lock: another process has kept \S+\.gate\.lock locked for 10s; resume it/,
      );
      return true;
    });
    gate.unlockSync();
    // The wait that was given up is granted, and ends, before the next.
    await (await hold(one)).release();
  },
  LATE_END,
);
