import { runContract } from "../../ledger/contract.ts";
import { sharedEtcd } from "../shared_server.ts";
import { etcdBench } from "./ledger_bench.ts";

const shared = sharedEtcd();

runContract({
  test: (name, fn, options) => shared.test(name, fn, options),
  bench: () => Promise.resolve(etcdBench(shared.server)),
  restart: () => shared.server.restart(),
});
