/** Slots, several locks and limits of waiters, through a pooler that ties locks to connections. */
// Starts early: PgBouncer takes its time to clean up.

import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { crewContract } from "../crew_contract.ts";
import { Batches } from "../../side_by_side.ts";
import { SharedServer } from "../shared_server.ts";

let pool: PgBouncer;
const shared = new SharedServer("PgBouncer", systemPostgresUnavailable ?? pgBouncerUnavailable, async () => {
  const server = await startSystemPostgres();
  pool = await startPgBouncer(server, "session", { default_pool_size: "60" });
  return server;
});
Deno.test.afterAll(async () => {
  await pool?.stop();
});

const batches = new Batches();
crewContract({
  test: (name, fn, traits) => shared.testInBatch(batches, name, fn, traits),
  server: () => pool.url(),
  // Each session is tried first, to tell whether the pooler ties locks to it.
  isBrief: true,
});
