/** Slots of locks in files: who gets one, who waits, and what happens when a process dies or stops. */

import assert from "node:assert/strict";
import { lookAtFiles } from "../../lib/backends/file/sightings.ts";
import { queueName } from "../../lib/backends/file/names.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { keepExitCodes } from "../../lib/system/children.ts";
import { lstatIfThere } from "../../lib/system/if_there.ts";
import { linux, mountNamespace, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { until } from "./wait.ts";

// Before the first test, since it stays.
keepExitCodes();

const LOCK = lockName("n");
const HOLD = fixture("hold.sh");
const flock = linux ?? tool("flock", "--version");

/** Starts a sera that holds a slot until its stdin ends. */
function start(place: Place, slots: number, wait: string, ...flags: string[]): Running {
  return place.startSera([...flags, "--name", "n", "--slots", `${slots}`, wait, HOLD], { stdin: "open" });
}

/** Starts runs one after the other, each of which holds a slot. */
async function holders(place: Place, count: number, slots: number, ...flags: string[]): Promise<Running[]> {
  const started = [];
  for (let slot = 0; slot < count; slot++) {
    const holder = start(place, slots, "0", ...flags);
    await holder.says("ready");
    started.push(holder);
  }
  return started;
}

/** Disposes of all, in whatever order. */
function disposing(all: readonly Running[]): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => void await Promise.all(all.map((one) => one[Symbol.asyncDispose]())) };
}

/** How a sera ends that tries once. */
async function tryOnce(place: Place, slots: number): Promise<number> {
  return (await place.sera(["--name", "n", "--slots", `${slots}`, "0", "true"])).code;
}

/** The processes that wait for a slot; the first of them alone looks for one. */
function waiters(place: Place): { readonly first: readonly number[]; readonly others: readonly number[] } {
  const file = lstatIfThere(`${place.locks}/${queueName(LOCK)}.lock`);
  const lines = file
    ? Deno.readTextFileSync("/proc/locks").split("\n").filter((line) => line.includes(`:${file.ino} `))
    : [];
  const pids = (isWaiting: boolean) =>
    lines.filter((line) => line.includes("->") === isWaiting).map((line) => Number(/WRITE\s+(\d+)/.exec(line)![1]));
  return { first: pids(false), others: pids(true) };
}

async function untilWaiting(place: Place, count: number): Promise<void> {
  await until(`${count} wait`, () => {
    const { first, others } = waiters(place);
    return first.length === 1 && first.length + others.length === count;
  });
}

testWith([linux], "of twice as many processes as there are slots exactly as many run the command", async () => {
  const SLOTS = 3;
  await using place = await Place.make();
  for (let round = 0; round < 2; round++) {
    const started = Array.from({ length: 2 * SLOTS }, () => start(place, SLOTS, "0"));
    await using _ = disposing(started);
    const ready = () => started.filter(({ stdout }) => stdout.includes("ready"));
    await until("all have a slot or none", () => started.every((one) => one.over || one.stdout.includes("ready")));
    assert.equal(ready().length, SLOTS);
    for (const one of started) {
      const isHolder = ready().includes(one);
      if (isHolder) await one.closeStdin();
      assert.equal((await one.ended).code, isHolder ? 0 : 204);
    }
  }
});

testWith(
  [linux],
  "a killed holder's slot goes to who waits at once, and a killed waiter's place to the next",
  async () => {
    await using place = await Place.make();
    const [one, other] = await holders(place, 2, 2);
    const waiting: Running[] = [];
    await using _ = disposing([one!, other!]);
    for (let count = 1; count <= 3; count++) {
      waiting.push(start(place, 2, "forever"));
      await untilWaiting(place, count);
    }
    await using __ = disposing(waiting);
    const [first, second, third] = waiting;
    assert.deepEqual(waiters(place).first, [first!.pid]);
    first!.kill("SIGKILL");
    await first!.ended;
    await untilWaiting(place, 2);
    await underWatch(other!);
    other!.kill("SIGKILL");
    await until("one of them has the slot", () => [second!, third!].some(({ stdout }) => stdout.includes("ready")));
    await untilWaiting(place, 1);
    await one!.closeStdin();
    await second!.says("ready");
    await third!.says("ready");
  },
);

