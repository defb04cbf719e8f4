/** Several locks in etcd that are held together: all or none. */

import assert from "node:assert/strict";
import { type CallOptions, EtcdClient } from "../../../lib/backends/etcd/client.ts";
import type { JsonObject } from "../../../lib/backends/etcd/json.ts";
import { EtcdLedger } from "../../../lib/backends/etcd/ledger.ts";
import { EtcdLock } from "../../../lib/backends/etcd/lock.ts";
import { ownKeyOf } from "../../../lib/backends/etcd/own_key.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { OtherSlotsError, QueueFullError } from "../../../lib/errors.ts";
import { until } from "../../cli/wait.ts";
import { base64 } from "../../servers/etcd_client.ts";
import type { Etcd } from "../../servers/etcd_member.ts";
import { freshName, hold, later, never, open, plainOptions, SHORT_LEASE } from "../open.ts";
import { parseEtcd } from "../parse.ts";
import { sharedEtcd } from "../shared_server.ts";
import { allOf, queueOf, waiting } from "./view.ts";

const shared = sharedEtcd();

/** Names, the first of which is the main one; it is neither the first nor the last in their order. */
function threeNames(): [string, string, string] {
  const [first, main, last] = [freshName(), freshName(), freshName()].toSorted();
  return [main!, last!, first!];
}

/** How many keys there are for each lock. */
async function counts(etcd: Etcd, names: readonly string[]): Promise<readonly number[]> {
  return await Promise.all(names.map(async (name) => (await allOf(etcd, name)).length));
}

shared.test("several locks are taken in one request, each with a token, and released together", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  const client = new Counting(await parseEtcd(etcd.url()));
  await using one = new EtcdLock(client, main, { ...plainOptions, also });
  const lock = await hold(one);
  assert.equal(client.asked, 1);
  const tokens = await Promise.all(names.map(async (name) => BigInt((await queueOf(etcd, name))[0]!.created)));
  assert.deepEqual([lock.token, ...lock.alsoTokens!], tokens);
  assert.equal(lock.slot, undefined);
  for (const name of names) {
    await using other = await open(etcd.url(), name);
    assert.equal(await other.acquire(0, never), undefined);
  }
  await lock.confirm();
  await lock.release();
  assert.deepEqual(await counts(etcd, names), [0, 0, 0]);
});

shared.test("if one of several locks is busy, none is taken, and none is kept when the wait runs out", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  for (const busy of names) {
    await using one = await open(etcd.url(), busy);
    const lock = await hold(one);
    for (const wait of [0, 100]) {
      {
        await using all = await open(etcd.url(), main, undefined, { also });
        assert.equal(await all.acquire(wait, never), undefined);
      }
      assert.deepEqual(await counts(etcd, names), names.map((name) => name === busy ? 1 : 0));
    }
    await lock.release();
  }
});

shared.test("several locks are waited for one after the other, in the order of their names", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  const sorted = names.toSorted();
  await using stack = new AsyncDisposableStack();
  const held = [];
  for (const name of sorted) held.push(await hold(stack.use(await open(etcd.url(), name))));
  const all = stack.use(await open(etcd.url(), main, undefined, { also }));
  const granted = all.acquire(Infinity, never);
  for (const [index, lock] of held.entries()) {
    await waiting(etcd, sorted[index]!, 1);
    assert.deepEqual(await counts(etcd, sorted), sorted.map((_, at) => at === index ? 2 : 1));
    await lock.release();
  }
  const lock = await granted;
  await lock!.confirm();
  const tokens = await Promise.all(names.map(async (name) => BigInt((await queueOf(etcd, name))[0]!.created)));
  assert.deepEqual([lock!.token, ...lock!.alsoTokens!], tokens);
  await lock!.release();
  assert.deepEqual(await counts(etcd, names), [0, 0, 0]);
});

shared.test("sessions that request the same locks in different orders do not deadlock", async (etcd) => {
  const names = threeNames();
  await using stack = new AsyncDisposableStack();
  let [inside, runs] = [0, 0];
  await Promise.all(Array.from({ length: 12 }, async (_, index) => {
    const [main, ...also] = [...names.slice(index % 3), ...names.slice(0, index % 3)].slice(0, 2 + index % 2);
    const lock = await stack.use(await open(etcd.url(), main!, undefined, { also })).acquire(Infinity, never);
    // Each two of them have a lock in common.
    assert.equal(++inside, 1);
    await lock!.confirm();
    inside--;
    runs++;
    await lock!.release();
  }));
  assert.equal(runs, 12);
});

for (const index of [0, 1, 2]) {
  shared.test(`losing one of several locks loses all: number ${index}`, async (etcd) => {
    const names = threeNames();
    const [main, ...also] = names;
    await using all = await open(etcd.url(), main, undefined, { also, lease: SHORT_LEASE });
    const lock = await hold(all);
    const [entry] = await queueOf(etcd, names[index]!);
    await etcd.call("/v3/kv/deleterange", { key: base64(entry!.key) });
    await until("it is lost", () => lock.lost.aborted);
    assert.match(lock.lost.reason.message, /its key was deleted/);
    await all[Symbol.asyncDispose]();
    assert.deepEqual(await counts(etcd, names), [0, 0, 0]);
  });
}

