/** Slots, several locks and limits of waiters, where locks are leases. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { pgBouncerUnavailable } from "../../servers/pgbouncer.ts";
import { systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Batches } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling, SHORT } from "../lease_contract.ts";
import { notedThroughPooler, type Pooled, startPooled } from "../polling.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const batches = new Batches();
const options = () => leaseOptions();

const newer = sharedPostgres18();
for (const shared of [sharedPostgres(), newer]) {
  crewContract({
    ...shared === newer ? { isBrief: true } : {},
    test: (name, fn, traits) => shared.testInBatch(batches, name, fn, traits),
    server: () => shared.server.url(),
    options,
    short: SHORT,
    hasTokens: true,
  });
}

const unavailable = systemPostgresUnavailable ?? pgBouncerUnavailable;
const pooled = forThisFile<Pooled>(unavailable, () => startPooled("transaction"));
crewContract({
  test(name, fn, traits) {
    if (unavailable === undefined) batches.test("PgBouncer in transaction mode", name, fn, traits);
  },
  server: () => pooled().pool.url(),
  options,
  short: SHORT,
  waiting: (name, count) => polling(count, () => notedThroughPooler(pooled().server, name)),
  hasTokens: true,
  lacks: ["maxWaiters"],
});
