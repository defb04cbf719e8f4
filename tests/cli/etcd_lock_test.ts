// Starts early: leases have to run out in it.

/** Locks in etcd seen from outside: runs that are stopped, killed and ended, together with `etcdctl lock`. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { queueOf } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import type { Etcd } from "../servers/etcd_member.ts";
import { fixture, Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import { Running } from "./running.ts";
import { Batches } from "../side_by_side.ts";
import { assertCommandDiesFirst } from "./stopped_holder.ts";
import { until } from "./wait.ts";

const shared = sharedEtcd();

/** Each has keys of its own. */
const batches = new Batches();

/** Short, since it has to run out; a tenth of it is the time to kill a command in, also on a busy machine. */
const TTL = ["--ttl", "10s"];

/** Resolves when so many are in the queue for a key's lock. */
async function queued(etcd: Etcd, prefix: string, key: string, count: number): Promise<void> {
  await until(`${count} in the queue`, async () => (await queueOf(etcd, lockName(key), prefix)).length === count);
}

/** A place with keys of its own. */
let places = 0;
async function placeOn(etcd: Etcd): Promise<{ place: Place; prefix: string }> {
  const prefix = `locks-${++places}/`;
  return { place: await Place.make(etcd.url(prefix)), prefix };
}

for (const grace of ["0", "20"]) {
  shared.testInBatch(
    batches,
    `when sera is stopped, with a grace period of ${grace} s, its command is dead before another gets the lock`,
    async (etcd) => {
      const { place, prefix } = await placeOn(etcd);
      await using _ = place;
      await assertCommandDiesFirst(place, ["--name", "n", ...TTL, "--grace", grace]);
      await queued(etcd, prefix, "n", 0);
    },
  );
}

shared.testInBatch(
  batches,
  "a waiter that was stopped for longer than its lease queues again, behind those who came meanwhile",
  async (etcd) => {
    const { place, prefix } = await placeOn(etcd);
    await using _ = place;
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--name", "n", ...TTL, "--verbose", "forever", "echo", "ran"]);
    await waiter.says("Waiting for");
    await queued(etcd, prefix, "n", 2);
    await waiter.suspend();
    await queued(etcd, prefix, "n", 1);
    await using other = place.startSera(["--name", "n", "forever", fixture("hold.sh")], { stdin: "open" });
    await queued(etcd, prefix, "n", 2);
    waiter.kill("SIGCONT");
    await queued(etcd, prefix, "n", 3);
    await holder.closeStdin();
    await other.says("ready");
    assert.equal(waiter.over, false);
    await other.closeStdin();
    const { code, stdout, stderr } = await waiter.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Lock acquired after [^\n]+\nran\n/m);
    // Either may be the first that it notices when it goes on.
    assert.match(stdout + stderr, /the lease ended before the lock was held|no answer within/);
    await queued(etcd, prefix, "n", 0);
  },
);

shared.testInBatch(batches, "a holder or waiter that is ended by a signal leaves nothing in etcd", async (etcd) => {
  const { place, prefix } = await placeOn(etcd);
  await using _ = place;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    await using holder = place.startSera(["--name", "n", "0", "sleep", "1000"]);
    await queued(etcd, prefix, "n", 1);
    await using waiter = place.startSera(["--name", "n", "forever", "true"]);
    await queued(etcd, prefix, "n", 2);
    waiter.kill(signal);
    await waiter.ended;
    assert.equal((await queueOf(etcd, lockName("n"), prefix)).length, 1);
    await underWatch(holder);
    holder.kill(signal);
    await holder.ended;
    assert.deepEqual(await queueOf(etcd, lockName("n"), prefix), []);
  }
});

shared.testInBatch(batches, "etcdctl lock and sera exclude each other, and status shows both", async (etcd) => {
  const { place, prefix } = await placeOn(etcd);
  await using _ = place;
  const lock = `${prefix}${lockName("n")}`;
  await using theirs = new Running([...etcd.etcdctlCommand, "lock", lock], { env: Deno.env.toObject() });
  await theirs.says(`${lock}/`);
  const busy = await place.sera(["--name", "n", "--verbose", "0", "true"]);
  assert.equal(busy.code, 204);
  assert.match(busy.stdout + busy.stderr, /somebody else holds it \(lease [0-9a-f]+\)/);
  await using waiter = place.startSera(["--name", "n", "forever", fixture("hold.sh")], { stdin: "open" });
  await queued(etcd, prefix, "n", 2);
  const { locks: [found] } = JSON.parse((await place.sera(["status", "--json"])).stdout);
  assert.match(found.holder.address, /^lease [0-9a-f]+$/);
  assert.equal(found.waiters[0].pid, waiter.pid);
  theirs.kill("SIGTERM");
  await waiter.says("ready");
  const words = [...etcd.etcdctlCommand, "lock", lock, "echo", "etcdctl has it"];
  await using next = new Running(words, { env: Deno.env.toObject() });
  await queued(etcd, prefix, "n", 2);
  assert.equal(next.stdout, "");
  await waiter.closeStdin();
  assert.match((await next.ended).stdout, /etcdctl has it/);
});
