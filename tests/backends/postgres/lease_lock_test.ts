/** Locks that are leases: where waiters queue for the session lock, and behind a pooler, where they poll. */
// Starts early: leases of those who died have to run out.

import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Together } from "../../side_by_side.ts";
import { leaseContract, type Noted, polling } from "../lease_contract.ts";
import { sharedPostgres, sharedPostgres18, SharedServer } from "../shared_server.ts";
import { waiting } from "./view.ts";

const together = new Together();

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  leaseContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
    waiting: async (name, count) => void await waiting(shared.server, name, count),
  });
}

for (const mode of ["transaction", "statement"] as const) {
  let pool: PgBouncer;
  const shared = new SharedServer(
    `PgBouncer in ${mode} mode`,
    systemPostgresUnavailable ?? pgBouncerUnavailable,
    async () => {
      // The pooler names the client to the server.
      const server = await startSystemPostgres({ extraArgs: ["--log-statement=all", "--log-line-prefix=<%a>"] });
      pool = await startPgBouncer(server, mode);
      return server;
    },
  );
  Deno.test.afterAll(async () => {
    await pool?.stop();
  });
  leaseContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => pool.url(),
    waiting: (name, count) => polling(count, () => noted(shared.server, name)),
  });
}

/** The statements in the server's log in which the lock's name is. */
async function noted({ logFile }: PostgresServer, name: string): Promise<Noted[]> {
  const entries = (await Deno.readTextFile(logFile)).split(/^(?=<)/m);
  return entries.filter((entry) => entry.includes(name)).flatMap((entry) => {
    const [, client, sql] = /^<(.*?)>LOG: {2}(?:statement|execute [^:]*): (.*)/s.exec(entry) ?? [];
    return client !== undefined && sql !== undefined ? [{ client, sql }] : [];
  });
}
