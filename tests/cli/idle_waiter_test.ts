import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { wakeUps } from "./process_list.ts";
import { waitersForFile } from "./targets.ts";
import { pause, until } from "./wait.ts";

const TRIES = 5;

/** How often a waiter that does nothing may wake up in a second; one that polled would do so far more often. */
const MOST_WAKE_UPS = 5;

testWith([linux], "a waiter takes over as soon as the lock is free", async () => {
  const delays: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    await using place = await Place.make();
    await Deno.mkdir(place.locks, { mode: 0o700 });
    const path = `${place.locks}/${lockName("n")}.lock`;
    using file = await Deno.open(path, { read: true, write: true, create: true });
    await file.lock(true);
    await using waiter = place.startSera(["--name", "n", "60", "date", "+%s%N"]);
    await until("it waits", () => waitersForFile(path) === 1);
    const freed = Date.now();
    await file.unlock();
    const { code, stdout } = await waiter.ended;
    assert.equal(code, 0);
    delays.push(Number(BigInt(stdout.trim()) / 1000n) / 1000 - freed);
  }
  console.log(`from the release to the next command: ${Math.min(...delays).toFixed(1)} ms, the best of ${TRIES}`);
});

testWith([linux], "a waiter does nothing", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera(["--name", "n", "60", "true"]);
  await until("it waits", () => waitersForFile(`${place.locks}/${lockName("n")}.lock`) === 1);
  // What the start has left to do may still be going on in the first second.
  await until("a second in which it does nothing", async () => {
    const before = wakeUps(waiter.pid);
    await pause(1000);
    return wakeUps(waiter.pid) - before <= MOST_WAKE_UPS;
  });
});
