/** Slots, several locks and limits of waiters, in an etcd of one member and in one of three. */

import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { sharedEtcd, sharedEtcdCluster } from "../shared_server.ts";
import { etcdLockPlace } from "./lock_place.ts";

const together = new Together();

for (const shared of [sharedEtcd(), sharedEtcdCluster()]) {
  const { test, server, options } = etcdLockPlace(shared, together);
  crewContract({ test, server, options, hasTokens: true });
}
