/** Locks that are leases: where waiters queue for the session lock, and on a cluster, where they poll. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable } from "../../servers/galera.ts";
import { Batches } from "../../side_by_side.ts";
import { leaseContract, polling } from "../lease_contract.ts";
import { notedOnGalera, startWatchedGalera } from "../polling.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { waiting } from "./view.ts";

const batches = new Batches();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  leaseContract({
    test: (name, fn) => shared.testInBatch(batches, name, fn),
    server: () => shared.server.dsn(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  }, "sera");
}

if (galeraUnavailable) console.log(`left out: leases on Galera: ${galeraUnavailable}`);
const cluster = forThisFile<Galera>(galeraUnavailable, startWatchedGalera);

let clients = 0;
leaseContract({
  test(name, fn) {
    if (galeraUnavailable === undefined) batches.test("Galera", name, fn);
  },
  // Each is on another node than the one before.
  server: () => cluster().nodes[++clients % 2]!.dsn(),
  waiting: (name, count) => polling(count, () => notedOnGalera(cluster().nodes, name)),
}, "sera");
