import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { waitersForFile } from "./targets.ts";
import { pause, until } from "./wait.ts";

const TRIES = 5;

/** A busy machine is slow at everything; on an idle one it takes some 5 ms. */
const MOST_MS = 250;

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
  const best = Math.min(...delays);
  console.log(`from the release to the next command: ${best.toFixed(1)} ms, the best of ${TRIES}`);
  assert.ok(best < MOST_MS, `${best} ms`);
});

testWith([linux], "a waiter uses no processor time", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera(["--name", "n", "60", "true"]);
  await until("it waits", () => waitersForFile(`${place.locks}/${lockName("n")}.lock`) === 1);
  // What the start has left to do may still be going on in the first second.
  const used: number[] = [];
  while (used.length < TRIES && !(used.at(-1)! < 20)) {
    const before = processorTime(waiter.pid);
    await pause(1000);
    used.push(processorTime(waiter.pid) - before);
  }
  console.log(`processor time of a waiter in a second: ${used.at(-1)} ms, to 10 ms`);
  assert.ok(used.at(-1)! < 20, `${used} ms`);
});

/** utime and stime of a process in milliseconds. proc(5); the unit has been 10 ms on every Linux for long. */
function processorTime(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
