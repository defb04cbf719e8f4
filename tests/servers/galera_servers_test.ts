import assert from "node:assert/strict";
import { galeraUnavailable, startGalera } from "./galera.ts";
import { mariaDbUnavailable } from "./mariadb.ts";
import { exists, isRunning, until } from "./observe.ts";
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
