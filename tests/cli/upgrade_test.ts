/** An earlier version and the present one on the same locks, ledger and leases, as on a cluster that is being upgraded. */
// Starts early: runs wait for each other.

import assert from "node:assert/strict";
import { type Earlier, useBeforeSlots, useFirstRelease, variables } from "./earlier.ts";
import { type LeaseTarget, mariaDbTarget, postgresTarget } from "./lease_targets.ts";
import { history } from "./ledger_view.ts";
import { fixture, type Place } from "./place.ts";
import { killQuietly, type Running } from "./running.ts";
import { testWith } from "./needs.ts";
import { type StartedTarget, type Target, testOnAll, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

/** A version in a place. */
interface Version {
  run(...args: string[]): Promise<number>;
  /** The token of a run. */
  token(...args: string[]): Promise<number>;
  /** Starts a run that goes on until its stdin is closed. */
  hold(...args: string[]): Running;
  start(...args: string[]): Running;
}

function versionsIn(place: Place, earlier: Earlier): { readonly old: Version; readonly present: Version } {
  const version = (words: readonly string[], env: Record<string, string>): Version => {
    const start = (...args: string[]) => place.start([...words, ...args], { env, stdin: "open" });
    const ended = async (args: readonly string[]) => await place.run([...words, ...args], { env });
    return {
      start,
      hold: (...args) => start(...args, fixture("hold.sh")),
      async run(...args) {
        const { code, stderr } = await ended(["--detailed-exit-codes", ...args]);
        assert.equal(stderr, "");
        return code;
      },
      async token(...args) {
        const { code, stdout, stderr } = await ended([...args, "sh", "-c", "echo $SERA_TOKEN"]);
        assert.deepEqual([code, stderr], [0, ""]);
        return Number(stdout);
      },
    };
  };
  return { old: version(earlier.words(), variables), present: version(["sera"], {}) };
}

/** Sees that one excludes the other, in both directions, and that who waits gets the lock from the other. */
async function excludeEachOther(
  { old, present }: ReturnType<typeof versionsIn>,
  waiting: () => Promise<number>,
): Promise<void> {
  for (const [holder, other] of [[old, present], [present, old]] as const) {
    await using held = holder.hold("--name", "n", "0");
    await held.says("ready");
    assert.equal(await other.run("--name", "n", "0", "true"), 204);
    await using waiter = other.start("--name", "n", "180", "echo", "ran");
    await until("it waits", async () => await waiting() === 1);
    await held.closeStdin();
    assert.equal((await held.ended).code, 0);
    assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
  }
}

/** Sees that each goes by the runs of the other, that the token grows, and that a killed run of the old one is known. */
async function shareLedger({ place }: StartedTarget, { old, present }: ReturnType<typeof versionsIn>): Promise<void> {
  const once = (version: Version, key: string, command: string) => {
    return version.run("--name", "n", "--once", key, "0", command);
  };
  assert.deepEqual([await once(old, "a", "true"), await once(present, "a", "false")], [0, 205]);
  assert.deepEqual([await once(present, "b", "true"), await once(old, "b", "false")], [0, 205]);
  const tokens = [];
  for (const version of [old, present, old, present]) {
    tokens.push(await version.token("--ledger", "--name", "n", "0"));
  }
  assert.deepEqual(tokens, tokens.toSorted((a, b) => a - b));
  assert.equal(new Set(tokens).size, tokens.length);

  await using killed = old.hold("--name", "n", "--once", "c", "0");
  await killed.says("ready");
  killQuietly(killed.pid);
  // A command that was started only a few milliseconds before outlives its sera.
  await killed.closeStdin();
  await killed.ended;
  assert.equal(await present.run("--name", "n", "--once", "c", "180", "true"), 0);
  const ofC = (await history(place, "--name", "n", "--once", "c")).map(({ outcome }) => outcome);
  assert.deepEqual(ofC, ["succeeded", "abandoned"]);
}

/** Sees what docs/upgrading.md says of a version that knows of no slots. */
async function meetSlots({ old, present }: ReturnType<typeof versionsIn>): Promise<void> {
  const inSlots = ["--slots", "2", "--name", "s"];
  await using first = present.hold(...inSlots, "0");
  await first.says("ready");
  // In slot 1, so that it is recorded under a name of its own.
  assert.equal(await present.run(...inSlots, "--once", "k", "0", "true"), 0);
  await using second = present.hold(...inSlots, "0");
  await second.says("ready");
  assert.equal(await old.run("--name", "s", "0", "true"), 204);
  await first.closeStdin();
  assert.equal((await first.ended).code, 0);
  // It has slot 0 now, and no more than two run.
  await using taken = old.hold("--name", "s", "0");
  await taken.says("ready");
  assert.equal(await present.run(...inSlots, "0", "true"), 204);
  for (const one of [second, taken]) {
    await one.closeStdin();
    assert.equal((await one.ended).code, 0);
  }
  // The old one does not find the run of slot 1; the present one does.
  assert.equal(await present.run(...inSlots, "--once", "k", "0", "false"), 205);
  assert.equal(await old.run("--name", "s", "--once", "k", "0", "true"), 0);
  await using listed = old.start("history", "--json");
  const { code, stdout, stderr } = await listed.ended;
  assert.deepEqual([code, stderr], [0, ""]);
  const locks = (JSON.parse(stdout).runs as { lock: string }[]).map(({ lock }) => lock);
  assert.ok(locks.some((lock) => lock.endsWith(".1")), `${locks}`);
}

/** Defines the tests of an earlier version. */
function testEarlier(earlier: Earlier, on: readonly Target[]): void {
  const there = on.map((target): Target => ({
    ...target,
    need: target.need ?? earlier.need,
    start: () => target.start(),
  }));
  testOnAll(there, `${earlier.name} and the present version exclude each other`, async (target) => {
    await using started = await target.start();
    await excludeEachOther(versionsIn(started.place, earlier), () => started.waiters("n"));
  });
  testOnAll(there, `${earlier.name} and the present version share a ledger`, async (target) => {
    await using started = await target.start();
    await shareLedger(started, versionsIn(started.place, earlier));
  });
  testOnAll(there, `${earlier.name} has slot 0 of a lock with slots`, async (target) => {
    // A session of MySQL 5.6 has one lock, so that there are no slots.
    if (target.name === "MySQL 5.6") return;
    await using started = await target.start();
    await meetSlots(versionsIn(started.place, earlier));
  });
}

testEarlier(useFirstRelease(), useTargets("file", "MariaDB", "PostgreSQL"));
const beforeSlots = useBeforeSlots();
testEarlier(beforeSlots, useTargets("MySQL 5.6", "PostgreSQL 18", "etcd"));

for (const target of [mariaDbTarget(), postgresTarget()] satisfies LeaseTarget[]) {
  const need = target.need ?? beforeSlots.need;
  testWith(
    [need],
    `${target.name}: leases of the version before slots and of the present one are the same`,
    async () => {
      await using leases = await target.start();
      const { old, present } = versionsIn(leases.place, beforeSlots);
      const tokens = [];
      for (const version of [old, present, old, present]) tokens.push(await version.token("--name", "n", "0"));
      assert.deepEqual(tokens, [1, 2, 3, 4]);
      for (const [holder, other] of [[old, present], [present, old]] as const) {
        await using held = holder.hold("--name", "n", "0");
        await held.says("ready");
        assert.equal(await other.run("--name", "n", "0", "true"), 204);
        await held.closeStdin();
        assert.equal((await held.ended).code, 0);
      }
      await meetSlots({ old, present });
    },
  );
}
