/** A member of an etcd that is cut off from the others, while a holder and a waiter use it. */
// Starts early: leases have to run out in it.

import assert from "node:assert/strict";
import { sideBySide } from "../side_by_side.ts";
import { etcdUnavailable } from "../servers/etcd.ts";
import { startEtcdCluster } from "../servers/etcd_cluster.ts";
import { FarNode, farNodeUnavailable } from "../servers/far_node.ts";
import { testWith } from "./needs.ts";
import { startSera } from "./program.ts";
import { pause, until } from "./wait.ts";

const TTL = 8000;

/** Tells the fencing token, and runs until its stdin ends. */
const COMMAND = ["sh", "-c", 'echo "ready $SERA_TOKEN"; read -r _; echo over'];

/** Cuts a member off, which a holder and a waiter were using, for longer than a lease lasts. */
async function cutOff(leads: boolean): Promise<void> {
  await using node = await FarNode.join();
  await using cluster = await startEtcdCluster({ far: node, lastIsFar: true });
  await cluster.moveLeader(leads ? 2 : 0);
  const [one, two, far] = cluster.members.map(({ host, port }) => `${host}:${port}`);
  const flags = ["--server", `etcd://${far},${one},${two}`, "--name", "n", "--ttl", `${TTL}ms`];
  await using holder = startSera([...flags, "0", ...COMMAND], { stdin: "open" });
  await holder.says("ready");
  const token = Number(/^ready (\d+)$/m.exec(holder.stdout)?.[1]);
  await using waiter = startSera([...flags, "--verbose", "forever", "sh", "-c", 'echo "token $SERA_TOKEN"']);
  await waiter.says("Waiting for");
  await node.cut();
  await until("one of the others leads", async () => await cluster.leader() !== 2);
  // A new leader gives all leases their whole time anew.
  await pause(2 * TTL + 1000);
  assert.deepEqual({ holder: holder.over, waiter: waiter.over }, { holder: false, waiter: false });
  await holder.closeStdin();
  const { code, stdout, stderr } = await holder.ended;
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `ready ${token}\nover\n`, stderr: "" });
  const next = await waiter.ended;
  assert.equal(next.code, 0, next.stderr);
  assert.ok(Number(/^token (\d+)$/m.exec(next.stdout)?.[1]) > token, next.stdout);
  await node.rejoin();
}

testWith(
  [farNodeUnavailable ?? etcdUnavailable],
  "etcd: a holder and a waiter at a member that is cut off go on at another one, also if it was the leader",
  () => sideBySide({ "a follower": () => cutOff(false), "the leader": () => cutOff(true) }),
);
