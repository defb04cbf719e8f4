import { crewContract } from "../crew_contract.ts";
import { lockContract } from "../lock_contract.ts";
import { waiting } from "./view.ts";
import { Batches } from "../../side_by_side.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const batches = new Batches();

const mySql56 = sharedMySql56();

for (const shared of [sharedMariaDb(), mySql56]) {
  lockContract({
    test: (name, fn) => shared.testInBatch(batches, name, fn),
    server: () => shared.server.dsn(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
  crewContract({
    test: (name, fn, traits) => shared.testInBatch(batches, name, fn, traits),
    server: () => shared.server.dsn(),
    lacks: shared === mySql56 ? ["slots", "also", "maxWaiters"] : [],
  });
}
