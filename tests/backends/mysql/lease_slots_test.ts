/** Slots, several locks and limits of waiters, where locks are leases; those who poll for them cannot be counted. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable } from "../../servers/galera.ts";
import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling } from "../lease_contract.ts";
import { notedOnGalera, startWatchedGalera } from "../polling.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const together = new Together();
const leased = { options: () => leaseOptions("sera"), hasTokens: true } as const;

for (
  const [shared, place] of [
    [sharedMariaDb(), {}],
    [sharedMySql56(), { lacks: ["maxWaiters"] }],
  ] as const
) {
  crewContract({
    ...leased,
    ...place,
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.dsn(),
  });
}

if (galeraUnavailable) console.log(`left out: slots of leases on Galera: ${galeraUnavailable}`);
const cluster = forThisFile<Galera>(galeraUnavailable, startWatchedGalera);

let clients = 0;
crewContract({
  ...leased,
  lacks: ["maxWaiters"],
  test(name, fn) {
    if (galeraUnavailable === undefined) together.test("Galera", name, fn);
  },
  // Each is on another node than the one before.
  server: () => cluster().nodes[++clients % 2]!.dsn(),
  waiting: (name, count) => polling(count, () => notedOnGalera(cluster().nodes, name)),
});
