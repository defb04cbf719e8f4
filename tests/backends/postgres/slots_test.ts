/** Locks with slots, several locks and limits of waiters, as the contract has them. */

import { crewContract } from "../crew_contract.ts";
import { Together } from "../../side_by_side.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const together = new Together();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  crewContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
  });
}
