/** Locks that are leases: where waiters queue for the session lock, and behind a pooler, where they poll. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { pgBouncerUnavailable } from "../../servers/pgbouncer.ts";
import { systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Batches } from "../../side_by_side.ts";
import { leaseContract, polling } from "../lease_contract.ts";
import { notedThroughPooler, type Pooled, startPooled } from "../polling.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { waiting } from "./view.ts";

const batches = new Batches();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  leaseContract({
    test: (name, fn) => shared.testInBatch(batches, name, fn),
    server: () => shared.server.url(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
}

const unavailable = systemPostgresUnavailable ?? pgBouncerUnavailable;
for (const mode of ["transaction", "statement"] as const) {
  const label = `PgBouncer in ${mode} mode`;
  if (unavailable) console.log(`left out: leases on ${label}: ${unavailable}`);
  const pooled = forThisFile<Pooled>(unavailable, () => startPooled(mode));
  leaseContract({
    test(name, fn) {
      if (unavailable === undefined) batches.test(label, name, fn);
    },
    server: () => pooled().pool.url(),
    waiting: (name, count) => polling(count, () => notedThroughPooler(pooled().server, name)),
  });
}
