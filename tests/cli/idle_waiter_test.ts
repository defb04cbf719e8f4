import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { wakeUps } from "./process_list.ts";
import { waitersForFile } from "./targets.ts";
import { pause, until } from "./wait.ts";

/** How often a waiter that does nothing may wake up in a second; one that polled would do so far more often. */
const MAX_WAKE_UPS = 5;

testWith([linux], "a waiter takes over as soon as the lock is free", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks, { mode: 0o700 });
  const path = `${place.locks}/${lockName("n")}.lock`;
  using file = await Deno.open(path, { read: true, write: true, create: true });
  await file.lock(true);
  await using waiter = place.startSera(["--name", "n", "180", "echo", "ran"]);
  await until("it waits", () => waitersForFile(path) === 1);
  await file.unlock();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

testWith([linux], "a waiter does nothing", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera(["--name", "n", "180", "true"]);
  await until("it waits", () => waitersForFile(`${place.locks}/${lockName("n")}.lock`) === 1);
  // Counts what it does; how long a second takes does not matter. What the start has left to do may still go on in the first.
  await until("a second in which it does nothing", async () => {
    const before = wakeUps(waiter.pid);
    await pause(1000);
    return wakeUps(waiter.pid) - before <= MAX_WAKE_UPS;
  });
});