testWith([linux], "a waiter that is stopped keeps no slot from those who come, and goes on later", async () => {
  await using place = await Place.make();
  const [one, other] = await holders(place, 2, 2);
  await using _ = disposing([one!, other!]);
  await using first = start(place, 2, "forever");
  await untilWaiting(place, 1);
  await first.suspend();
  await one!.closeStdin();
  await one!.ended;
  for (let times = 0; times < 2; times++) assert.equal(await tryOnce(place, 2), 0);
  first.kill("SIGCONT");
  await first.says("ready");
});

testWith([linux], "a stopped waiter that is not the first keeps nobody", async () => {
  await using place = await Place.make();
  await using holder = start(place, 2, "0");
  await holder.says("ready");
  await using beside = start(place, 2, "0");
  await beside.says("ready");
  await using first = start(place, 2, "forever");
  await untilWaiting(place, 1);
  await using stopped = start(place, 2, "forever");
  await untilWaiting(place, 2);
  await using third = start(place, 2, "forever");
  await untilWaiting(place, 3);
  await stopped.suspend();
  await holder.closeStdin();
  await first.says("ready");
  await beside.closeStdin();
  await third.says("ready");
  stopped.kill("SIGCONT");
});

testWith(
  [linux],
  "the kernel frees the slot of a killed holder first, then the number's file, and the lock's mark last",
  async () => {
    for (const slot of [0, 1, 5]) {
      await using place = await Place.make();
      const all = await holders(place, slot + 1, 6);
      await using _ = disposing(all);
      const { pid } = all[slot]!;
      const numberOf = (name: string) =>
        [...Deno.readDirSync(`/proc/${pid}/fd`)].map((fd) => Number(fd.name))
          .find((fd) => Deno.readLinkSync(`/proc/${pid}/fd/${fd}`) === `${place.locks}/${name}.lock`);
      // It does so from the highest number to the lowest.
      const order = [slot === 0 ? LOCK : `${LOCK}.${slot}`, `${LOCK}.of.6`, `${LOCK}.slots`].map(numberOf);
      assert.deepEqual(order, order.toSorted((a, b) => b! - a!), `${order}`);
      assert.ok(order.every((fd) => fd !== undefined));
    }
  },
);

for (const [what, name] of [["slot", `${LOCK}.1`], ["mark", `${LOCK}.slots`], ["number", `${LOCK}.of.2`]] as const) {
  testWith([linux], `a file of a ${what} that is removed in a hold is a lost lock`, async () => {
    await using place = await Place.make();
    const held = await holders(place, 2, 2, "--ttl", "3s");
    await using _ = disposing(held);
    await Deno.remove(`${place.locks}/${name}.lock`);
    const lost = what === "slot" ? [held[1]!] : held;
    for (const one of lost) {
      const { code, stderr } = await one.ended;
      assert.equal(code, 206);
      assert.match(stderr, /^sera: Lock lost: the lock file was removed: \S+\.lock; stopping [^\n]+\n$/);
    }
    if (what !== "slot") return;
    await held[0]!.closeStdin();
    assert.equal((await held[0]!.ended).code, 0);
  });
}

testWith([flock], "flock(1) on the lock's file holds a lock of one slot, and with others there slot 0", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks, { mode: 0o700 });
  const path = `${place.locks}/${LOCK}.lock`;
  await using foreign = place.start(["flock", path, HOLD], { stdin: "open" });
  await foreign.says("ready");
  const { code, stderr } = await place.sera(["--name", "n", "--slots", "2", "forever", "true"]);
  assert.equal(code, 201);
  assert.match(stderr, /^sera: The lock is held with --slots 1 \(the default\), but this run has --slots 2; /);
  await foreign.closeStdin();
  await foreign.ended;

  const [zero, one] = await holders(place, 2, 2);
  await using _ = disposing([zero!, one!]);
  await using next = place.start(["flock", path, HOLD], { stdin: "open" });
  await zero!.closeStdin();
  await next.says("ready");
  assert.equal(await tryOnce(place, 2), 204);
  await next.closeStdin();
  await next.ended;
  assert.equal(await tryOnce(place, 2), 0);
});

