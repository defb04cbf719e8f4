/** The contracts of a lock, its slots and its waiters, and of several locks, in an etcd of one member and in one of three. */

import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { lockContract } from "../lock_contract.ts";
import { sharedEtcd, sharedEtcdCluster } from "../shared_server.ts";
import { etcdLockPlace } from "./lock_place.ts";

const together = new Together();

for (const shared of [sharedEtcd(), sharedEtcdCluster()]) lockContract(etcdLockPlace(shared, together));

// Who sees all locks must see no other test's.
for (const shared of [sharedEtcd(), sharedEtcdCluster()]) {
  let tests = 0;
  let prefix = "";
  crewContract({
    ...etcdLockPlace(shared, together),
    test: (name, fn) =>
      shared.test(name, async () => {
        prefix = `crew-${++tests}/`;
        await fn();
      }),
    server: () => shared.server.url(prefix),
    waiting: undefined,
    hasTokens: true,
  });
}
