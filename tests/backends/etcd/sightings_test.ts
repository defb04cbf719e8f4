/** Who is seen in an etcd: holders and waiters, in their order, and what others have put there. */

import assert from "node:assert/strict";
import { namespacedName } from "../../../lib/lock/namespaced_name.ts";
import { look } from "../../../lib/who/look.ts";
import type { LockFilter, Sighting } from "../../../lib/who/sighting.ts";
import { later, never, open, plainOptions } from "../open.ts";
import { base64 } from "../../servers/etcd_client.ts";
import type { Etcd } from "../../servers/etcd_member.ts";
import { freshName, hold } from "../open.ts";
import { parse } from "../parse.ts";
import { sharedEtcd } from "../shared_server.ts";
import { queueOf, waiting } from "./view.ts";

const shared = sharedEtcd();
const table = { schema: undefined, name: "unused" };

async function see(server: string, filter: LockFilter): Promise<readonly Sighting[]> {
  await using observer = await (await parse(server)).observe(freshName(), plainOptions, never);
  assert.equal(observer.elsewhere, undefined);
  const seen = await look(filter, () => observer.sightings(filter, table, never));
  assert.deepEqual([seen.hidden, seen.otherSessions], [undefined, []]);
  return seen.sightings;
}

/** A server with a prefix of its own. */
function fresh(etcd: Etcd): { server: string; prefix: string } {
  const prefix = `${freshName()}/`;
  return { server: etcd.url(prefix), prefix };
}

shared.test("a holder and its waiters are seen in the order of the queue, whatever their clocks say", async (etcd) => {
  const { server, prefix } = fresh(etcd);
  const name = freshName();
  await using stack = new AsyncDisposableStack();
  const lock = await hold(stack.use(await open(server, name, undefined, { label: "holder" })));
  const abort = new AbortController();
  const labels = ["third", "second", "first"];
  const now = Date.now;
  for (const [index, label] of labels.entries()) {
    // Each clock is behind the one before.
    Date.now = () => now() - index * 3_600_000;
    try {
      const waiter = stack.use(await open(server, name, undefined, { label }));
      later(waiter.acquire(Infinity, abort.signal));
      await waiting(etcd, name, index + 1, prefix);
    } finally {
      Date.now = now;
    }
  }
  const sightings = await see(server, { lock: name });
  assert.deepEqual(
    sightings.map(({ lock, state, host, pid, label, sinceIs }) => ({ lock, state, host, pid, label, sinceIs })),
    ["holder", ...labels].map((label, index) => ({
      lock: name,
      state: index === 0 ? "held" : "waiting",
      host: Deno.hostname(),
      pid: Deno.pid,
      label,
      sinceIs: index === 0 ? "connected" : "waiting",
    })),
  );
  const { lease } = sightings[0]!;
  assert.equal(lease?.token, lock.token);
  assert.ok(lease!.left > 0 && lease!.left <= 30_000, `${lease!.left}`);
  assert.equal(lease!.left + lease!.silent, 30_000);
  assert.deepEqual(await see(server, "all"), sightings);
  abort.abort();
  await lock.release();
});

shared.test("locks of a namespace are told from others, with their names", async (etcd) => {
  const { server } = fresh(etcd);
  await using stack = new AsyncDisposableStack();
  const names = { namespace: "some", name: "one" };
  const lock = namespacedName(names.namespace, names.name);
  for (const [name, told] of [[lock, { names }], [namespacedName("other", "one"), {}], [freshName(), {}]] as const) {
    await hold(stack.use(await open(server, name, undefined, told)));
  }
  const seen = await see(server, { namespace: "some" });
  assert.deepEqual(seen.map(({ lock, namespace, name }) => ({ lock, namespace, name })), [{ lock, ...names }]);
  assert.equal((await see(server, "all")).length, 3);
});

shared.test("a foreign key in a queue is shown as a holder of which little is known", async (etcd) => {
  const { server, prefix } = fresh(etcd);
  const name = freshName();
  const put = (key: string, value: string, more = {}) =>
    etcd.call("/v3/kv/put", { key: base64(`${prefix}${key}`), value: base64(value), ...more });
  await put("runs/1", "no lock");
  await put(`${name}`, "no queue");
  await put("0123/1", "no name of a lock");
  assert.deepEqual(await see(server, "all"), []);
  const { ID } = await etcd.call("/v3/lease/grant", { TTL: "60" });
  await put(`${name}/${BigInt(String(ID)).toString(16)}`, "", { lease: ID });
  // A value of another lock was copied.
  await put(`${name}/2`, JSON.stringify({ lock: freshName(), host: "forged", pid: 1, label: "forged" }));
  const [holder, waiter, ...more] = await see(server, "all");
  assert.deepEqual(more, []);
  assert.deepEqual([holder!.state, holder!.host, holder!.address], [
    "held",
    undefined,
    `lease ${BigInt(String(ID)).toString(16)}`,
  ]);
  assert.equal(holder!.lease?.left, 60_000);
  assert.deepEqual([waiter!.state, waiter!.host, waiter!.address, waiter!.lease], [
    "waiting",
    undefined,
    undefined,
    undefined,
  ]);
  await using lock = await open(server, name);
  assert.equal(await lock.acquire(0, never), undefined);
});

shared.test("more waiters than one answer has room for are all seen", async (etcd) => {
  const { server, prefix } = fresh(etcd);
  const name = freshName();
  const count = 1203;
  for (let at = 0; at < count; at += 100) {
    await Promise.all(
      Array.from(
        { length: Math.min(100, count - at) },
        (_, index) => etcd.call("/v3/kv/put", { key: base64(`${prefix}${name}/${(at + index).toString(16)}`) }),
      ),
    );
  }
  const seen = await see(server, { lock: name });
  assert.equal(seen.length, count);
  assert.deepEqual(
    seen.map(({ queuePosition }) => queuePosition),
    (await queueOf(etcd, name, prefix)).map(({ created }) => BigInt(created)),
  );
});
