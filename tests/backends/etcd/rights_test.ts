/** The rights that a user of etcd needs: the keys of a lock and of its slots, which are adjacent. */

import assert from "node:assert/strict";
import { EtcdError } from "../../../lib/backends/etcd/errors.ts";
import { etcdUnavailable, startEtcd } from "../../servers/etcd.ts";
import type { EtcdMember } from "../../servers/etcd_member.ts";
import { testWith } from "../../cli/needs.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { waiting } from "./view.ts";

/** A server setting of a user who may read and write this range alone. */
async function userOf(etcd: EtcdMember, name: string, ...range: readonly string[]): Promise<string> {
  await etcd.etcdctl("role", "add", name);
  await etcd.etcdctl("role", "grant-permission", name, "readwrite", ...range);
  await etcd.etcdctl("user", "add", `${name}:secret`);
  await etcd.etcdctl("user", "grant-role", name, name);
  return `etcd://${name}:secret@127.0.0.1:${etcd.port}/`;
}

testWith(
  [etcdUnavailable],
  "a role for one lock, as the docs have it, is enough for a plain lock and for slots",
  async () => {
    await using etcd = await startEtcd({ auth: true });
    const name = freshName();
    const url = await userOf(etcd, "one-lock", `sera/${name}.`, `sera/${name}0`);
    await using plain = await open(url, name);
    await (await hold(plain)).release();
    await using stack = new AsyncDisposableStack();
    const slots = { slots: 2, maxWaiters: 1 };
    const held = [];
    for (let index = 0; index < 2; index++) held.push(await hold(stack.use(await open(url, name, undefined, slots))));
    const granted = later(stack.use(await open(url, name, undefined, slots)).acquire(Infinity, never));
    await waiting(etcd, name, 1);
    await held[1]!.release();
    const next = await granted;
    assert.equal(next!.slot, 1);
    await next!.confirm();
    await next!.release();
    await held[0]!.release();
    await using other = await open(url, freshName());
    await assert.rejects(other.acquire(0, never), (error) => error instanceof EtcdError && /denied/.test(error.why));
  },
);

testWith([etcdUnavailable], "a role for the keys of the queue alone is refused, and told what it needs", async () => {
  await using etcd = await startEtcd({ auth: true });
  const name = freshName();
  const url = await userOf(etcd, "queue", `sera/${name}/`, "--prefix");
  for (const slots of [undefined, 2]) {
    await using one = await open(url, name, undefined, { slots });
    await assert.rejects(one.acquire(0, never), {
      message: /permission denied/,
      cure: /^allow the user the keys below sera\/: etcdctl role grant-permission ROLE readwrite sera\/ --prefix=true$/,
    });
  }
});
