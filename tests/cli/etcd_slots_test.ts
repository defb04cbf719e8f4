/** Slots of a lock in etcd seen from outside: runs that start all at once, and their commands' variables. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { allOf, waitersOf } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import { Place } from "./place.ts";
import { Running } from "./running.ts";
import { until } from "./wait.ts";

const shared = sharedEtcd();

/** A command that prints its slot, and ends when told to. */
const IN_SLOT = ["sh", "-c", 'echo "slot $SERA_SLOT token $SERA_TOKEN"; read -r _'];

shared.test("of twice as many runs as slots half run at once, each in its own slot", async (etcd) => {
  const prefix = "at-once/";
  await using place = await Place.make(etcd.url(prefix));
  await using stack = new AsyncDisposableStack();
  const slots = 4;
  const all = Array.from({ length: 2 * slots }, () => {
    return stack.use(place.startSera(["--name", "n", "--slots", `${slots}`, "0", ...IN_SLOT], { stdin: "open" }));
  });
  const running = () => all.filter(({ stdout }) => stdout.startsWith("slot "));
  await until("each runs or has left", () => running().length + all.filter(({ over }) => over).length === all.length);
  const said = running().map(({ stdout }) => /^slot (\d+) token (\d+)\n$/.exec(stdout)!);
  assert.deepEqual(said.map(([, slot]) => Number(slot)).toSorted(), [0, 1, 2, 3]);
  assert.equal(new Set(said.map(([, , token]) => token)).size, slots);
  for (const one of all.filter((one) => !running().includes(one))) assert.equal((await one.ended).code, 204);
  for (const one of running()) await one.write("\n");
  for (const one of running()) assert.equal((await one.ended).code, 0);
  assert.deepEqual(await allOf(etcd, lockName("n"), prefix), []);
});

shared.test("etcdctl, slots and waiters together: status shows all, and nobody starves", async (etcd) => {
  const prefix = "together/";
  await using place = await Place.make(etcd.url(prefix));
  const lock = lockName("n");
  const args = ["--name", "n", "--slots", "2"];
  await using zero = place.startSera([...args, "0", ...IN_SLOT], { stdin: "open" });
  await zero.says("slot 0 ");
  await using one = place.startSera([...args, "0", ...IN_SLOT], { stdin: "open" });
  await one.says("slot 1 ");
  const words = [...etcd.etcdctlCommand, "lock", `${prefix}${lock}`];
  await using theirs = new Running(words, { env: Deno.env.toObject() });
  await until("etcdctl waits", async () => (await waitersOf(etcd, lock, prefix)).length === 1);
  await using waiter = place.startSera([...args, "forever", ...IN_SLOT], { stdin: "open" });
  await until("sera waits", async () => (await waitersOf(etcd, lock, prefix)).length === 2);
  const full = await place.sera([...args, "--max-waiters", "2", "--verbose", "60", "true"]);
  assert.equal(full.code, 204);
  assert.match(full.stdout + full.stderr, /2 runs already wait for it/);
  const plain = await place.sera(["--name", "n", "60", "true"]);
  assert.equal(plain.code, 201);
  assert.match(plain.stderr, /The lock is held with --slots 2, but this run has --slots 1 \(the default\)/);
  await zero.write("\n");
  await theirs.says(`${prefix}${lock}/`);
  await one.write("\n");
  await waiter.says("slot 1 ");
  theirs.kill("SIGTERM");
  await waiter.write("\n");
  assert.equal((await waiter.ended).code, 0);
  await theirs.ended;
  await until("nothing is left", async () => (await allOf(etcd, lock, prefix)).length === 0);
});

shared.test("the ledger keeps runs of all slots, and the last write frees a slot and its mark", async (etcd) => {
  const prefix = "ledger-slots/";
  await using place = await Place.make(etcd.url(prefix));
  const args = ["--name", "n", "--slots", "2", "--ledger"];
  await using other = place.startSera([...args, "0", ...IN_SLOT], { stdin: "open" });
  await other.says("slot 0 ");
  assert.equal((await place.sera([...args, "0", "true"])).code, 0);
  await other.write("\n");
  assert.equal((await other.ended).code, 0);
  assert.deepEqual(await allOf(etcd, lockName("n"), prefix), []);
  const { stdout } = await place.sera(["history", "--name", "n", "--json"]);
  assert.equal(stdout.match(/"succeeded"/g)?.length, 2, stdout);
});
