/** Slots and several locks as leases, when a holder dies, an answer is lost, or a row is taken over. */
// Starts early: leases of those who died have to run out.

import assert from "node:assert/strict";
import { OtherSlotsError } from "../../../lib/errors.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { until } from "../../cli/wait.ts";
import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable, startGalera } from "../../servers/galera.ts";
import { connectMySql } from "../../servers/mysql_client.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { Proxy } from "../../servers/proxy.ts";
import { Together } from "../../side_by_side.ts";
import { Crew, LONG, releaseAll, slotsOf } from "../crew.ts";
import { leaseOptions, SHORT } from "../lease_contract.ts";
import { freshName, later, never, type OpenOptions } from "../open.ts";
import { sharedMariaDb } from "../shared_server.ts";

const N = 2;
const TABLE = "sera.contract_leases";

const mariaDb = sharedMariaDb();
const cluster = forThisFile<Galera>(galeraUnavailable, startGalera);
const together = new Together();

/** Defines a test on one server, and on two nodes of a cluster. Clients are on the one node and the other in turns. */
function onBoth(name: string, fn: (nodes: readonly MySqlServer[]) => Promise<void>): void {
  mariaDb.testTogether(together, name, () => fn([mariaDb.server]));
  if (galeraUnavailable === undefined) together.test("Galera", name, () => fn(cluster().nodes));
}

function crewOn(nodes: readonly { dsn(): string }[], options: OpenOptions, name?: string): Crew {
  let opened = 0;
  const place = {
    test: () => undefined,
    server: () => nodes[++opened % nodes.length]!.dsn(),
    options: () => leaseOptions("sera"),
    short: SHORT,
  };
  return new Crew(place, options, name);
}

onBoth("the slot of a killed holder is taken over only after its lease", async (nodes) => {
  await using crew = crewOn(nodes, { slots: N });
  const held = await crew.holder();
  await using holder = crew.process();
  await holder.says(/held slot 1\./);
  const [waiter, other] = await crew.clients(2);
  const granted = later(waiter!.acquire(LONG, never));
  holder.kill("SIGKILL");
  await holder.ended;
  const ask = async (columns: string) =>
    (await nodes[0]!.query(`SELECT ${columns} FROM ${TABLE} WHERE name = '${slotName(crew.name, 1)}'`))[0]!;
  const { owner, fence, expires } = await ask("owner, fence, CAST(expires AS CHAR) AS expires");
  assert.equal(await other!.acquire(0, never), undefined);
  const next = await granted;
  assert.equal(next?.slot, 1);
  assert.equal(next.token, BigInt(String(fence)) + 1n);
  const { is_over } = await ask(`'${expires}' < UTC_TIMESTAMP(3) AS is_over`);
  assert.equal(Number(is_over), 1);
  // The other node may have granted it.
  await until("the row is replicated", async () => BigInt(String((await ask("fence")).fence)) === next.token);
  assert.notEqual((await ask("owner")).owner, owner);
  await releaseAll([held, next]);
});

onBoth("losing one of several rows loses all the locks", async (nodes) => {
  const names = [freshName(), freshName(), freshName()] as const;
  for (const taken of names) {
    const [name, ...also] = names.map((each) => `${each.slice(8)}${taken.slice(0, 8)}`);
    await using crew = crewOn(nodes, { also }, name);
    const held = await crew.holder(crew.short);
    const row = `${taken.slice(8)}${taken.slice(0, 8)}`;
    await nodes[0]!.query(`UPDATE ${TABLE} SET owner = NULL WHERE name = '${row}'`);
    await until("the loss", () => held.lost.aborted);
    assert.match(String(held.lost.reason), /somebody has freed its row/);
  }
});

if (galeraUnavailable === undefined) {
  together.test("Galera", "of two numbers of slots that race on two nodes never both are held", async () => {
    const [one, two] = cluster().nodes;
    await using crew = crewOn([one!], { slots: N });
    await using others = crewOn([two!], { slots: N + 1 }, crew.name);
    const clients = [await crew.client(), await others.client()];
    for (let round = 0; round < 25; round++) {
      const asked = await Promise.allSettled(clients.map((client) => client.acquire(LONG, never)));
      const held = asked.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
      assert.equal(held.length, 1, `round ${round}`);
      for (const outcome of asked) {
        if (outcome.status === "rejected") assert.ok(outcome.reason instanceof OtherSlotsError, String(outcome.reason));
      }
      await releaseAll(held);
    }
  });
}

mariaDb.test("after a lost answer to a claim the same slot is held, with the same token", async (server) => {
  await using proxy = await Proxy.open(server.port);
  const table = "sera.gated_leases";
  const options = { slots: N, leaseTable: { schema: "sera", name: "gated_leases" } };
  await using crew = crewOn([server], options);
  await releaseAll(await crew.holders(N));
  await using far = crewOn([{ dsn: () => proxy.instead(server.dsn()) }], options, crew.name);
  await using gate = Object.assign(await connectMySql({ socketPath: server.socket, user: "root" }), {
    async [Symbol.asyncDispose]() {
      await gate.end();
    },
  });
  await gate.query("SELECT GET_LOCK('gate', 0)");
  // A claim waits at the gate before it changes the row.
  await gate.query(
    `CREATE TRIGGER sera.gated BEFORE UPDATE ON ${table} FOR EACH ROW
     SET @gate = GET_LOCK('gate', 60) + RELEASE_LOCK('gate')`,
  );
  const granted = later((await far.client()).acquire(LONG, never));
  await until("the claim is at the gate", async () => {
    const rows = await server.query(
      "SELECT 1 FROM information_schema.processlist WHERE state = 'User lock' AND info LIKE '%gate%'",
    );
    return rows.length === 1;
  });
  proxy.stall("toClient");
  await gate.query("SELECT RELEASE_LOCK('gate')");
  const owners = () =>
    server.query(`SELECT name, fence FROM ${table} WHERE name LIKE '${crew.name}%' AND owner IS NOT NULL`);
  await until("the claim is carried out", async () => (await owners()).length === 1);
  await gate.query("DROP TRIGGER sera.gated");
  const before = await owners();
  proxy.cut();
  proxy.resume();
  const held = await granted;
  assert.deepEqual([slotName(crew.name, held!.slot!), held!.token], [
    before[0]!.name,
    BigInt(String(before[0]!.fence)),
  ]);
  assert.deepEqual(await owners(), before);
  const more = await crew.holder();
  assert.deepEqual(slotsOf([held, more]), [0, 1]);
  assert.equal(await (await crew.client()).acquire(0, never), undefined);
  await releaseAll([held, more]);
});
