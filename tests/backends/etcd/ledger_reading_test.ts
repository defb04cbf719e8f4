/** Reading a ledger in etcd, which others may have written. */

import assert from "node:assert/strict";
import { historyJson } from "../../../lib/ledger/history.ts";
import { historyTable } from "../../../lib/ledger/history_table.ts";
import { cut, newRun } from "../../../lib/backends/etcd/stored_run.ts";
import { LedgerKeys } from "../../../lib/backends/etcd/ledger_keys.ts";
import { step, txn } from "../../../lib/backends/etcd/requests.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import type { Caller } from "../../../lib/backends/etcd/own_key.ts";
import { DAY, RUNNER } from "../../ledger/run_holder.ts";
import { freshName } from "../open.ts";
import { sharedEtcd } from "../shared_server.ts";
import { type EtcdBench, etcdBench } from "./ledger_bench.ts";

const shared = sharedEtcd();

function test(name: string, fn: (bench: EtcdBench) => Promise<void>): void {
  shared.test(name, async (server) => {
    await using bench = etcdBench(server);
    await fn(bench);
  });
}

/** What must not reach a terminal. */
// deno-lint-ignore no-control-regex
const HARMFUL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Adds runs by hand, as many as fit into a transaction at a time. */
async function addRuns(
  { client, keys }: Pick<EtcdBench, "client" | "keys">,
  ids: readonly bigint[],
  lockOf: (index: number) => string,
  runner = RUNNER,
): Promise<void> {
  for (let at = 0; at < ids.length; at += 50) {
    const steps = ids.slice(at, at + 50).flatMap((id, index) => {
      const lock = lockOf(at + index);
      const run = newRun(lock, undefined, runner, { outcome: "succeeded", started: Date.now() });
      return [step.put(keys.run(id), JSON.stringify(run)), step.put(keys.of(lock, id), "")];
    });
    await client.call(Path.txn, txn([], steps));
  }
}

function upTo(count: number, from = 1n): bigint[] {
  return Array.from({ length: count }, (_, index) => from + BigInt(index));
}

const WRONG: readonly unknown[] = [
  "no JSON",
  "",
  "null",
  "[]",
  "7",
  {},
  { outcome: "running" },
  { outcome: "RUNNING; DROP", lock: "x" },
  { lock: 7, label: ["x"], host: {}, pid: "many", started: "infinity", exit_code: 1e300 },
  { label: "\x1b[31m\r\n\u202e\0", host: "it's", user: "x".repeat(10_000), outcome: "succeeded" },
  { pid: -1, started: -1, finished: 1e308, exit_code: -1, outcome: "failed", expires: "soon", every: "long" },
];

test("invalid values hide no others, and stop no run", async (bench) => {
  await using holder = await bench.holder();
  const first = await holder.ran("succeeded", { once: "first" });
  const { keys } = bench;
  const far = 2n ** 63n;
  for (const [index, value] of WRONG.entries()) {
    const what = Deno.inspect(value).slice(0, 50);
    const id = far + BigInt(index);
    await bench.put(keys.run(id), value);
    for (const list of [keys.of(holder.lock, id), keys.running(holder.lock, id), keys.every(holder.lock, id)]) {
      await bench.put(list, value);
    }
    await bench.put(keys.expires(Date.now() - DAY, id), value);
    for (const end of ["succeeded", "failed"] as const) await bench.put(keys.last(holder.lock, end), value);
    await bench.put(keys.once(holder.lock, what), value);
    await bench.put(`${keys.runs}not-a-number`, value);
    await bench.put(`${keys.runs}zzz\u{10ffff}`, value);
    const runs = await holder.ledger.latest(10_000);
    assert.ok(runs.some(({ id }) => id === first), what);
    const shown = historyTable(runs);
    assert.doesNotMatch(shown, HARMFUL, what);
    for (const line of shown.split("\n")) assert.ok(line.length < 1500, what);
    assert.equal(JSON.parse(historyJson(runs)).runs.length, runs.length);
    const ran = await holder.ran("succeeded", { once: what });
    assert.equal((await holder.recorded(ran)).outcome, "succeeded", what);
    assert.equal((await holder.refused({ once: what })).id, ran);
    assert.equal((await holder.refused({ every: DAY })).id, ran);
    await holder.ledger.prune();
  }
  assert.equal((await holder.refused({ once: "first" })).id, first);
});

test("fields of a later version are kept, and its outcomes are shown", async (bench) => {
  await using holder = await bench.holder();
  const id = await holder.started();
  const [run] = await bench.all("run/");
  const value = JSON.parse(new TextDecoder().decode(run!.value));
  await bench.put(run!.key!, { ...value, version: 2, zone: "there" });
  // Changed by another since it was begun here, and not ended.
  await holder.finish(id, "succeeded");
  const [after] = await bench.all("run/");
  const { zone, version, outcome } = JSON.parse(new TextDecoder().decode(after!.value));
  assert.deepEqual([zone, version, outcome], ["there", 2, "succeeded"]);
  await bench.mark(id, "paused");
  assert.equal((await holder.recorded(id)).outcome, "paused");
});

