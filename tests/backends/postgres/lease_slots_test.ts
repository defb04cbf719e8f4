/** Slots, several locks and limits of waiters, where locks are leases; those who poll for them cannot be counted. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { pgBouncerUnavailable } from "../../servers/pgbouncer.ts";
import { systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling } from "../lease_contract.ts";
import { notedThroughPooler, type Pooled, startPooled } from "../polling.ts";
import { sharedPostgres } from "../shared_server.ts";

const together = new Together();
const leased = { options: () => leaseOptions(), hasTokens: true } as const;

const shared = sharedPostgres();
crewContract({
  ...leased,
  test: (name, fn) => shared.testTogether(together, name, fn),
  server: () => shared.server.url(),
});

const unavailable = systemPostgresUnavailable ?? pgBouncerUnavailable;
if (unavailable) console.log(`left out: slots of leases behind PgBouncer: ${unavailable}`);
const pooled = forThisFile<Pooled>(unavailable, () => startPooled("transaction"));
crewContract({
  ...leased,
  lacks: ["maxWaiters"],
  test(name, fn) {
    if (unavailable === undefined) together.test("PgBouncer in transaction mode", name, fn);
  },
  server: () => pooled().pool.url(),
  waiting: (name, count) => polling(count, () => notedThroughPooler(pooled().server, name)),
});
