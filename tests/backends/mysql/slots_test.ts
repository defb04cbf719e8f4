/** Slots, several locks and limits of waiters; with one lock a session there is none of them. */

import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const together = new Together();

for (
  const [shared, place] of [
    [sharedMariaDb(), {}],
    [sharedMySql56(), { lacks: ["slots", "also", "maxWaiters"] }],
  ] as const
) {
  crewContract({
    ...place,
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.dsn(),
  });
}
