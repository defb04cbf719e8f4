/** What is written to a ledger in etcd, and when nothing is. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { LedgerLockLostError } from "../../../lib/backends/etcd/ledger_store.ts";
import { checkEtcdLedger } from "../../../lib/backends/etcd/ledger_check.ts";
import type { EtcdLedger } from "../../../lib/backends/etcd/ledger.ts";
import type { Caller } from "../../../lib/backends/etcd/own_key.ts";
import { grant, leaseRequest, Path } from "../../../lib/backends/etcd/requests.ts";
import { readSightings } from "../../../lib/backends/etcd/sightings.ts";
import { int64 } from "../../../lib/backends/etcd/json.ts";
import { readGrant } from "../../../lib/backends/etcd/answers.ts";
import { DAY, PLAIN, RUNNER } from "../../ledger/run_holder.ts";
import { freshName, never } from "../open.ts";
import { sharedEtcd } from "../shared_server.ts";
import { type EtcdBench, etcdBench } from "./ledger_bench.ts";

const shared = sharedEtcd();
const HOUR = 3600 * 1000;

function test(name: string, fn: (bench: EtcdBench) => Promise<void>): void {
  shared.test(name, async (server) => {
    await using bench = etcdBench(server);
    await fn(bench);
  });
}

/** The names of keys, without the numbers. */
async function names(bench: EtcdBench): Promise<string[]> {
  return (await bench.all()).map(({ key }) => key!.replace(/^.*?\/ledger\//, "").replace(/[0-9a-f]{15,}/g, "#"));
}

/** A client that sends each request twice, as when the answer to the first is lost. */
function twice(client: Caller): Caller {
  return {
    address: client.address,
    where: client.where,
    async call(...args) {
      await client.call(...args).catch(() => undefined);
      return await client.call(...args);
    },
  };
}

const WRITES: Readonly<Record<string, (ledger: EtcdLedger, lock: string, id: bigint) => Promise<unknown>>> = {
  "marks nothing": (ledger, lock) => ledger.abandon(lock),
  "takes nothing back": (ledger, lock) => ledger.takeBack(lock, RUNNER),
  "begins nothing": (ledger, lock) => ledger.begin(lock, RUNNER, { ...PLAIN, once: "other", every: HOUR }),
  "ends nothing": (ledger, _, id) => ledger.finish(id, "succeeded", 0, PLAIN),
  "skips nothing": (ledger, lock) => ledger.skip(lock, RUNNER, PLAIN),
};
for (const [what, write] of Object.entries(WRITES)) {
  test(`after the lock is lost, sera ${what}`, async (bench) => {
    const holder = await bench.holder();
    const id = await holder.started({ once: "v1" });
    await holder.lose();
    // Another holder's lock of the same name does not count.
    await using _next = await bench.holder(holder.lock);
    const before = Deno.inspect(await bench.all());
    await assert.rejects(write(holder.ledger, holder.lock, id), (error) => {
      assert.ok(error instanceof LedgerLockLostError && !error.transient);
      assert.match(
        error.message,
        /^Cannot use the ledger on etcd at [^ ]+: the lock is lost and its key is gone, [^\n]+$/,
      );
      assert.equal(holder.ledger.isPermanent(error), true);
      return true;
    });
    assert.equal(Deno.inspect(await bench.all()), before);
    await holder.end();
  });
}

test("requests that are delivered twice record each run once", async (bench) => {
  await using holder = await bench.holder(freshName(), twice);
  const rule = { once: "v1", every: HOUR };
  const failed = await holder.ran("failed", rule);
  const left = await holder.started(rule);
  const id = await holder.ran("succeeded", rule);
  await holder.ledger.skip(holder.lock, RUNNER, PLAIN);
  const runs = await holder.ledger.latest(10);
  assert.deepEqual(
    runs.slice(1).map(({ id, outcome }) => [id, outcome]),
    [[id, "succeeded"], [left, "abandoned"], [failed, "failed"]],
  );
  assert.equal(runs[0]!.outcome, "skipped");
  assert.equal(runs.length, 4);
});

test("the number of a run is the lock's token, and later ones grow", async (bench) => {
  await using holder = await bench.holder();
  assert.equal(await holder.ran("succeeded"), holder.token);
  const second = await holder.ran("succeeded");
  assert.ok(second > holder.token);
  // Also for one who does not know of the first, such as the same process after an error.
  await holder.another().abandon(holder.lock);
  const third = await holder.another().begin(holder.lock, RUNNER, PLAIN);
  assert.ok(third.granted && third.id > second);
  await using next = await bench.holder();
  assert.ok(await next.ran("succeeded") > third.id);
});

test("every: etcd counts by a lease that lasts as long as the interval; a failed run revokes it", async (bench) => {
  await using holder = await bench.holder();
  const leases = async () => {
    const found = await bench.all("every/");
    return await Promise.all(found.map(async ({ lease }) => {
      const left = await bench.client.call(Path.timeToLive, leaseRequest(lease));
      return Number(int64(left, "grantedTTL"));
    }));
  };
  await holder.ran("failed", { every: HOUR });
  await holder.ran("unstarted", { every: HOUR, countFailures: true });
  assert.deepEqual(await leases(), []);
  await holder.ran("failed", { every: HOUR, countFailures: true });
  assert.deepEqual(await leases(), [3600]);
  // What only counts where failures do is of no use to this one.
  await holder.ran("succeeded", { every: 1500 });
  assert.deepEqual(await leases(), [2]);
  await holder.ran("succeeded", { once: "v1" });
  await bench.remove((await holder.ids()).at(-2)!);
  await holder.refused({ every: HOUR });
});

test("every: a shorter interval goes by the age of the lease, not by the machine's clock", async (bench) => {
  await using holder = await bench.holder();
  const id = await holder.ran("succeeded", { every: DAY });
  const { now } = Date;
  try {
    Date.now = () => now() + 10 * DAY;
    assert.equal((await holder.refused({ every: HOUR })).id, id);
  } finally {
    Date.now = now;
  }
});

test("every: after a change of leader, which restarts leases, the earlier end counts", async (bench) => {
  await using holder = await bench.holder();
  const id = await holder.ran("succeeded", { every: HOUR });
  const [key] = await bench.all("every/");
  const { id: lease } = readGrant(await bench.client.call(Path.grant, grant(3600)));
  await bench.put(key!.key!, { version: 1, span: HOUR, term: "1000000" }, lease);
  assert.equal((await holder.refused({ every: HOUR })).id, id);
  const [run] = await bench.all("run/");
  const value = JSON.parse(new TextDecoder().decode(run!.value));
  await bench.put(run!.key!, { ...value, started: Date.now() - HOUR - 1000 });
  await holder.started({ every: HOUR });
});

test("every: a run without a lease counts by the machine's clock", async (bench) => {
  await using holder = await bench.holder();
  const id = await holder.ran("succeeded");
  assert.equal((await holder.refused({ every: HOUR })).id, id);
  await bench.startAt(id, -HOUR - 1000);
  const short = await holder.ran("succeeded", { every: 1000 });
  await bench.startAt(short, -2000);
  assert.equal((await holder.refused({ every: HOUR })).id, short);
  // Its lease was as long as the interval, and is gone: the machine's clock does not matter.
  await bench.startAt(short, -500);
  for (const { key, lease } of await bench.all("every/")) {
    if (key === bench.keys.every(holder.lock, short)) await bench.client.call(Path.revoke, leaseRequest(lease));
  }
  await bench.startAt(id, -HOUR - 1000);
  await holder.started({ every: 1000 });
});

test("a forgotten run leaves nothing behind", async (bench) => {
  await using other = await bench.holder();
  await using holder = await bench.holder();
  const rule = { keepHistory: 0 };
  for (let round = 0; round < 3; round++) {
    await holder.ran("failed", { ...rule, once: "v1" });
    await holder.ran("unstarted", { ...rule, once: "v2", every: HOUR });
    await other.ran("succeeded", rule);
    await holder.ledger.skip(holder.lock, RUNNER, { ...PLAIN, ...rule });
  }
  await holder.started();
  await bench.expire();
  await holder.ledger.prune();
  assert.deepEqual(await names(bench), ["number", "of/#/#", "run/#", "running/#/#"]);
});

test("a few hundred runs are forgotten at a time; one that cannot be is skipped", async (bench) => {
  await using holder = await bench.holder();
  const old = holder.token - 1n;
  const past = Date.now() - DAY;
  // Runs without an end do not expire.
  for (let index = 0; index < 30; index++) await bench.put(bench.keys.expires(past, old - BigInt(index)), "");
  for (let index = 0; index < 30; index++) {
    await bench.put(bench.keys.run(old - BigInt(index)), { lock: holder.lock, outcome: "running" });
  }
  const newest = await holder.ran("succeeded");
  for (let index = 0; index < 300; index++) {
    const id = newest + 1000n + BigInt(index);
    await bench.put(bench.keys.run(id), { lock: "old", outcome: "succeeded" });
    await bench.put(bench.keys.expires(past + 1, id), "");
  }
  const left = async () => (await bench.all("run/")).length;
  assert.equal(await left(), 331);
  await holder.ledger.prune();
  assert.ok(await left() < 150, `${await left()}`);
  await holder.ledger.prune();
  assert.equal(await left(), 32);
});

test("testRun() leaves no trace", async (bench) => {
  const lock = freshName();
  for (const rule of [PLAIN, { ...PLAIN, once: "v1", every: HOUR }]) {
    const { found } = await checkEtcdLedger(bench.client.address, { lock, rule, runner: RUNNER });
    assert.match(found, /^it can be read and written; it has no run yet$/);
    assert.deepEqual(await bench.all(), []);
  }
  await using holder = await bench.holder();
  const id = await holder.ran("succeeded");
  const before = Deno.inspect(await bench.all());
  const { found } = await checkEtcdLedger(bench.client.address, { lock, rule: PLAIN, runner: RUNNER });
  assert.match(found, new RegExp(`^it can be read and written; its last run is ${id}, of `));
  assert.equal(Deno.inspect(await bench.all()), before);
});

test("looking at locks shows the runs of their holders, not those of dead processes", async (bench) => {
  const seen = async (lock: string) => {
    const { sightings } = await readSightings(bench.client, { lock }, never);
    return sightings.map(({ runId }) => runId);
  };
  const dead = await bench.holder();
  await dead.started();
  assert.deepEqual(await seen(dead.lock), [dead.token]);
  await dead.end();
  await using holder = await bench.holder(dead.lock);
  assert.deepEqual(await seen(dead.lock), [undefined]);
  const id = await holder.started();
  await using _waiter = await bench.holder(dead.lock);
  assert.deepEqual(await seen(dead.lock), [id, undefined]);
  await holder.finish(id, "succeeded");
  assert.deepEqual(await seen(dead.lock), [undefined, undefined]);
});

test("reading changes nothing", async (bench) => {
  await using holder = await bench.holder();
  await holder.ran("succeeded");
  const { EtcdLedger } = await import("../../../lib/backends/etcd/ledger.ts");
  const reader = new EtcdLedger({ client: bench.client });
  assert.equal((await reader.latest(10)).length, 1);
  await assert.rejects(reader.begin(holder.lock, RUNNER, PLAIN), LockUnavailableError);
});
