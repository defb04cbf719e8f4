/** The queue for a lock: its order, its members, and that members that have gone leave nothing in it. */

import assert from "node:assert/strict";
import { EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { untilGone } from "../../../lib/backends/etcd/until_gone.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import { Running } from "../../cli/running.ts";
import { until } from "../../cli/wait.ts";
import { base64 } from "../../servers/etcd_client.ts";
import type { Etcd } from "../../servers/etcd_member.ts";
import { freshName, hold, later, never, open, SHORT_LEASE } from "../open.ts";
import { parseEtcd } from "../parse.ts";
import { sharedEtcd } from "../shared_server.ts";
import { queueOf, waiting } from "./view.ts";

const shared = sharedEtcd();
const LONG = 120_000;

shared.test("a lock goes to its waiters in the order in which they came, and its token grows", async (etcd) => {
  const name = freshName();
  await using first = await open(etcd.url(), name);
  let lock = await hold(first);
  const order: number[] = [];
  const tokens = [lock.token!];
  const turns: Promise<HeldLock>[] = [];
  await using stack = new AsyncDisposableStack();
  for (let index = 0; index < 5; index++) {
    const waiter = stack.use(await open(etcd.url(), name));
    turns.push(
      waiter.acquire(Infinity, never).then((lock) => {
        order.push(index);
        tokens.push(lock!.token!);
        return lock!;
      }),
    );
    await waiting(etcd, name, index + 1);
  }
  const created = (await queueOf(etcd, name)).map(({ created }) => BigInt(created));
  for (const turn of turns) {
    await lock.release();
    lock = await turn;
  }
  await lock.release();
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.deepEqual(tokens, created);
});

shared.test("a waiter that leaves keeps the others in order", async (etcd) => {
  const name = freshName();
  await using first = await open(etcd.url(), name);
  await using second = await open(etcd.url(), name);
  await using third = await open(etcd.url(), name);
  const lock = await hold(first);
  const abort = new AbortController();
  const gone = later(second.acquire(Infinity, abort.signal));
  await waiting(etcd, name, 1);
  let isHeld = false;
  const granted = third.acquire(Infinity, never).finally(() => isHeld = true);
  await waiting(etcd, name, 2);
  abort.abort(new Error("enough"));
  await assert.rejects(gone, { message: "enough" });
  await waiting(etcd, name, 1);
  // It has looked where it is, and waits for the holder now.
  await using fourth = await open(etcd.url(), name);
  assert.equal(await fourth.acquire(300, never), undefined);
  assert.equal(isHeld, false);
  await lock.release();
  await (await granted)!.release();
});

shared.test("an attempt leaves nothing behind, however it ends", async (etcd) => {
  const before = await leases(etcd);
  const ends: Record<string, (name: string) => Promise<void>> = {
    "a release": async (name) => {
      await using one = await open(etcd.url(), name);
      await (await hold(one)).release();
      // At once, not only when it is disposed of.
      assert.deepEqual(await queueOf(etcd, name), []);
    },
    "the end of a holder without a release": async (name) => {
      await using one = await open(etcd.url(), name);
      await hold(one);
    },
    "a try while it is busy": async (name) => {
      await using one = await open(etcd.url(), name);
      const lock = await hold(one);
      {
        await using other = await open(etcd.url(), name);
        assert.equal(await other.acquire(0, never), undefined);
        // It was in no waiter's way.
        assert.equal((await queueOf(etcd, name)).length, 1);
      }
      await lock.release();
    },
    "a wait that runs out": async (name) => {
      await using one = await open(etcd.url(), name);
      const lock = await hold(one);
      {
        await using other = await open(etcd.url(), name);
        assert.equal(await other.acquire(100, never), undefined);
      }
      assert.equal((await queueOf(etcd, name)).length, 1);
      await lock.release();
    },
    "a signal during the wait": async (name) => {
      await using one = await open(etcd.url(), name);
      const lock = await hold(one);
      {
        await using other = await open(etcd.url(), name);
        const abort = new AbortController();
        const granted = later(other.acquire(Infinity, abort.signal));
        await waiting(etcd, name, 1);
        abort.abort(new Error("enough"));
        await assert.rejects(granted, { message: "enough" });
      }
      assert.equal((await queueOf(etcd, name)).length, 1);
      await lock.release();
    },
    "a signal while etcd is first asked": async (name) => {
      await using one = await open(etcd.url(), name);
      const abort = new AbortController();
      const granted = later(one.acquire(Infinity, abort.signal));
      abort.abort(new Error("enough"));
      await assert.rejects(granted, { message: "enough" });
    },
  };
  for (const [end, act] of Object.entries(ends)) {
    const name = freshName();
    await act(name);
    assert.deepEqual(await queueOf(etcd, name), [], end);
    assert.deepEqual((await leases(etcd)).filter((lease) => !before.includes(lease)), [], end);
  }
});

shared.test("etcdctl waits for sera, and sera for etcdctl", async (etcd) => {
  const name = freshName();
  await using one = await open(etcd.url(), name);
  const lock = await hold(one);
  await using theirs = etcdctlLock(etcd, name);
  await waiting(etcd, name, 1);
  await using next = await open(etcd.url(), name);
  const granted = next.acquire(LONG, never);
  await waiting(etcd, name, 2);
  await lock.release();
  await theirs.says(`sera/${name}/`);
  await using other = await open(etcd.url(), name);
  assert.equal(await other.acquire(0, never), undefined);
  theirs.kill("SIGTERM");
  await (await granted)!.release();
});

shared.test("a watch from a compacted revision ends, and the waiter looks again", async (etcd) => {
  const name = freshName();
  await using one = await open(etcd.url(), name);
  await using other = await open(etcd.url(), name);
  const lock = await hold(one);
  const granted = other.acquire(Infinity, never);
  const [waiter] = await waiting(etcd, name, 1);
  using client = new EtcdClient(await parseEtcd(etcd.url()));
  const [holder] = await queueOf(etcd, name);
  const key = { key: holder!.key };
  const revision = BigInt(waiter!.created);
  let isOver = false;
  const watched = untilGone(client, key, revision, never).finally(() => isOver = true);
  // The watch above has seen the revisions that are compacted now.
  const { header } = await etcd.call("/v3/kv/put", { key: base64("other"), value: "" });
  const { revision: compacted } = header as { revision: string };
  await etcd.call("/v3/kv/put", { key: base64("other"), value: "" });
  await etcd.call("/v3/kv/compaction", { revision: compacted });
  await untilGone(client, key, 0n, never);
  assert.equal(isOver, false);
  await lock.release();
  await watched;
  await (await granted)!.release();
});

for (
  const [what, act] of Object.entries<(etcd: Etcd, waiter: { key: string; lease: string }) => Promise<unknown>>({
    "lease has ended": (etcd, { lease }) => etcd.call("/v3/lease/revoke", { ID: lease }),
    "key somebody has deleted": (etcd, { key }) => etcd.call("/v3/kv/deleterange", { key: base64(key) }),
  })
) {
  shared.test(`a waiter whose ${what} queues again, and does not believe that it has the lock`, async (etcd) => {
    const name = freshName();
    const told: string[] = [];
    await using one = await open(etcd.url(), name);
    await using other = await open(etcd.url(), name, undefined, {
      lease: SHORT_LEASE,
      retrying: ({ message }) => void told.push(message),
    });
    const lock = await hold(one);
    const granted = other.acquire(Infinity, never);
    const [waiter] = await waiting(etcd, name, 1);
    await act(etcd, waiter!);
    // Who comes before it now is before it in the queue.
    if (what.startsWith("lease")) {
      await until("it queues again", async () => {
        const [, again] = await queueOf(etcd, name);
        return again && again.key !== waiter!.key;
      });
    }
    await lock.release();
    const next = await granted;
    assert.notEqual(next!.token, BigInt(waiter!.created));
    assert.match(told[0]!, /the lease ended before the lock was held/);
    await next!.release();
    assert.deepEqual(await queueOf(etcd, name), []);
  });

  shared.test(`a holder whose ${what} has lost the lock, and names the new holder`, async (etcd) => {
    const name = freshName();
    await using one = await open(etcd.url(), name, undefined, { lease: SHORT_LEASE });
    await using other = await open(etcd.url(), name, undefined, { label: "next one" });
    const lock = await hold(one);
    const granted = other.acquire(Infinity, never);
    await waiting(etcd, name, 1);
    const [holder] = await queueOf(etcd, name);
    await act(etcd, holder!);
    const next = await granted;
    await until("it is lost", () => lock.lost.aborted);
    assert.match(
      lock.lost.reason.message,
      new RegExp(`^Lock lost: etcd at [^ ]+: its .*, and it is held by [^ ]+:${Deno.pid} next one, `),
    );
    await next!.release();
  });
}

/** `etcdctl lock`, which prints its key once it has the lock, and holds it until it is killed. */
function etcdctlLock(etcd: Etcd, name: string): Running {
  return new Running([...etcd.etcdctlCommand, "lock", `sera/${name}`], { env: Deno.env.toObject() });
}

async function leases(etcd: Etcd): Promise<readonly string[]> {
  const { leases = [] } = await etcd.call("/v3/lease/leases") as { leases?: readonly { ID: string }[] };
  return leases.map(({ ID }) => ID);
}
