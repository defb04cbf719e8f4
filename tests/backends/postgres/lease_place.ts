import { postgresLeases } from "../../../lib/backends/postgres/lease.ts";
import { postgresDialect } from "../../../lib/backends/postgres/ledger.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import type { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import { postgresPlace } from "../../ledger/places.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { never, plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";
import type { SharedServer } from "../shared_server.ts";
import type { LeasePlace } from "../sql/lease/desk.ts";

/**
 * Leases on PostgreSQL. The tables that a bench makes are the plain user's.
 *
 * @param url Where its clients find the server, if that is not where it is.
 */
export function postgresLeasePlace(
  shared: SharedServer<PostgresServer>,
  label: string,
  url = (params: string) => shared.server.url(params),
): LeasePlace {
  const place = postgresPlace(shared, label);
  return {
    ...place,
    async bench(params = "") {
      const bench = await place.bench();
      return {
        ...bench,
        server: url(params),
        async sql(statement) {
          const rows = await bench.sql(statement);
          const [, made] = /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)/.exec(statement) ?? [];
          if (made !== undefined) await bench.sql(`ALTER TABLE ${made} OWNER TO sera`);
          return rows;
        },
      };
    },
    leases: postgresLeases,
    ledger: postgresDialect,
    session: leasedSession,
    ago: (milliseconds) => `clock_timestamp() - interval '${milliseconds * 1000} microseconds'`,
  };
}

/** A session as a lease has it. */
export async function leasedSession(server: string): Promise<PostgresSession> {
  return await openPostgresSession(await parsePostgres(server), { ...plainSession, leased: true }, never);
}
