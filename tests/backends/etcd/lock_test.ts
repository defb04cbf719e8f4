/** The contract of a lock, in an etcd of one member and in one of three. */

import { Together } from "../../side_by_side.ts";
import { lockContract } from "../lock_contract.ts";
import { sharedEtcd, sharedEtcdCluster } from "../shared_server.ts";
import { etcdLockPlace } from "./lock_place.ts";

const together = new Together();

for (const shared of [sharedEtcd(), sharedEtcdCluster()]) lockContract(etcdLockPlace(shared, together));
