/** Locks that are leases: where waiters queue for the session lock, and on a cluster, where they poll. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable, startGalera } from "../../servers/galera.ts";
import { Together } from "../../side_by_side.ts";
import { leaseContract, type Noted, polling } from "../lease_contract.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { waiting } from "./view.ts";

const together = new Together();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  leaseContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.dsn(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  }, "sera");
}

if (galeraUnavailable) console.log(`left out: leases on Galera: ${galeraUnavailable}`);
const cluster = forThisFile<Galera>(galeraUnavailable, async () => {
  const galera = await startGalera();
  for (const node of galera.nodes) {
    await node.query("UPDATE performance_schema.setup_instruments SET enabled = 'YES' WHERE name LIKE 'statement/%'");
    await node.query(
      "UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name = 'events_statements_current'",
    );
  }
  return galera;
});

/** The last statement of each connection to the cluster, if the lock's name is in it. */
async function noted(name: string): Promise<Noted[]> {
  const found = await Promise.all(
    cluster().nodes.map(async (node) => {
      const rows = await node.query(
        `SELECT processlist_id AS id, sql_text AS text FROM performance_schema.events_statements_current
       JOIN performance_schema.threads USING (thread_id)
       WHERE processlist_user = '${node.user}' AND sql_text LIKE '%${name}%'`,
      );
      return rows.map(({ id, text }) => ({ client: `${node.port} ${id}`, sql: String(text) }));
    }),
  );
  return found.flat();
}

let clients = 0;
leaseContract({
  test(name, fn) {
    if (galeraUnavailable === undefined) together.test("Galera", name, fn);
  },
  // Each is on another node than the one before.
  server: () => cluster().nodes[++clients % 2]!.dsn(),
  waiting: (name, count) => polling(count, () => noted(name)),
}, "sera");
