/** A holder of a lease whose network is cut, and a cluster that is cut in two. */
// Starts early: leases have to run out in it.

import assert from "node:assert/strict";
import { DURABLE_BEATS_PER_TTL } from "../../lib/lock/lease.ts";
import { FarNode, farNodeUnavailable } from "../servers/far_node.ts";
import { galeraUnavailable, startGalera } from "../servers/galera.ts";
import { FAR_ETCDS, FAR_SERVERS, startFarSera } from "./far_servers.ts";
import { testWith } from "./needs.ts";
import { Together } from "../side_by_side.ts";
import { childrenOfSera, lives, overlapping } from "./process_list.ts";
import { startSera } from "./program.ts";
import type { Running } from "./running.ts";
import { pause, until } from "./wait.ts";

/** Far longer than its network is cut, in milliseconds. */
const LEASE = 15_000;

/** Runs until its stdin ends. TERM does not stop it. */
const COMMAND = ["sh", "-c", 'trap "" TERM; echo "ready $SERA_TOKEN"; read -r _; echo over'];

/** A waiter's command: it prints whether the other command lives, and its own token. */
const look = (command: number) => overlapping(command, 'echo "token $SERA_TOKEN"');

/** @param table The table of leases; in etcd there is none. */
function flags(server: string, ttl: string, table?: string): string[] {
  const lease = table === undefined ? [] : ["--lease", "--lease-table", table];
  return ["--server", server, ...lease, "--name", "n", "--ttl", ttl, "--grace", "500ms"];
}

/** The fencing token that a command printed. */
function tokenOf({ stdout }: Pick<Running, "stdout">): bigint {
  return BigInt(/^(?:ready|token) (\d+)$/m.exec(stdout)?.[1] ?? assert.fail(stdout));
}

/** Asserts that a holder that was cut off has ended its command when a waiter gets its lease, which has a higher token. */
async function assertHandsOver(holder: Running, command: number, waiter: Running): Promise<void> {
  const { code, stderr } = await holder.ended;
  assert.equal(code, 206);
  assert.match(stderr, /^sera: Lock lost: [^\n]+\n/);
  await until("the command is dead", () => !lives(command));
  const { code: next, stdout } = await waiter.ended;
  assert.equal(next, 0);
  assert.doesNotMatch(stdout, /overlap/);
  assert.ok(tokenOf({ stdout }) > tokenOf(holder));
}

const together = new Together();

for (const { name, need, start } of [...FAR_SERVERS, ...FAR_ETCDS]) {
  if (need !== undefined) {
    console.log(`left out: holders that are cut off: ${name}: ${need}`);
    continue;
  }
  const isEtcd = FAR_ETCDS.some((etcd) => etcd.name === name);
  const table = isEtcd ? undefined : name === "MariaDB" ? "sera.leases" : "leases";

  together.test(name, "a holder that is cut off for less than its lease goes on, and nobody else", async () => {
    await using node = await FarNode.join();
    await using server = await start(node);
    const ttl = `${LEASE}ms`;
    await using holder = startFarSera(node, [...flags(server.remote, ttl, table), "180", ...COMMAND], {
      stdin: "open",
    });
    await holder.says("ready");
    const { command } = childrenOfSera(holder);
    await using waiter = startSera([...flags(server.local, ttl, table), "--verbose", "forever", ...look(command)]);
    await waiter.says("Waiting for");
    await node.cut();
    // A renewal falls into it.
    await pause(LEASE / DURABLE_BEATS_PER_TTL + 500);
    await node.rejoin();
    assert.equal(waiter.over, false);
    await holder.closeStdin();
    const { code, stdout, stderr } = await holder.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^ready \d+\nover\n$/);
    const { code: next, stdout: told } = await waiter.ended;
    assert.equal(next, 0);
    assert.doesNotMatch(told, /overlap/);
    const [token, nextToken] = [tokenOf({ stdout }), tokenOf({ stdout: told })];
    // etcd counts all that is written, the waiter's own key at least.
    if (isEtcd) assert.ok(nextToken > token);
    else assert.equal(nextToken, token + 1n);
  });

  together.test(
    name,
    "a holder that is cut off for longer has no command when another gets the lease",
    async () => {
      await using node = await FarNode.join();
      await using server = await start(node);
      await using holder = startFarSera(node, [...flags(server.remote, "6s", table), "180", ...COMMAND], {
        stdin: "open",
      });
      await holder.says("ready");
      const { command } = childrenOfSera(holder);
      await using waiter = startSera([...flags(server.local, "6s", table), "--verbose", "forever", ...look(command)]);
      await waiter.says("Waiting for");
      await node.cut();
      await assertHandsOver(holder, command, waiter);
      await node.rejoin();
    },
  );
}

testWith(
  [farNodeUnavailable ?? galeraUnavailable],
  "a Galera cluster that is cut in two: who holds a lease in the half that goes on keeps it, else it is handed over",
  async () => {
    await using node = await FarNode.join();
    const secondHome = { launcher: node.launcher, addresses: [node.here, node.there] } as const;
    await using cluster = await startGalera({ suspectAfter: 4, secondHome });
    // Each is asked from where it runs.
    const [near, far] = cluster.nodes.map((server) => server.dsn()) as [string, string];
    const table = "sera.leases";
    const isCut = () =>
      until("the far node is outside", async () => {
        const [row] = await cluster.nodes[1].query("SHOW STATUS LIKE 'wsrep_cluster_status'");
        return row?.Value !== "Primary";
      });
    const isWhole = () =>
      until("the far node is back", async () => {
        const [row] = await cluster.nodes[1].query("SHOW STATUS LIKE 'wsrep_ready'");
        return row?.Value === "ON";
      });
    {
      await using holder = startSera([...flags(near, "30s", table), "0", ...COMMAND], { stdin: "open" });
      await holder.says("ready");
      const { command } = childrenOfSera(holder);
      await using waiter = startFarSera(node, [...flags(far, "30s", table), "--verbose", "forever", ...look(command)]);
      await waiter.says("Waiting for");
      await node.cut();
      await isCut();
      await node.rejoin();
      await isWhole();
      assert.equal(waiter.over, false);
      await holder.closeStdin();
      assert.equal((await holder.ended).code, 0);
      const { code, stdout } = await waiter.ended;
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /overlap/);
      assert.equal(tokenOf({ stdout }), tokenOf(holder) + 1n);
    }
    await using holder = startFarSera(node, [...flags(far, "6s", table), "180", ...COMMAND], { stdin: "open" });
    await holder.says("ready");
    const { command } = childrenOfSera(holder);
    await using waiter = startSera([...flags(near, "6s", table), "--verbose", "forever", ...look(command)]);
    await waiter.says("Waiting for");
    await node.cut();
    await assertHandsOver(holder, command, waiter);
    await node.rejoin();
    await isWhole();
  },
);
