/** What status, history, unlock, forget and metrics show of locks with slots and their runs. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { readExposition } from "../text/read_exposition.ts";
import { history, outcomes } from "./ledger_view.ts";
import { fixture, type Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { testOn, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const targets = useTargets("MariaDB", "PostgreSQL", "PostgreSQL with leases", "etcd");

const LOCK = lockName("n");
const FLAGS = ["--detailed-exit-codes", "--ledger", "--name", "n"];
/** For holders that are to notice soon that they were asked to end, or whose leases have to run out. */
const SHORT = ["--ttl", "6s", "--grace", "1s"];

/** Starts one who holds a slot until its stdin is closed. */
async function startIn(place: Place, slots: number, ...flags: string[]): Promise<Running> {
  const holder = place.startSera([...FLAGS, "--slots", `${slots}`, ...flags, "0", fixture("hold.sh")], {
    stdin: "open",
  });
  await holder.says("ready");
  return holder;
}

async function statusOf(place: Place, ...args: string[]) {
  const { stdout, stderr } = await place.sera(["status", "--json", ...args]);
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

for (const target of targets) {
  testOn(target, `slots on ${target.name}: each holder is seen with its slot, and its run, in order`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using zero = await startIn(place, 3);
    await using one = await startIn(place, 3);
    await using two = await startIn(place, 3);
    await using waiter = place.startSera([...FLAGS, "--slots", "3", "180", "true"]);
    const { locks: [lock, ...more] } = await statusOf(place);
    assert.deepEqual(more, []);
    const runs = await history(place, "--name", "n");
    assert.equal(runs.length, 3);
    const runOf = (pid: number) => runs.find((run) => run.pid === pid)?.run_id;
    const shown = (holder: Running, slot: number) => ({ slot, pid: holder.pid, run_id: runOf(holder.pid) });
    const view = ({ slot, pid, run_id }: ReturnType<typeof shown>) => ({ slot, pid, run_id });
    assert.deepEqual([lock.lock, lock.slots, lock.held], [LOCK, 3, true]);
    assert.deepEqual(lock.holders.map(view), [shown(zero, 0), shown(one, 1), shown(two, 2)]);
    assert.deepEqual(view(lock.holder), shown(zero, 0));
    assert.deepEqual(runs.map(({ lock, outcome }) => [lock, outcome]), Array(3).fill([LOCK, "running"]));
    await until("it waits", async () => (await statusOf(place, "--name", "n")).locks[0].waiters.length === 1);
    const table = (await place.sera(["status"])).stdout;
    assert.deepEqual(table.match(/ (\d|-)\/3 /g), [" 0/3 ", " 1/3 ", " 2/3 ", " -/3 "]);
    const { locks: [alone] } = await statusOf(place, "--lock", `${LOCK.slice(0, 12)}.1`);
    assert.deepEqual([alone.holders.map(view), alone.waiters], [[shown(one, 1)], []]);
    const free = await place.sera(["status", "--lock", `${LOCK}.3`]);
    assert.deepEqual([free.code, free.stdout], [1, "Free: nobody holds slot 3 of it.\n"]);
    assert.deepEqual((await history(place, "--lock", `${LOCK.slice(0, 8)}.2`)).map(({ pid }) => pid), [two.pid]);

    const gauges = readExposition((await place.sera(["metrics"])).stdout);
    const of = (metric: string) => [...gauges.get(metric)!.values()];
    assert.deepEqual([of("sera_lock_holders"), of("sera_lock_slots"), of("sera_lock_held")], [[3], [3], [1]]);
    const running = [...gauges.get("sera_runs")!].find(([labels]) => labels.includes('"running"'));
    assert.equal(running![1], 3);
    await one.closeStdin();
    assert.equal((await waiter.ended).code, 0);
  });

  testOn(
    target,
    `slots on ${target.name}: sera unlock ends the holder of the slot that is named, and no other`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      await using zero = await startIn(place, 3);
      await using one = await startIn(place, 3, ...SHORT);
      await using two = await startIn(place, 3, ...SHORT);
      const unlock = (...args: string[]) => place.sera(["unlock", "--yes", "--wait", "1m", "--name", "n", ...args]);
      const unclear = await unlock();
      assert.equal(unclear.code, 201);
      assert.match(unclear.stderr, /^sera: Cannot tell which of 3 holders to end; choose one with --slot\n$/);
      assert.deepEqual(unclear.stdout.match(/ \d\/3 /g), [" 0/3 ", " 1/3 ", " 2/3 "]);
      assert.equal((await unlock("--slot", "3")).stdout.split(".")[0], "Free: nobody holds slot 3 of it");
      for (const slot of ["256", "-1", "x", "1.0"]) assert.equal((await unlock("--slot", slot)).code, 201, slot);
      const asked = await unlock("--slot", "1");
      assert.equal(asked.code, 0, asked.stderr);
      assert.match(asked.stdout, new RegExp(`^${LOCK.slice(0, 12)} slot 1 of 3 is held by \\S+:${one.pid} `));
      assert.equal((await one.ended).code, 206);
      const json = await place.sera(["unlock", "--yes", "--wait", "1m", "--json", "--lock", `${LOCK.slice(0, 9)}.2`]);
      const { lock, slots, holder, outcome } = JSON.parse(json.stdout);
      assert.deepEqual([lock, slots, holder.slot, holder.pid, outcome], [LOCK, 3, 2, two.pid, "released"]);
      assert.equal((await two.ended).code, 206);
      assert.equal(zero.over, false);
      await zero.closeStdin();
      assert.equal((await zero.ended).code, 0);
    },
  );

  testOn(
    target,
    `slots on ${target.name}: of those with one key one runs, in whichever slot, and the others skip`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      await using other = await startIn(place, 4, "--once", "other");
      await using first = await startIn(place, 4, "--once", "k");
      const once = (wait: string, ...flags: string[]) =>
        place.sera([...FLAGS, "--slots", "4", "--once", "k", ...flags, wait, "echo", "ran"]);
      assert.equal((await once("0")).code, 204);
      await using both = place.startSera([
        ...FLAGS,
        "--slots",
        "4",
        "--once",
        "k",
        "--every",
        "1h",
        "180",
        "echo",
        "ran",
      ]);
      await using second = place.startSera([...FLAGS, "--slots", "4", "--once", "k", "180", "echo", "ran"]);
      const locks = async () => (await statusOf(place)).locks;
      // The rule's lock is not shown.
      await until("both wait", async () => {
        const [lock, ...more] = await locks();
        return more.length === 0 && lock.waiters.length === 2;
      });
      await first.closeStdin();
      assert.equal((await first.ended).code, 0);
      assert.deepEqual([(await both.ended).code, (await second.ended).code], [205, 205]);
      await other.closeStdin();
      assert.equal((await other.ended).code, 0);
      // Also without slots, and with another number of them.
      assert.equal((await place.sera([...FLAGS, "--once", "k", "0", "echo", "ran"])).code, 205);
      assert.equal((await place.sera([...FLAGS, "--slots", "2", "--every", "1h", "0", "echo", "ran"])).code, 205);
      assert.deepEqual((await outcomes(place)).toSorted(), ["succeeded", "succeeded"]);
      const forgotten = await place.sera(["forget", "--yes", "--json", "--name", "n", "--once", "k"]);
      assert.equal(forgotten.code, 0, forgotten.stderr);
      assert.deepEqual(await once("0"), { code: 0, stdout: "ran\n", stderr: "" });
    },
  );

  testOn(
    target,
    `slots on ${target.name}: what killed holders left is marked, also in slots that are gone`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      await using one = await startIn(place, 3, "--once", "a");
      await using two = await startIn(place, 3, "--once", "b", ...SHORT);
      await using last = await startIn(place, 3, "--once", "c", ...SHORT);
      const busy = await place.sera(["forget", "--yes", "--name", "n", "--once", "a"]);
      assert.equal(busy.code, 204);
      for (const holder of [two, last]) {
        await underWatch(holder);
        holder.kill("SIGKILL");
        await holder.ended;
      }
      await until("only one has a slot", async () => (await statusOf(place)).locks[0].holders.length === 1);
      // They are not marked, but shown as abandoned.
      assert.deepEqual((await outcomes(place)).toSorted(), ["abandoned", "abandoned", "running"]);
      const counted = await place.sera([
        ...FLAGS,
        ...["--slots", "3", "--once", "c", "--count-failures", "--verbose", "0", "echo", "ran"],
      ]);
      assert.equal(counted.code, 205, counted.stdout);
      await one.closeStdin();
      assert.equal((await one.ended).code, 0);
      const plain = await place.sera([...FLAGS, "--verbose", "0", "true"]);
      assert.equal(plain.code, 0);
      const marked = [counted, plain].flatMap(({ stdout }) => [
        ...stdout.matchAll(/^Run \d+ by \S+:(\d+) .* did not finish: marked as abandoned\.$/gm),
      ]).map(([, pid]) => Number(pid));
      assert.deepEqual(marked.toSorted(), [two.pid, last.pid].toSorted());
      const shown = await place.sera(["history", "--name", "n"]);
      assert.match(shown.stdout, / SLOT\n/);
    },
  );
}
