/** An etcd, for the contract of a lock. */

import type { Etcd } from "../../servers/etcd_member.ts";
import type { Together } from "../../side_by_side.ts";
import type { LockPlace } from "../lock_contract.ts";
import type { SharedServer } from "../shared_server.ts";
import { waiting } from "./view.ts";

/** Short, since the contract waits for the lock of one who died, but long enough for a slow machine. */
const TERMS = { ttl: 8000, grace: 1000 };

/** The locks of an etcd; its tests run beside those of others. */
export function etcdLockPlace(shared: SharedServer<Etcd>, together: Together): LockPlace {
  return {
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
    options: () => ({ lease: TERMS }),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  };
}
