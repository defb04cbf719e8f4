/** Locks in an etcd of three with one or two failing: as long as two are well, holders and waiters must not notice. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import { until } from "../../cli/wait.ts";
import { type EtcdCluster, type MemberIndex, startEtcdCluster } from "../../servers/etcd_cluster.ts";
import { etcdUnavailable } from "../../servers/etcd.ts";
import type { EtcdMember } from "../../servers/etcd_member.ts";
import { linux, testWith } from "../../cli/needs.ts";
import { freshName, hold, later, never, open, renewals, Retries } from "../open.ts";
import { RESTARTS } from "../shared_server.ts";
import { queueOf, waiting } from "./view.ts";

const needs = [linux, etcdUnavailable];

/** Long enough for an election and for members that do not answer, on a busy machine. */
const LEASE = { ttl: 30_000, grace: 1000 };

/** A setting that names one member before the others. */
function urlFrom(cluster: EtcdCluster, first: EtcdMember): string {
  const ports = [first, ...cluster.members.filter((member) => member !== first)].map(({ port }) => port);
  return `etcd://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
}

/** What may happen to a member, and how it comes back. */
const TROUBLES: Record<string, readonly [(member: EtcdMember) => unknown, (member: EtcdMember) => unknown]> = {
  killed: [(member) => member.kill(), (member) => member.restart()],
  paused: [(member) => member.pause(), (member) => member.resume()],
};

for (const [trouble, [begin, end]] of Object.entries(TROUBLES)) {
  for (const who of ["leader", "follower"] as const) {
    testWith(needs, `neither holder nor waiter notices that the ${who} that they use is ${trouble}`, async () => {
      await using cluster = await startEtcdCluster();
      const leader = await cluster.leader();
      const index = who === "leader" ? leader : (leader + 1) % 3 as MemberIndex;
      const member = cluster.members[index];
      const url = urlFrom(cluster, member);
      const name = freshName();
      const told = new Retries();
      const options = { lease: LEASE, retrying: told.retrying };
      await using one = await open(url, name, undefined, options);
      await using other = await open(url, name, undefined, options);
      const lock = await hold(one);
      const granted = other.acquire(Infinity, never);
      const [waiter] = await waiting(cluster, name, 1);
      await begin(member);
      await renewals(lock, 2);
      assert.equal(lock.lost.aborted, false);
      await lock.release();
      const next = await granted;
      // It has kept its place.
      assert.equal(next!.token, BigInt(waiter!.created));
      await end(member);
      await next!.release();
      const rest = cluster.members[(index + 1) % 3 as MemberIndex];
      assert.deepEqual(await queueOf(rest, name), []);
    }, RESTARTS);
  }
}

testWith(needs, "slots and their waiters are kept when the leader, which they use, is killed", async () => {
  await using cluster = await startEtcdCluster();
  const leader = await cluster.leader();
  const member = cluster.members[leader];
  const url = urlFrom(cluster, member);
  const name = freshName();
  const options = { lease: LEASE, slots: 2 };
  await using stack = new AsyncDisposableStack();
  const come = async () => stack.use(await open(url, name, undefined, options));
  const held = [await hold(await come()), await hold(await come())];
  const turns = [];
  for (const count of [1, 2]) {
    turns.push(later((await come()).acquire(Infinity, never)));
    await waiting(cluster, name, count);
  }
  await member.kill();
  for (const [index, lock] of held.entries()) {
    await renewals(lock, 1);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    const next: HeldLock | undefined = await turns[index]!;
    assert.equal(next!.slot, lock.slot);
  }
  assert.equal(await (await come()).acquire(0, never), undefined);
  await member.restart();
}, RESTARTS);

testWith(
  needs,
  "without a majority a try fails, a wait fails at its end, and who waits for ever gets its turn",
  async () => {
    await using cluster = await startEtcdCluster();
    const name = freshName();
    const told = new Retries();
    const options = { lease: LEASE, retrying: told.retrying };
    await using one = await open(cluster.url(), name, undefined, options);
    await using other = await open(cluster.url(), name, undefined, options);
    await using third = await open(cluster.url(), name, undefined, options);
    await using fourth = await open(cluster.url(), name, undefined, options);
    const lock = await hold(one);
    const granted = later(other.acquire(Infinity, never));
    const [waiter] = await waiting(cluster, name, 1);
    const [a, b, c] = cluster.members;
    await Promise.all([a.kill(), b.kill()]);
    await until(
      "the last one has no leader",
      () => c.call("/v3/kv/range", { key: "YQ==" }, AbortSignal.timeout(2000)).then(() => false, () => true),
    );
    const unavailable = (error: unknown) => error instanceof LockUnavailableError && error.exitCode === 202;
    await Promise.all([
      assert.rejects(third.acquire(0, never), unavailable),
      assert.rejects(fourth.acquire(1000, never), unavailable),
    ]);
    await told.more(1);
    await Promise.all([a.restart(), b.restart()]);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    const next = await granted;
    assert.equal(next!.token, BigInt(waiter!.created));
    await next!.release();
    await until("nothing is left", async () => (await queueOf(cluster, name)).length === 0);
  },
  RESTARTS,
);
