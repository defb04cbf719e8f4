/** Slots on one server, held by some with a lease and by others without. */

import { mixedSlotsContract } from "../mixed_slots_contract.ts";
import { sharedMariaDb } from "../shared_server.ts";

const mariaDb = sharedMariaDb();
const test = (name: string, fn: () => Promise<void>) => mariaDb.test(name, fn);
mixedSlotsContract({ test, server: () => mariaDb.server.dsn() }, "sera");
