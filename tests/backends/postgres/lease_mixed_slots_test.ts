/** Slots on one server, held by some with a lease and by others without. */

import { mixedSlotsContract } from "../mixed_slots_contract.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  const test = (name: string, fn: () => Promise<void>) => shared.test(name, fn);
  mixedSlotsContract({ test, server: () => shared.server.url() });
}