testWith([linux], "who has killed holders alone leaves nothing that a new number is refused for", async () => {
  await using place = await Place.make();
  for (const slots of [2, 5, 1, 3]) {
    const [one, other] = await holders(place, Math.min(slots, 2), slots);
    await using _ = disposing([one!, ...other ? [other] : []]);
    assert.equal(await tryOnce(place, 4), 201);
    for (const holder of [one, other]) {
      if (!holder) continue;
      await underWatch(holder);
      holder.kill("SIGKILL");
      await holder.ended;
    }
  }
  assert.deepEqual([await tryOnce(place, 4), await tryOnce(place, 1)], [0, 0]);
});

testWith([linux], "whoever looks sees each slot and who waits, and no file beside them", async () => {
  await using place = await Place.make();
  const held = await holders(place, 2, 2);
  await using _ = disposing(held);
  await using waiter = start(place, 2, "forever", "--max-waiters", "3");
  await untilWaiting(place, 1);
  for (const filter of ["all", { lock: LOCK }] as const) {
    const seen = lookAtFiles(place.locks, filter).map(({ lock, state, slot, slots, pid }) => [
      lock,
      state,
      slot,
      slots,
      pid,
    ]);
    assert.deepEqual(seen.toSorted(), [
      [LOCK, "held", 0, 2, held[0]!.pid],
      [LOCK, "held", 1, 2, held[1]!.pid],
      [LOCK, "waiting", undefined, 2, waiter.pid],
    ]);
  }
  for (const one of held) await one.closeStdin();
  await waiter.says("ready");
});

testWith([linux], "who gets a slot at the end of its wait, behind a stopped waiter, no longer waits", async () => {
  await using place = await Place.make();
  const held = await holders(place, 2, 2);
  await using _ = disposing(held);
  await using first = start(place, 2, "forever");
  await untilWaiting(place, 1);
  await first.suspend();
  await using second = start(place, 2, "3");
  await untilWaiting(place, 2);
  await held[1]!.closeStdin();
  await second.says("ready");
  const seen = lookAtFiles(place.locks, { lock: LOCK }).map(({ state, pid }) => [state, pid]);
  assert.deepEqual(seen.toSorted(), [["held", held[0]!.pid], ["held", second.pid], ["waiting", first.pid]].toSorted());
  first.kill("SIGCONT");
});

testWith([mountNamespace], "on a full disk slots are held and agreed on all the same", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks, { mode: 0o700 });
  const script = `
    mount -t tmpfs -o size=4k,mode=700 tmpfs "$0" && { cat /dev/zero >"$0/full" 2>/dev/null; true; } || exit
    hold() { sera --name n --slots 2 "$@"; }
    hold 0 sh -c 'echo "slot $SERA_SLOT"
      sera() { env -u SERA_HELD_LOCKS sera "$@"; }
      sera --name n --slots 3 0 true; echo $?
      sera --name n 0 true; echo $?
      sera --name n --slots 2 0 sh -c "echo slot \\$SERA_SLOT"
    '`;
  const { stdout, stderr } = await place.run(["unshare", "--mount", "sh", "-c", script, place.locks]);
  assert.equal(stdout, "slot 0\n201\n201\nslot 1\n", stderr);
});

testWith([linux], "a holder of a slot that is asked to end stops its command, and the other does not", async () => {
  await using place = await Place.make();
  const held = await holders(place, 2, 2, "--ttl", "3s");
  await using _ = disposing(held);
  await Deno.stat(`${place.locks}/${LOCK}.1.lock`);
  const { hold } = JSON.parse(await Deno.readTextFile(`${place.locks}/${LOCK}.1.lock`));
  await place.write(`locks/${LOCK}.1.end`, JSON.stringify({ hold, label: "unlock by x" }));
  const { code, stderr } = await held[1]!.ended;
  assert.equal(code, 206);
  assert.match(stderr, /^sera: Asked to release the lock: unlock by x; /);
  assert.equal(held[0]!.over, false);
});
