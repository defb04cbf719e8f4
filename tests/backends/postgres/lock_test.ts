import { lockContract } from "../lock_contract.ts";
import { waiting } from "./view.ts";
import { Batches } from "../../side_by_side.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const batches = new Batches();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  lockContract({
    test: (name, fn) => shared.testInBatch(batches, name, fn),
    server: () => shared.server.url(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
}
