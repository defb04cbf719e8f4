import assert from "node:assert/strict";
import { LedgerKeys } from "../../lib/backends/etcd/ledger_keys.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { entriesBelow } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import { base64, runEtcdctl } from "../servers/etcd_client.ts";
import { age } from "./etcd_target.ts";
import { testOn, useEtcd } from "./targets.ts";

const shared = sharedEtcd();
const target = useEtcd();

shared.test("ageing the ledger moves times and leases back, and changes nothing else", async (etcd) => {
  const keys = new LedgerKeys("aging/");
  const put = async (key: string, value: unknown, seconds = 0) => {
    const { ID } = seconds === 0 ? { ID: "0" } : await etcd.call("/v3/lease/grant", { TTL: `${seconds}` });
    await etcd.call("/v3/kv/put", { key: base64(key), value: base64(JSON.stringify(value)), lease: ID });
  };
  const run = { pid: 5_000_000, started: 5_000_000, finished: 6_000_000, expires: 9_000_000 };
  const lock = `aging/${lockName("n")}/1`;
  const outside = new LedgerKeys("aging2/").run(1n);
  await put(keys.run(1n), run);
  await put(keys.expires(9_000_000, 1n), "");
  await put(keys.every("n", 1n), { span: 3_600_000, term: "2" }, 3600);
  await put(keys.every("n", 2n), { span: 10_000_000, term: "2" }, 10_000);
  await put(lock, { started: 1 }, 3600);
  await put(outside, run, 3600);
  const entries = async () =>
    new Map(
      (await Promise.all(["aging/", "aging2/"].map((prefix) => entriesBelow(etcd, prefix)))).flat()
        .map(({ key, value, lease }) => [key, { value: JSON.parse(value), lease }]),
    );
  const left = async (key: string) => {
    const { lease } = (await entries()).get(key) ?? {};
    return Number((await etcd.call("/v3/lease/timetolive", { ID: lease })).TTL);
  };
  await age(etcd, "aging/", 1_800_000);
  const found = await entries();
  assert.deepEqual(Object.fromEntries([...found].map(([key, { value }]) => [key, value])), {
    [keys.run(1n)]: { pid: 5_000_000, started: 3_200_000, finished: 4_200_000, expires: 7_200_000 },
    [keys.expires(7_200_000, 1n)]: "",
    [keys.every("n", 1n)]: { span: 3_600_000, term: "0" },
    [keys.every("n", 2n)]: { span: 10_000_000, term: "0" },
    [lock]: { started: 1 },
    [outside]: run,
  });
  const lasting = [[keys.every("n", 1n), 1800], [keys.every("n", 2n), 8200], [lock, 3600], [outside, 3600]] as const;
  for (const [key, seconds] of lasting) {
    const now = await left(key);
    // The tests may be slow.
    assert.ok(now <= seconds && now > seconds - 600, `${key}: ${now}`);
  }
  await age(etcd, "aging/", 3_600_000);
  assert.deepEqual([...(await entries()).keys()].filter((key) => key.includes("/every/")), [keys.every("n", 2n)]);
});

testOn(target, "waiters for a lock on etcd are counted without the holder, separately for each test", async () => {
  await using started = await target.start();
  await using other = await target.start();
  const { host, pathname } = new URL(started.server);
  for (const count of [0, 0, 1, 2]) {
    assert.equal(await started.waiters("n"), count);
    const key = `${pathname.slice(1)}${lockName("n")}/${crypto.randomUUID()}`;
    await runEtcdctl([`http://${host}`], {}, ["put", key, "somebody"]);
  }
  assert.match(await started.sessions(), /somebody/);
  assert.equal(await other.waiters("n"), 0);
  assert.equal(await other.sessions(), "[]");
});
