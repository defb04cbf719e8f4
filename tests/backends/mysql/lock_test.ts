import { lockContract } from "../lock_contract.ts";
import { waiting } from "./view.ts";
import { Together } from "../../side_by_side.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const together = new Together();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  lockContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.dsn(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
}
