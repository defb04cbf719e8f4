import assert from "node:assert/strict";
import { etcdUnavailable } from "./etcd.ts";
import { type EtcdCluster, type MemberIndex, startEtcdCluster } from "./etcd_cluster.ts";
import { callEtcd } from "./etcd_client.ts";
import { FarNode, farNodeUnavailable } from "./far_node.ts";
import { isRunning, until } from "./observe.ts";

const ignore = etcdUnavailable !== undefined;
const noFar = ignore || farNodeUnavailable !== undefined;

/** How long a member gets that will never answer. */
const NEVER_MS = 1000;

Deno.test({ name: "three members of etcd have one leader, which can be moved", ignore }, async () => {
  const cluster = await startEtcdCluster();
  try {
    const [a, b, c] = cluster.members;
    assert.equal(cluster.url(), `etcd://127.0.0.1:${a.port},127.0.0.1:${b.port},127.0.0.1:${c.port}/`);
    await cluster.etcdctl("put", "one", "1");
    for (const member of cluster.members) assert.equal(await member.etcdctl("get", "one"), "one\n1\n");
    const first = await cluster.leader();
    for (const to of [next(first), next(next(first)), first]) {
      await cluster.moveLeader(to);
      assert.equal(await cluster.leader(), to);
    }
  } finally {
    await cluster.stop();
  }
  for (const { pid, folder } of cluster.members) {
    assert.equal(isRunning(pid), false);
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  }
});

Deno.test({ name: "etcd goes on without its leader, and not without two members", ignore }, async () => {
  await using cluster = await startEtcdCluster();
  const first = await cluster.leader();
  await cluster.members[first].kill();
  const second = await cluster.leader();
  assert.notEqual(second, first);
  await cluster.members[second].etcdctl("put", "one", "1");

  await cluster.members[second].pause();
  // A thread that has not stopped yet may still answer.
  await until(() => Promise.resolve(hasStopped(cluster.members[second].pid)), "the leader has stopped");
  const third = cluster.members[next(first) === second ? next(second) : next(first)];
  await assert.rejects(third.call("/v3/kv/put", { key: "YQ==" }, AbortSignal.timeout(NEVER_MS)));
  await cluster.members[first].restart();
  assert.notEqual(await cluster.leader(), second);
  assert.equal(await third.etcdctl("get", "one"), "one\n1\n");
  cluster.members[second].resume();
  await until(() => follows(cluster, second), "the member that was paused knows the leader");
});

Deno.test({ name: "three members of etcd ask for a login", ignore }, async () => {
  await using cluster = await startEtcdCluster({ auth: true });
  assert.match(cluster.url("other"), /^etcd:\/\/sera:secret@127[^/]*\/other$/);
  for (const member of cluster.members) {
    await until(
      () => callEtcd(member.endpoint, {}, "/v3/kv/range", { key: "YQ==" }).then(() => false, () => true),
      "the member asks for a login",
    );
  }
  await cluster.etcdctl("put", "one", "1");
  await cluster.moveLeader(next(await cluster.leader()));
});

Deno.test({ name: "a member of etcd that is cut off is left behind, and catches up", ignore: noFar }, async () => {
  await using far = await FarNode.join();
  await using cluster = await startEtcdCluster({ far, lastIsFar: true });
  const [, near, away] = cluster.members;
  assert.match(cluster.farUrl(), new RegExp(`^etcd://${far.here}:\\d+,${far.here}:\\d+,${far.there}:${away.port}/$`));
  await cluster.moveLeader(2);
  const fromThere = await runThere(far, cluster, "put", "one", "1");
  assert.equal(fromThere, "OK\n");
  await far.cut();
  // The others have a leader of their own, and the node's clients do not reach it.
  assert.notEqual(await cluster.leader(), 2);
  await near.etcdctl("put", "one", "2");
  await assert.rejects(away.call("/v3/maintenance/status", {}, AbortSignal.timeout(NEVER_MS)));
  await assert.rejects(runThere(far, cluster, "put", "one", "3", "--command-timeout=1s"));
  await far.rejoin();
  await until(() => follows(cluster, 2), "the member that was cut off knows the leader");
  assert.equal(await away.etcdctl("get", "one"), "one\n2\n");
});

Deno.test({ name: "clients of etcd on a node are cut off with it", ignore: noFar }, async () => {
  await using far = await FarNode.join();
  await using cluster = await startEtcdCluster({ far });
  assert.match(cluster.farUrl(), new RegExp(`^etcd://(?:${far.here}:\\d+,?){3}/$`));
  assert.equal(await runThere(far, cluster, "put", "one", "1"), "OK\n");
  await far.cut();
  await assert.rejects(runThere(far, cluster, "put", "one", "2", "--command-timeout=1s"));
  assert.equal(await cluster.etcdctl("get", "one"), "one\n1\n");
  await far.rejoin();
  assert.equal(await runThere(far, cluster, "get", "one"), "one\n1\n");
});

/** Runs etcdctl on the far node. */
async function runThere(far: FarNode, cluster: EtcdCluster, ...args: string[]): Promise<string> {
  const [program = "", ...words] = [...far.launcher, ...cluster.farEtcdctlCommand, ...args];
  const { success, stdout, stderr } = await new Deno.Command(program, { args: words, stdin: "null" }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return text.decode(stdout);
}

/** Whether a member takes the cluster's leader for its own. */
async function follows(cluster: EtcdCluster, index: MemberIndex): Promise<boolean> {
  const leader = cluster.members[await cluster.leader()];
  const [of, to] = await Promise.all(
    [leader, cluster.members[index]].map((member) =>
      member.call("/v3/maintenance/status").then(({ leader }) => leader, () => undefined)
    ),
  );
  return of !== undefined && of === to;
}

function next(index: MemberIndex): MemberIndex {
  return index === 2 ? 0 : index === 1 ? 2 : 1;
}

/** Whether each thread of a process is stopped. */
function hasStopped(pid: number): boolean {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.every(({ name }) => /\) T /.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`)));
}
