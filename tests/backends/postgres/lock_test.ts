import { lockContract } from "../lock_contract.ts";
import { waiting } from "./view.ts";
import { Together } from "../../side_by_side.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const together = new Together();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  lockContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
}
