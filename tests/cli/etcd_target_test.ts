import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { entriesBelow } from "../backends/etcd/view.ts";
import { sharedEtcd } from "../backends/shared_server.ts";
import { base64, runEtcdctl } from "../servers/etcd_client.ts";
import { age } from "./etcd_target.ts";
import { testOn, useEtcd } from "./targets.ts";

const shared = sharedEtcd();
const target = useEtcd();

shared.test("what ages has so much less left, but for locks", async (etcd) => {
  const began = "2026-01-01T12:00:00.000Z";
  const put = async (key: string, seconds: number) => {
    const { ID } = seconds === 0 ? { ID: "0" } : await etcd.call("/v3/lease/grant", { TTL: `${seconds}` });
    const value = base64(JSON.stringify({ began }));
    const whole = key.replace("LEASE", BigInt(String(ID)).toString(16));
    await etcd.call("/v3/kv/put", { key: base64(whole), value, lease: ID });
    return whole;
  };
  const short = await put("aging/short", 3600);
  const long = await put("aging/long", 10_000);
  const ever = await put("aging/ever", 0);
  const lock = await put("aging/name/LEASE", 3600);
  const outside = await put("aging2/short", 3600);
  const entries = async () =>
    (await Promise.all(["aging/", "aging2/"].map((prefix) => entriesBelow(etcd, prefix)))).flat();
  const left = async (key: string) => {
    const found = (await entries()).find((entry) => entry.key === key);
    return Number((await etcd.call("/v3/lease/timetolive", { ID: found?.lease })).TTL);
  };
  await age(etcd, "aging/", 1_800_000);
  const earlier = "2026-01-01T11:30:00.000Z";
  assert.deepEqual(Object.fromEntries((await entries()).map(({ key, value }) => [key, JSON.parse(value).began])), {
    [short]: earlier,
    [long]: earlier,
    [ever]: earlier,
    [lock]: began,
    [outside]: began,
  });
  for (const [key, seconds] of [[short, 1800], [long, 8200], [lock, 3600], [outside, 3600]] as const) {
    const now = await left(key);
    // The tests may be slow.
    assert.ok(now <= seconds && now > seconds - 600, `${key}: ${now}`);
  }
  await age(etcd, "aging/", 3_600_000);
  assert.deepEqual((await entries()).map(({ key }) => key).toSorted(), [lock, long, ever, outside].toSorted());
});

testOn(target, "who waits for a lock on etcd is counted without its holder, for each test alone", async () => {
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
