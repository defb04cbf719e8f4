/** `sera forget` takes the lock without slots; runs with slots wait for it, and are not refused. */

import assert from "node:assert/strict";
import { forgetLockName } from "../../lib/lock/forgetters.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { history } from "./ledger_view.ts";
import { fixture, type Place } from "./place.ts";
import type { Running } from "./running.ts";
import { type Target, testOn, useTargets } from "./targets.ts";

const LEASED = ["MariaDB with leases", "MySQL 5.6 with leases", "PostgreSQL with leases"];
const TARGETS = useTargets("file", "MariaDB", "PostgreSQL", "etcd", ...LEASED);

/** The `--name` of the lock on a target. Locks in rows and in sessions of one server exclude each other. */
const nameOn = ({ name }: Target) => `on ${name}`;

/** The `--name` by which a sera holds the second lock that `sera forget` has beside that one. */
const secondOn = (target: Target) => `${lockName(nameOn(target))} forget`;

/** Defines a test for each target. One after the other, since each starts many seras. */
function testOnEach(name: string, fn: (target: Target) => Promise<void>): void {
  for (const target of TARGETS) testOn(target, `${name}: ${target.name}`, () => fn(target));
}

/** Holds a lock until its stdin is closed. */
async function holds(place: Place, name: string): Promise<Running> {
  const holder = place.startSera(["--name", name, "--label", "forget", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  return holder;
}

async function end(holder: Running): Promise<void> {
  await holder.closeStdin();
  assert.equal((await holder.ended).code, 0);
}

/** The words of a run with slots. */
const slotsOn = (target: Target) => (...words: string[]) => ["--name", nameOn(target), "--slots", "3", ...words];

testOnEach("a run with slots waits for a forget, and gets a slot after it", async (target) => {
  const [name, slots] = [nameOn(target), slotsOn(target)];
  assert.equal(lockName(secondOn(target)), forgetLockName(lockName(name)));
  await using started = await target.start();
  const { place } = started;
  await using second = await holds(place, secondOn(target));
  await using main = await holds(place, nameOn(target));
  assert.deepEqual(await place.sera(slots("0", "true")), { code: 204, stdout: "", stderr: "" });
  assert.deepEqual(await place.sera(slots("--max-waiters", "0", "1h", "true")), { code: 204, stdout: "", stderr: "" });
  const dry = await place.sera(slots("--dry-run", "1h", "true"));
  assert.deepEqual([dry.code, dry.stderr], [204, ""]);
  assert.match(dry.stdout, /^Would wait up to 1h for one of 3 slots, held by \S+ forget, /);
  const { locks } = JSON.parse((await place.sera(["status", "--json"])).stdout);
  const shown = locks.map(({ lock }: { lock: string }) => lock);
  assert.ok(shown.includes(lockName(name)) && !shown.includes(forgetLockName(lockName(name))), `${shown}`);
  await using waiter = place.startSera(slots("--verbose=stderr", "1h", "sh", "-c", "echo slot $SERA_SLOT"));
  await waiter.says("Waiting for one of 3 slots");
  await end(main);
  await end(second);
  const { code, stdout } = await waiter.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "slot 0\n" }, waiter.stderr);
});

testOnEach("a run without slots still refuses one with slots, also right after a forget", async (target) => {
  await using started = await target.start();
  const { place } = started;
  await using second = await holds(place, secondOn(target));
  const slots = slotsOn(target);
  await using _main = await holds(place, nameOn(target));
  await using waiter = place.startSera(slots("--verbose=stderr", "1h", "true"));
  await waiter.says("Waiting for one of 3 slots");
  await end(second);
  const { code, stderr } = await waiter.ended;
  assert.equal(code, 201, stderr);
  assert.match(stderr, /^sera: The lock is held with --slots 1 \(the default\), but this run has --slots 3; /m);
  assert.equal((await place.sera(slots("0", "true"))).code, 201);
});

testOnEach("forget takes the second lock first, and does nothing while somebody has it", async (target) => {
  await using started = await target.start();
  const { place } = started;
  const rule = ["--name", nameOn(target), "--once", "k"];
  assert.equal((await place.sera([...rule, "0", "true"])).code, 0);
  await using second = await holds(place, secondOn(target));
  const forget = ["forget", "--yes", ...rule];
  const refused = await place.sera(forget);
  assert.deepEqual([refused.code, refused.stdout], [204, ""]);
  assert.match(refused.stderr, /^sera: Nothing was forgotten: the lock is held; [^\n]*\n$/);
  assert.deepEqual((await history(place)).map(({ outcome }) => outcome), ["succeeded"]);
  await end(second);
  assert.equal((await place.sera(forget)).code, 0);
  // It gave both back.
  const both = ["--name", nameOn(target), "--name", secondOn(target), "0", "true"];
  assert.equal((await place.sera(both)).code, 0);
});
