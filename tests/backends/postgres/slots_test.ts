/** Locks with slots, several locks and limits of waiters, as the contract has them. */

import { crewContract } from "../crew_contract.ts";
import { Batches } from "../../side_by_side.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const batches = new Batches();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  crewContract({
    test: (name, fn, traits) => shared.testInBatch(batches, name, fn, traits),
    server: () => shared.server.url(),
  });
}
