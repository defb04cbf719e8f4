import assert from "node:assert/strict";
import { FarNode, farNodeUnavailable } from "./far_node.ts";
import { type Galera, galeraUnavailable, startGalera } from "./galera.ts";
import { mariaDbUnavailable } from "./mariadb.ts";
import { exists, isRunning, until } from "./observe.ts";
import type { MySqlServer } from "./mysql_process.ts";
import { startPrimary, startReplica } from "./replica.ts";

Deno.test({ name: "both nodes of a Galera cluster take writes", ignore: galeraUnavailable !== undefined }, async () => {
  const cluster = await startGalera();
  const [one, two] = cluster.nodes;
  try {
    for (const node of cluster.nodes) {
      assert.equal((await node.query("SHOW STATUS LIKE 'wsrep_cluster_size'"))[0]?.Value, "2");
    }
    await one.query("CREATE TABLE sera.shared (id INT PRIMARY KEY)");
    await one.query("INSERT INTO sera.shared VALUES (1)");
    await until(
      async () => (await two.query("SHOW TABLES IN sera")).length === 1,
      "the second node has the first one's table",
    );
    await two.query("INSERT INTO sera.shared VALUES (2)");
    await until(
      async () => (await one.query("SELECT id FROM sera.shared")).length === 2,
      "the first node has the second one's row",
    );
  } finally {
    await cluster.stop();
  }
  for (const { pid, folder } of cluster.nodes) {
    assert.equal(isRunning(pid), false);
    assert.equal(exists(folder), false);
  }
});

/** A node is given up sooner than by default, since the tests wait for it. */
const SUSPECT_AFTER = 1;

async function makeTable({ nodes }: Galera): Promise<void> {
  await nodes[0].query("CREATE TABLE sera.written (word VARCHAR(20) PRIMARY KEY)");
}

/** Writes as soon as the node does. */
async function write(node: MySqlServer, word: string): Promise<void> {
  await until(() => node.query(`INSERT INTO sera.written VALUES ('${word}')`).then(() => true, () => false), word);
}

async function written(node: MySqlServer): Promise<unknown[]> {
  await node.query("SET GLOBAL wsrep_sync_wait = 1");
  return (await node.query("SELECT word AS word FROM sera.written ORDER BY word")).map(({ word }) => word);
}

Deno.test({
  name: "either node of a Galera cluster can be killed: the other one goes on, and it catches up when it is back",
  ignore: galeraUnavailable !== undefined,
  // The process that was killed began in here, and the one that came back outlives it.
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using cluster = await startGalera({ suspectAfter: SUSPECT_AFTER });
  await makeTable(cluster);
  const expected: string[] = [];
  for (const [dies, lives] of [[1, 0], [0, 1]] as const) {
    const { pid } = cluster.nodes[dies];
    await cluster.kill(dies);
    assert.equal(isRunning(pid), false);
    await write(cluster.nodes[lives], `without ${dies}`);
    await cluster.rejoin(dies);
    await write(cluster.nodes[dies], `with ${dies}`);
    expected.push(`without ${dies}`, `with ${dies}`);
    for (const node of cluster.nodes) assert.deepEqual(await written(node), expected.toSorted());
  }
});

Deno.test({
  name: "when a Galera cluster splits, the preferred half goes on, and the other one refuses",
  ignore: galeraUnavailable !== undefined,
}, async () => {
  await using cluster = await startGalera({ suspectAfter: SUSPECT_AFTER });
  await makeTable(cluster);
  for (const [outside, inside] of [[1, 0], [0, 1]] as const) {
    await cluster.isolate(outside);
    await write(cluster.nodes[inside], `from ${inside}`);
    const refused = cluster.nodes[outside].query("INSERT INTO sera.written VALUES ('from outside')");
    await assert.rejects(refused, { errno: 1047 });
    await cluster.unite();
  }
  for (const node of cluster.nodes) assert.deepEqual(await written(node), ["from 0", "from 1"]);
});

Deno.test({
  name: "the link between two Galera nodes can be cut and restored",
  ignore: (galeraUnavailable ?? farNodeUnavailable) !== undefined,
}, async () => {
  await using far = await FarNode.join();
  const secondHome = { launcher: far.launcher, addresses: [far.here, far.there] } as const;
  await using cluster = await startGalera({ suspectAfter: SUSPECT_AFTER, secondHome });
  await makeTable(cluster);
  await write(cluster.nodes[1], "far");
  await far.cut();
  await until(
    () => cluster.nodes[1].query("SELECT 1 FROM sera.written").then(() => false, ({ errno }) => errno === 1047),
    "the far node refuses",
  );
  await write(cluster.nodes[0], "near");
  await far.rejoin();
  await write(cluster.nodes[1], "together");
  for (const node of cluster.nodes) assert.deepEqual(await written(node), ["far", "near", "together"]);
});

Deno.test({ name: "a MariaDB replica follows its primary", ignore: mariaDbUnavailable !== undefined }, async () => {
  await using primary = await startPrimary();
  await using replica = await startReplica(primary, { extraArgs: ["--read-only=1"] });
  await primary.query("CREATE TABLE sera.followed (id INT)");
  await until(
    async () => (await replica.query("SHOW TABLES IN sera")).length === 1,
    "the replica has the primary's table",
  );
  assert.equal((await replica.query("SELECT @@global.read_only AS read_only"))[0]?.read_only, 1);
});