shared.test("a lock that is lost while waiting for the next one is acquired again", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  const sorted = names.toSorted();
  await using stack = new AsyncDisposableStack();
  const last = await hold(stack.use(await open(etcd.url(), sorted[2]!)));
  const granted = stack.use(await open(etcd.url(), main, undefined, { also })).acquire(Infinity, never);
  await waiting(etcd, sorted[2]!, 1);
  const [entry] = await queueOf(etcd, sorted[0]!);
  await etcd.call("/v3/kv/deleterange", { key: base64(entry!.key) });
  await last.release();
  const lock = await granted;
  await lock!.confirm();
  assert.deepEqual(await counts(etcd, names), [1, 1, 1]);
});

for (const asked of [{ also: [freshName(), freshName()] }, { slots: 2 }, { slots: 2, also: [freshName()] }]) {
  shared.test(`the last write to the ledger frees all that is held: ${Object.keys(asked).join(" and ")}`, async (etcd) => {
    const name = freshName();
    const names = [name, ...asked.also ?? []];
    const ledger = { table: { schema: undefined, name: "unused" }, on: true };
    await using one = await open(etcd.url(), name, undefined, { ...asked, ledger });
    const lock = await hold(one);
    const own = ownKeyOf(lock.session);
    assert.equal(own.hasLeftRuns, false);
    const runs = new EtcdLedger(own);
    const rule = { countFailures: false, keepHistory: 60_000 };
    const permission = await runs.begin(name, { host: "here", pid: 1, user: "u", label: "test" }, rule);
    assert.ok(permission.granted && permission.id === lock.token);
    await runs.finish(permission.id, "succeeded", 0, rule, { isLast: true });
    assert.deepEqual(await counts(etcd, names), names.map(() => 0));
    await lock.release();
  });
}

shared.test("a request that is executed twice takes the locks once", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  await using one = new EtcdLock(new Twice(await parseEtcd(etcd.url())), main, { ...plainOptions, also });
  const lock = await hold(one);
  assert.deepEqual(await counts(etcd, names), [1, 1, 1]);
  await lock.confirm();
});

shared.test("another lock that has slots, or as many waiters as allowed, is refused", async (etcd) => {
  const names = threeNames();
  const [main, ...also] = names;
  await using stack = new AsyncDisposableStack();
  const slot = await hold(stack.use(await open(etcd.url(), also[0]!, undefined, { slots: 2 })));
  for (const wait of [0, Infinity]) {
    await using all = await open(etcd.url(), main, undefined, { also });
    await assert.rejects(all.acquire(wait, never), OtherSlotsError);
  }
  await slot.release();
  await hold(stack.use(await open(etcd.url(), also[1]!)));
  later(stack.use(await open(etcd.url(), also[1]!)).acquire(Infinity, never)).catch(() => undefined);
  await waiting(etcd, also[1]!, 1);
  {
    await using all = await open(etcd.url(), main, undefined, { also, maxWaiters: 1 });
    await assert.rejects(all.acquire(Infinity, never), QueueFullError);
  }
  assert.deepEqual((await counts(etcd, names)).slice(0, 2), [0, 0]);
});

shared.test("slots are acquired last, and held together with the other lock", async (etcd) => {
  const name = freshName();
  // Last in the order of names.
  const rule = `f${"f".repeat(31)}`;
  await using stack = new AsyncDisposableStack();
  const options = { slots: 2, also: [rule] };
  const lock = await hold(stack.use(await open(etcd.url(), name, undefined, options)));
  assert.equal(lock.slot, 0);
  assert.equal(lock.alsoTokens!.length, 1);
  assert.ok(lock.alsoTokens![0]! < lock.token!);
  // A slot is free, but the lock beside it is not.
  assert.equal(await stack.use(await open(etcd.url(), name, undefined, options)).acquire(0, never), undefined);
  const next = await hold(stack.use(await open(etcd.url(), name, undefined, { slots: 2 })));
  assert.equal(next.slot, 1);
  const granted = stack.use(await open(etcd.url(), name, undefined, options)).acquire(Infinity, never);
  await waiting(etcd, rule, 1);
  await lock.release();
  assert.equal((await granted)!.slot, 0);
});

shared.test("more locks than one request takes are held together", async (etcd) => {
  const [main, ...also] = Array.from({ length: 130 }, freshName);
  await using all = await open(etcd.url(), main!, undefined, { also, lease: SHORT_LEASE });
  const lock = await hold(all);
  assert.equal(lock.alsoTokens!.length, 129);
  await new Promise<void>((resolve) => lock.onRenewed = resolve);
  await using other = await open(etcd.url(), also[100]!);
  assert.equal(await other.acquire(0, never), undefined);
  await lock.release();
  await hold(other);
});

/** A client that counts its transactions. */
class Counting extends EtcdClient {
  asked = 0;

  override async call(path: string, body: JsonObject, options?: CallOptions): Promise<JsonObject> {
    if (path === Path.txn) this.asked++;
    return await super.call(path, body, options);
  }
}

/** A client whose transactions all arrive twice, as when the answer to the first one is lost. */
class Twice extends EtcdClient {
  override async call(path: string, body: JsonObject, options?: CallOptions): Promise<JsonObject> {
    if (path === Path.txn) await super.call(path, body, options);
    return await super.call(path, body, options);
  }
}
