/** Slots, several locks and limits of waiters, where locks are leases. */
// Starts early: leases of those who died have to run out.

import { forThisFile } from "../../servers/for_this_file.ts";
import { pgBouncerUnavailable } from "../../servers/pgbouncer.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Together } from "../../side_by_side.ts";
import { until } from "../../cli/wait.ts";
import { crewContract } from "../crew_contract.ts";
import { leaseOptions, polling } from "../lease_contract.ts";
import { notedThroughPooler, type Pooled, startPooled } from "../polling.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { fnv1 } from "../../../lib/lock/namespaced_name.ts";
import { FIRST } from "../../../lib/backends/postgres/seats.ts";
import { keySql } from "./key_sql.ts";
import { waiters } from "./view.ts";

const together = new Together();
const options = () => leaseOptions();

/** Resolves when so many wait: for the session lock of a plain lock, or for a slot, of whom one has the queue's lock. */
async function waitingOn(server: PostgresServer, name: string, count: number): Promise<void> {
  const queue = `${fnv1(`${name}.q`)},${FIRST + 1}`;
  await until(`${count} waiting for ${name}`, async () => {
    const [plain, queued] = [await waiters(server, name), await waiters(server, queue)];
    const heads = await server.query(`SELECT 1 FROM pg_locks WHERE ${keySql(queue).row} AND granted`);
    return plain.length + queued.length + heads.length === count;
  });
}

/** Tests that count those who wait in a way that does not see yet who looks at the slots' rows. */
const UNSEEN = /others see|as many wait as may|frees its seat|runs out/;

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  crewContract({
    test: (name, fn) => UNSEEN.test(name) ? undefined : shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
    options,
    waiting: (name, count) => waitingOn(shared.server, name, count),
    hasTokens: true,
  });
}

const unavailable = systemPostgresUnavailable ?? pgBouncerUnavailable;
const pooled = forThisFile<Pooled>(unavailable, () => startPooled("transaction"));
crewContract({
  test(name, fn) {
    if (unavailable === undefined) together.test("PgBouncer in transaction mode", name, fn);
  },
  server: () => pooled().pool.url(),
  options,
  waiting: (name, count) => polling(count, () => notedThroughPooler(pooled().server, name)),
  hasTokens: true,
  lacks: ["maxWaiters"],
});
