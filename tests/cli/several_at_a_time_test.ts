/** Slots, several names and limits of waiters, on the command line, on each kind of server. */
// Starts early: many runs wait for each other on each server.

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { fixture, type Place } from "./place.ts";
import type { Running } from "./running.ts";
import { type Target, testOnAll, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const TARGETS = useTargets();
/** A server whose sessions hold one lock each has none of this. */
const HOLDS_ONE = "MySQL 5.6";
const SEVERAL = TARGETS.filter(({ name }) => name !== HOLDS_ONE);

/** Starts a sera that holds its lock until it reads a line, and says which slot it has. */
function start(place: Place, ...flags: string[]): Running {
  const command = ["sh", "-c", 'echo "ready ${SERA_SLOT-plain}."; read -r _ || :', "sh"];
  return place.startSera([...flags, ...command], { stdin: "open" });
}

async function end(...running: Running[]): Promise<void> {
  await Promise.all(running.map(async (sera) => {
    await sera.closeStdin();
    assert.equal((await sera.ended).code, 0, sera.stderr);
  }));
}

async function slotOf(sera: Running): Promise<string> {
  await sera.says(/ready \w+\./);
  return /ready (\w+)\./.exec(sera.stdout)![1]!;
}

/** What `sera status` sees of the lock with this name. */
async function status(place: Place, name: string) {
  const { stdout, stderr } = await place.sera(["status", "--name", name, "--json"]);
  assert.equal(stderr, "");
  return JSON.parse(stdout).locks as { lock: string; waiters: unknown[] }[];
}

/** Resolves when so many wait for a lock. */
async function waiting(place: Place, name: string, count: number): Promise<void> {
  await until(`${count} wait for ${name}`, async () => {
    const locks = await status(place, name);
    return locks.reduce((sum, { waiters }) => sum + waiters.length, 0) === count;
  });
}

testOnAll(
  SEVERAL,
  "as many commands run at once as there are slots, each told its own; others wait, or do not run",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--name", "slots", "--slots", "2"];
    await using one = start(place, ...flags, "0");
    await using other = start(place, ...flags, "0");
    assert.deepEqual([await slotOf(one), await slotOf(other)].sort(), ["0", "1"]);
    const busy = await place.sera([...flags, "0", "true"]);
    assert.deepEqual(busy, { code: 204, stdout: "", stderr: "" });
    await using third = start(place, ...flags, "3m");
    await waiting(place, "slots", 1);
    // With another number, or none, the message names both.
    const wrong = await place.sera(["--name", "slots", "--slots", "3", "3m", "true"]);
    assert.equal(wrong.code, 201);
    assert.match(wrong.stderr, /^sera: The lock is held with --slots 2, but this run has --slots 3; [^\n]+\n$/);
    const [first, second] = await slotOf(one) === "0" ? [one, other] : [other, one];
    await end(second);
    assert.equal(await slotOf(third), "1");
    await end(first);
    const plain = await place.sera(["--name", "slots", "3m", "true"]);
    assert.equal(plain.code, 201);
    assert.match(
      plain.stderr,
      /^sera: The lock is held with --slots 2, but this run has --slots 1 \(the default\); [^\n]+\n$/,
    );
    // Of several locks that are asked for together, the message names the one with slots.
    for (const dry of [[], ["--dry-run"]]) {
      const both = await place.sera([...dry, "--name", "free", "--name", "slots", "3m", "true"]);
      assert.equal(both.code, 201);
      assert.match(
        both.stderr,
        /^sera: The lock of slots is held with --slots 2, but this run has --slots 1 \(the default\); [^\n]+\n$/,
      );
    }
    await end(third);
    assert.deepEqual(await place.sera(["--name", "slots", "--slots", "3", "0", "true"]), {
      code: 0,
      stdout: "",
      stderr: "",
    });
  },
);

testOnAll(SEVERAL, "a run with one slot and a plain one are the same", async (target) => {
  await using started = await target.start();
  const { place } = started;
  for (const [held, flags] of [[[], ["--slots", "1"]], [["--slots", "1"], []]]) {
    await using holder = start(place, "--name", "one", ...held!, "0");
    assert.equal(await slotOf(holder), held!.length === 0 ? "plain" : "0");
    assert.equal((await place.sera(["--name", "one", ...flags!, "0", "true"])).code, 204);
    const slots = await place.sera(["--name", "one", "--slots", "2", "0", "true"]);
    assert.equal(slots.code, 201);
    assert.match(slots.stderr, /^sera: The lock is held with --slots 1 \(the default\), but this run has --slots 2; /);
    await end(holder);
  }
});

testOnAll(SEVERAL, "one waiter too many leaves at once with 204", async (target) => {
  await using started = await target.start();
  const { place } = started;
  const flags = ["--name", "queue", "--max-waiters", "1"];
  await using holder = start(place, ...flags, "3m");
  await slotOf(holder);
  await using waiter = start(place, ...flags, "3m");
  await waiting(place, "queue", 1);
  const late = await place.sera(["--verbose", ...flags, "forever", "true"]);
  assert.equal(late.code, 204);
  assert.match(late.stdout + late.stderr, /one run already waits/);
  await end(holder);
  await slotOf(waiter);
  await end(waiter);
});

testOnAll(SEVERAL, "those who name the same locks in opposite orders all get them, one at a time", async (target) => {
  await using started = await target.start();
  const { place } = started;
  const log = await place.write("log", "");
  const orders = [["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]];
  const ends = await Promise.all(
    orders.map((names) => place.sera([...names.flatMap((name) => ["--name", name]), "3m", fixture("turn.sh"), log])),
  );
  assert.deepEqual(ends.map(({ code, stderr }) => ({ code, stderr })), ends.map(() => ({ code: 0, stderr: "" })));
  const lines = (await place.read("log")).trim().split("\n");
  assert.equal(lines.length, 2 * orders.length);
  for (const [index, line] of lines.entries()) {
    if (index % 2 === 1) assert.equal(line, lines[index - 1]!.replace("begin", "end"));
  }
});

testOnAll(
  SEVERAL,
  "plain runs of each of several names are excluded, and status shows no lock besides",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    await using holder = start(place, "--name", "x", "--name", "y", "0");
    await slotOf(holder);
    await using slot = start(place, "--name", "z", "--slots", "2", "--max-waiters", "2", "0");
    await slotOf(slot);
    for (const name of ["x", "y"]) assert.equal((await place.sera(["--name", name, "0", "true"])).code, 204);
    const { stdout } = await place.sera(["status", "--json"]);
    const shown = JSON.parse(stdout);
    assert.deepEqual(
      shown.locks.map(({ lock }: { lock: string }) => lock).sort(),
      ["x", "y", "z"].map(lockName).sort(),
    );
    await end(holder, slot);
    assert.equal((await place.sera(["--name", "x", "--name", "y", "0", "true"])).code, 0);
  },
);

const ONE: readonly Target[] = TARGETS.filter(({ name }) => name === HOLDS_ONE);
testOnAll(
  ONE,
  "a server whose sessions hold one lock each refuses all that takes more, in one line",
  async (target) => {
    await using started = await target.start();
    for (const flags of [["--slots", "2"], ["--name", "other"], ["--max-waiters", "2"]]) {
      const { code, stdout, stderr } = await started.place.sera(["--name", "lock", ...flags, "0", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, stderr);
      assert.match(stderr, /^sera: [^\n]+; [^\n]+\n$/);
    }
  },
);
