/** Slots of a lock in etcd: how many hold them at once, in which order they are waited for, and who agrees to their number. */

import assert from "node:assert/strict";
import { type CallOptions, EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { EtcdLock } from "../../../lib/backends/etcd/lock.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { OtherSlotsError, QueueFullError } from "../../../lib/errors.ts";
import type { JsonObject } from "../../../lib/backends/etcd/json.ts";
import type { HeldLock, Lock } from "../../../lib/lock/lock.ts";
import { Running } from "../../cli/running.ts";
import { until } from "../../cli/wait.ts";
import { base64 } from "../../servers/etcd_client.ts";
import type { Etcd } from "../../servers/etcd_member.ts";
import { freshName, hold, later, never, open, plainOptions, SHORT_LEASE } from "../open.ts";
import { parseEtcd } from "../parse.ts";
import { sharedEtcd } from "../shared_server.ts";
import { allOf, waiting } from "./view.ts";

const shared = sharedEtcd();

/** Sessions that request slots of one lock. */
class Comers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly name = freshName();

  constructor(readonly etcd: Etcd, readonly slots: number | undefined) {}

  async one(slots = this.slots, more: Parameters<typeof open>[3] = {}): Promise<Lock> {
    return this.#stack.use(await open(this.etcd.url(), this.name, undefined, { slots, ...more }));
  }

  /** Takes a slot that is free. */
  async hold(slots = this.slots): Promise<HeldLock> {
    return await hold(await this.one(slots));
  }

  async plain(): Promise<Lock> {
    return this.#stack.use(await open(this.etcd.url(), this.name));
  }

  /** One that waits, as the last of so many. */
  async waiter(
    count: number,
    more: Parameters<typeof open>[3] = {},
    signal: AbortSignal = never,
  ): Promise<Promise<HeldLock | undefined>[]> {
    const granted = later((await this.one(this.slots, more)).acquire(Infinity, signal));
    await waiting(this.etcd, this.name, count);
    return [granted];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const numbers = (locks: readonly HeldLock[]) => locks.map(({ slot }) => slot!).toSorted((a, b) => a - b);

for (const slots of [2, 3, 12, 25]) {
  shared.test(`a lock with ${slots} slots has as many holders, each with its own number and token`, async (etcd) => {
    await using comers = new Comers(etcd, slots);
    const held = [];
    for (let index = 0; index < slots; index++) held.push(await comers.hold());
    assert.deepEqual(numbers(held), Array.from({ length: slots }, (_, index) => index));
    assert.equal(new Set(held.map(({ token }) => token)).size, slots);
    const late = await comers.one();
    assert.equal(await late.acquire(0, never), undefined);
    const [one] = held.splice(Math.floor(slots / 2), 1);
    await one!.release();
    const next = await hold(late);
    assert.equal(next.slot, one!.slot);
    assert.ok(next.token! > one!.token!);
    for (const lock of [...held, next]) {
      await lock.confirm();
      await lock.release();
    }
    assert.deepEqual(await allOf(etcd, comers.name), []);
  });

  shared.test(`of ${2 * slots} simultaneous requests for ${slots} slots half get one, at once`, async (etcd) => {
    await using comers = new Comers(etcd, slots);
    const all = await Promise.all(Array.from({ length: 2 * slots }, () => comers.one()));
    const held = (await Promise.all(all.map((one) => one.acquire(0, never)))).flatMap((lock) => lock ?? []);
    assert.deepEqual(numbers(held), Array.from({ length: slots }, (_, index) => index));
    for (const lock of held) await lock.release();
  });
}

shared.test("whichever slot comes free goes to the first waiter", async (etcd) => {
  await using comers = new Comers(etcd, 3);
  const held: HeldLock[] = [await comers.hold(), await comers.hold(), await comers.hold()];
  const order: number[] = [];
  const turns = [];
  for (let index = 0; index < 5; index++) {
    const [turn] = await comers.waiter(index + 1);
    turns.push(turn!);
    turn!.then(() => order.push(index));
  }
  for (const [index, slot] of [1, 0, 2, 0, 1].entries()) {
    const at = held.findIndex((lock) => lock.slot === slot);
    const [lock] = held.splice(at, 1);
    await lock!.release();
    const next: HeldLock | undefined = await turns[index]!;
    assert.equal(next!.slot, slot);
    held.push(next!);
  }
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  for (const lock of held) await lock.release();
  assert.deepEqual(await allOf(etcd, comers.name), []);
});

shared.test("slots that are freed together go to as many waiters", async (etcd) => {
  await using comers = new Comers(etcd, 4);
  const held = await Promise.all(Array.from({ length: 4 }, () => comers.hold()));
  const turns = [];
  for (let index = 0; index < 4; index++) turns.push((await comers.waiter(index + 1))[0]!);
  await Promise.all(held.map((lock) => lock.release()));
  const next = await Promise.all(turns);
  assert.deepEqual(numbers(next.map((lock) => lock!)), [0, 1, 2, 3]);
});

shared.test("a waiter that leaves, or whose wait runs out, keeps the others in order", async (etcd) => {
  await using comers = new Comers(etcd, 2);
  const held = [await comers.hold(), await comers.hold()];
  const abort = new AbortController();
  const [gone] = await comers.waiter(1, {}, abort.signal);
  const [second] = await comers.waiter(2);
  const [third] = await comers.waiter(3);
  abort.abort(new Error("enough"));
  await assert.rejects(gone!, { message: "enough" });
  await waiting(etcd, comers.name, 2);
  assert.equal(await (await comers.one()).acquire(100, never), undefined);
  await waiting(etcd, comers.name, 2);
  await held[1]!.release();
  assert.equal((await second!)!.slot, 1);
  await held[0]!.release();
  assert.equal((await third!)!.slot, 0);
});

shared.test("another number of slots is refused while there are holders, and accepted after the last one", async (etcd) => {
  await using comers = new Comers(etcd, 3);
  const one = await comers.hold();
  const other = await comers.hold();
  assert.deepEqual([one.slot, other.slot], [0, 1]);
  // Those who hold slot 0, and those who do not.
  for (const lock of [one, other]) {
    for (const [asked, wait] of [[2, 0], [4, Infinity], [30, 0], [undefined, 0], [undefined, Infinity]] as const) {
      await using late = await open(etcd.url(), comers.name, undefined, { slots: asked });
      await assert.rejects(
        late.acquire(wait, never),
        (error) => error instanceof OtherSlotsError && error.slots === 3 && error.asked === (asked ?? 1),
      );
    }
    await lock.release();
  }
  const next = await comers.hold(4);
  await next.release();
  const plain = await hold(await comers.plain());
  for (const wait of [0, Infinity]) {
    await assert.rejects(
      (await comers.one(2)).acquire(wait, never),
      (error) => error instanceof OtherSlotsError && error.slots === 1 && error.asked === 2,
    );
  }
  await plain.release();
  assert.deepEqual(await allOf(etcd, comers.name), []);
});

shared.test("of two simultaneous numbers of slots only one holds at a time", async (etcd) => {
  for (let round = 0; round < 20; round++) {
    const name = freshName();
    await using stack = new AsyncDisposableStack();
    const sought = [2, 3, 2, 3, undefined, 13];
    const all = await Promise.all(sought.map(async (slots) => {
      const lock = stack.use(await open(etcd.url(), name, undefined, { slots }));
      // The lease is granted first, so that they come for the lock as one.
      await lock.session(never);
      return { slots, lock };
    }));
    const ends = await Promise.allSettled(all.map(({ lock }) => lock.acquire(0, never)));
    const held = ends.flatMap((end, index) => end.status === "fulfilled" && end.value ? [sought[index]] : []);
    const failed = ends.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
    assert.equal(new Set(held).size, 1, String(held));
    assert.equal(
      held.length,
      held[0] === undefined ? 1 : Math.min(held[0], sought.filter((n) => n === held[0]).length),
    );
    for (const error of failed) {
      assert.ok(error instanceof OtherSlotsError && error.slots === (held[0] ?? 1), String(error));
    }
  }
});

shared.test("etcdctl takes slot 0 in its turn, and keeps nobody from the other slots", async (etcd) => {
  await using comers = new Comers(etcd, 2);
  const [zero, one] = [await comers.hold(), await comers.hold()];
  await using theirs = new Running([...etcd.etcdctlCommand, "lock", `sera/${comers.name}`], {
    env: Deno.env.toObject(),
  });
  await waiting(etcd, comers.name, 1);
  const [first] = await comers.waiter(2);
  const [second] = await comers.waiter(3);
  await zero.release();
  await theirs.says(`sera/${comers.name}/`);
  // No holder with slots is left, but one waits.
  await one.release();
  const next = await first!;
  assert.equal(next!.slot, 1);
  theirs.kill("SIGTERM");
  assert.equal((await second!)!.slot, 0);
  await next!.release();
});

shared.test("etcdctl counts as a plain holder", async (etcd) => {
  await using comers = new Comers(etcd, 2);
  await using theirs = new Running([...etcd.etcdctlCommand, "lock", `sera/${comers.name}`], {
    env: Deno.env.toObject(),
  });
  await theirs.says(`sera/${comers.name}/`);
  await assert.rejects((await comers.one()).acquire(0, never), OtherSlotsError);
});

for (
  const [what, act] of Object.entries<(etcd: Etcd, entry: { key: string; lease: string }) => Promise<unknown>>({
    "lease is revoked": (etcd, { lease }) => etcd.call("/v3/lease/revoke", { ID: lease }),
    "key is deleted": (etcd, { key }) => etcd.call("/v3/kv/deleterange", { key: base64(key) }),
  })
) {
  for (const slot of [0, 1]) {
    shared.test(`a holder of slot ${slot} whose ${what} has lost it, and the first waiter gets it`, async (etcd) => {
      await using comers = new Comers(etcd, 2);
      const held: HeldLock[] = [];
      for (let index = 0; index < 2; index++) {
        held.push(await hold(await comers.one(2, { lease: SHORT_LEASE })));
      }
      const [granted] = await comers.waiter(1, { label: "next one" });
      const entries = await allOf(etcd, comers.name);
      const entry = entries.find(({ created, key }) => BigInt(created) === held[slot]!.token && !key.includes("/+/"));
      await act(etcd, entry!);
      const next = await granted!;
      assert.equal(next!.slot, slot);
      await until("it is lost", () => held[slot]!.lost.aborted);
      assert.match(
        held[slot]!.lost.reason.message,
        /^Lock lost: etcd at [^ ]+: its .*, and it is held by .* next one, /,
      );
      assert.equal(held[1 - slot]!.lost.aborted, false);
      await next!.release();
    });
  }

  shared.test(`a first waiter whose ${what} queues again, and the others go on`, async (etcd) => {
    await using comers = new Comers(etcd, 2);
    const held = [await comers.hold(), await comers.hold()];
    const [first] = await comers.waiter(1, { lease: SHORT_LEASE });
    const [second] = await comers.waiter(2);
    const [entry] = (await allOf(etcd, comers.name)).filter(({ key }) => key.includes("/-/"));
    await act(etcd, entry!);
    await held[1]!.release();
    assert.equal((await second!)!.slot, 1);
    await held[0]!.release();
    assert.equal((await first!)!.slot, 0);
  });
}

shared.test("a request that is executed twice takes one slot, and one place in the queue", async (etcd) => {
  const name = freshName();
  const address = await parseEtcd(etcd.url());
  await using stack = new AsyncDisposableStack();
  const all = Array.from({ length: 4 }, (_, index) => {
    const options = { ...plainOptions, slots: 2, maxWaiters: index === 3 ? 5 : undefined };
    return stack.use(new EtcdLock(new Twice(address), name, options));
  });
  const held = [await hold(all[0]!), await hold(all[1]!)];
  assert.deepEqual(numbers(held), [0, 1]);
  const first = later(all[2]!.acquire(Infinity, never));
  await waiting(etcd, name, 1);
  const second = later(all[3]!.acquire(Infinity, never));
  await waiting(etcd, name, 2);
  assert.equal((await allOf(etcd, name)).length, 2 * 2 + 2);
  await held[1]!.release();
  assert.equal((await first)!.slot, 1);
  assert.equal((await allOf(etcd, name)).length, 2 * 2 + 1);
  await held[0]!.release();
  assert.equal((await second)!.slot, 0);
  await (await first)!.confirm();
});

/** A client whose transactions all arrive twice, as when the answer to the first one is lost. */
class Twice extends EtcdClient {
  override async call(path: string, body: JsonObject, options?: CallOptions): Promise<JsonObject> {
    if (path === Path.txn) await super.call(path, body, options);
    return await super.call(path, body, options);
  }
}

shared.test("the new first waiter sends one read request, and one more for the slot that comes free", async (etcd) => {
  const name = freshName();
  const address = await parseEtcd(etcd.url());
  await using stack = new AsyncDisposableStack();
  const client = new Recording(address);
  const one = (of: EtcdClient) => stack.use(new EtcdLock(of, name, { ...plainOptions, slots: 2 }));
  const held = [await hold(one(new EtcdClient(address))), await hold(one(new EtcdClient(address)))];
  const first = later(one(new EtcdClient(address)).acquire(Infinity, never));
  await waiting(etcd, name, 1);
  const second = later(one(client).acquire(Infinity, never));
  await waiting(etcd, name, 2);
  await until("it watches", () => client.watches === 1);
  const entered = client.asked.length;
  await held[1]!.release();
  assert.equal((await first)!.slot, 1);
  await until("it watches again", () => client.watches === 2);
  assert.deepEqual(client.asked.slice(entered), ["a look"]);
  // A deleted key of no slot does not free a slot; nor does that of a held one.
  for (const [index, key] of [`sera/${name}.2/9/abc`, `sera/${name}.3/1/abc`].entries()) {
    await etcd.call("/v3/kv/put", { key: base64(key) });
    await etcd.call("/v3/kv/deleterange", { key: base64(key) });
    await until("it has looked, and watches again", () => client.watches === 3 + index);
  }
  await held[0]!.release();
  assert.equal((await second)!.slot, 0);
  assert.equal(client.asked.at(-1), "a change");
});

/** A client that notes which transactions it sends. */
class Recording extends EtcdClient {
  readonly asked: ("a look" | "a change")[] = [];
  watches = 0;

  override async call(path: string, body: JsonObject, options?: CallOptions): Promise<JsonObject> {
    if (path === Path.txn) this.asked.push(JSON.stringify(body).includes("request_put") ? "a change" : "a look");
    return await super.call(path, body, options);
  }

  override stream(path: string, body: JsonObject, options?: CallOptions): AsyncGenerator<JsonObject, never> {
    this.watches++;
    return super.stream(path, body, options);
  }
}

for (const slots of [undefined, 2, 12]) {
  shared.test(`as many wait as may, and no more, for a lock with ${slots ?? "no"} slots`, async (etcd) => {
    await using comers = new Comers(etcd, slots);
    const held = [];
    for (let index = 0; index < (slots ?? 1); index++) held.push(await comers.hold());
    const limited = { maxWaiters: 3 };
    // Who does not wait is not counted.
    assert.equal(await (await comers.one(slots, limited)).acquire(0, never), undefined);
    const all = await Promise.all(Array.from({ length: 10 }, () => comers.one(slots, limited)));
    const turns = all.map((one) => later(one.acquire(Infinity, never)));
    const ends = turns.map((turn) => turn.then((lock) => lock, (error) => error));
    let full = 0;
    for (const end of ends) end.then((error) => full += error instanceof QueueFullError ? 1 : 0);
    await until("the rest has left", () => full === 7);
    await waiting(etcd, comers.name, 3);
    // Those without a limit wait, and count.
    const [unlimited] = await comers.waiter(4);
    await assert.rejects((await comers.one(slots, { maxWaiters: 4 })).acquire(Infinity, never), {
      message: /^4 runs already wait for it/,
    });
    await assert.rejects((await comers.one(slots, { maxWaiters: 0 })).acquire(Infinity, never), {
      message: /^nobody may wait for it/,
    });
    for (const lock of held) await lock.release();
    let served = 0;
    for (const end of [...ends, unlimited!]) {
      end.then(async (lock) => {
        if (!lock || lock instanceof Error) return;
        await lock.release();
        served++;
      });
    }
    await until("all others had it", () => served === 4);
    const late = await (await comers.one(slots, { maxWaiters: 0 })).acquire(Infinity, never);
    assert.ok(late);
  });
}

shared.test("etcdctl's waiters count, too", async (etcd) => {
  await using comers = new Comers(etcd, 2);
  await comers.hold();
  await comers.hold();
  await using _ = new Running([...etcd.etcdctlCommand, "lock", `sera/${comers.name}`], { env: Deno.env.toObject() });
  await waiting(etcd, comers.name, 1);
  await assert.rejects((await comers.one(2, { maxWaiters: 1 })).acquire(Infinity, never), QueueFullError);
});
