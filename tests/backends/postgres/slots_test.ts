/** Slots, several locks and limits of waiters, also through a pooler that ties locks to connections. */

import { forThisFile } from "../../servers/for_this_file.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import { systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Together } from "../../side_by_side.ts";
import { crewContract } from "../crew_contract.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

const together = new Together();
const system = sharedPostgres();

for (const shared of [system, sharedPostgres18()]) {
  crewContract({
    test: (name, fn) => shared.testTogether(together, name, fn),
    server: () => shared.server.url(),
  });
}

const unavailable = systemPostgresUnavailable ?? pgBouncerUnavailable;
const pool = forThisFile<PgBouncer>(unavailable, () => startPgBouncer(system.server, "session"));
crewContract({
  test(name, fn) {
    if (unavailable === undefined) together.test("PgBouncer", name, fn);
  },
  server: () => pool().url(),
});