test("any number of runs can be read, also with the longest texts", async (bench) => {
  await using holder = await bench.holder();
  const long = "\u0001".repeat(190);
  await addRuns(bench, upTo(250), () => holder.lock, { label: long, host: long, pid: 1, user: long });
  // Of a lock it is also asked whether there are runs in slots.
  for (const lock of [undefined, holder.lock]) {
    const runs = await holder.ledger.latest(1000, { lock });
    assert.deepEqual(runs.map(({ id }) => id), upTo(250).toReversed());
    assert.ok(runs.every(({ label, user }) => label === long && user === long));
    assert.deepEqual((await holder.ledger.latest(101, { lock })).map(({ id }) => id), upTo(101, 150n).toReversed());
  }
});

test("no more runs are read than requested, however many there are", async (bench) => {
  const asked: number[] = [];
  const through = (client: Caller): Caller => ({
    address: client.address,
    where: client.where,
    async call(...args) {
      const answer = await client.call(...args);
      asked.push(JSON.stringify(answer).length);
      return answer;
    },
  });
  await using holder = await bench.holder(freshName(), through);
  await addRuns(bench, upTo(3000), (index) => (index % 3 === 0 ? holder.lock : freshName()));
  // Of a lock it is also asked whether there are runs in slots.
  for (const lock of [undefined, holder.lock]) {
    asked.length = 0;
    assert.equal((await holder.ledger.latest(5, { lock })).length, 5);
    assert.ok(asked.length <= 3 && asked.every((length) => length < 8000), `${asked}`);
  }
});

test("values that do not fit into one answer, and one that fits into none, hide no others", async (bench) => {
  await using holder = await bench.holder();
  const first = await holder.ran("succeeded", { once: "first" });
  const big = (length: number) => ({ lock: holder.lock, outcome: "succeeded", label: "x".repeat(length) });
  for (const [id, length] of [[1n, 400_000], [2n, 400_000], [3n, 1_000_000], [4n, 400_000]] as const) {
    await bench.put(bench.keys.run(id), big(length));
    await bench.put(bench.keys.of(holder.lock, id), "");
  }
  const last = await holder.ran("succeeded", { once: "last" });
  // Of a lock it is also asked whether there are runs in slots.
  for (const lock of [undefined, holder.lock]) {
    const runs = await holder.ledger.latest(100, { lock });
    assert.deepEqual(runs.map(({ id }) => id), [last, first, 4n, 2n, 1n]);
    assert.ok(runs.every(({ label }) => label.length <= 190));
  }
});

test("runs of locks with the same prefix are listed newest first across all of them", async (bench) => {
  await using holder = await bench.holder();
  const locks = ["1,10", "1,2", "2,1", "-3,1"];
  await addRuns(bench, upTo(40), (index) => locks[index % 4]!);
  const latest = async (limit: number, beginnings: readonly string[], lock?: string) =>
    (await holder.ledger.latest(limit, { lock, beginnings })).map(({ id }) => id);
  assert.deepEqual(await latest(3, ["1,"]), [38n, 37n, 34n]);
  assert.deepEqual(await latest(3, ["1,1", "-3,"]), [40n, 37n, 36n]);
  assert.deepEqual(await latest(3, ["1,", "1,1"]), [38n, 37n, 34n]);
  assert.equal((await latest(1000, ["1,", "2,", "-3,"])).length, 40);
  assert.deepEqual(await latest(3, ["1,"], "1,2"), [38n, 34n, 30n]);
  assert.deepEqual(await latest(3, ["1,"], "2,1"), []);
  assert.deepEqual(await latest(3, []), []);
});

test("of many runs that seem to be running only some are reported, but all are marked", async (bench) => {
  await using holder = await bench.holder();
  for (const id of upTo(250)) {
    await bench.put(bench.keys.run(id), { lock: holder.lock, outcome: "running" });
    await bench.put(bench.keys.running(holder.lock, id), "");
  }
  assert.equal((await holder.ledger.abandon(holder.lock)).length, 100);
  assert.equal((await holder.ledger.abandon(holder.lock)).length, 0);
  assert.ok((await holder.ledger.latest(1000)).every(({ outcome }) => outcome === "abandoned"));
});

Deno.test("ledger keys sort the newest run first, and are never a lock's key", () => {
  const keys = new LedgerKeys("sera/");
  const ids = [0n, 1n, 255n, 256n, 2n ** 53n + 1n, 2n ** 63n - 1n];
  assert.deepEqual(ids.map((id) => keys.run(id)).toSorted(), ids.map((id) => keys.run(id)).toReversed());
  const times = [0, 9, 10, Date.now(), Date.UTC(9999, 11, 31)];
  assert.deepEqual(times.map((time) => keys.expires(time, 1n)).toSorted(), times.map((time) => keys.expires(time, 1n)));
  assert.ok(keys.expires(10, 1n) < keys.expiringBy(11) && keys.expires(11, 0n) > keys.expiringBy(11));
  assert.equal(cut("😀".repeat(300)), "😀".repeat(190));
});
