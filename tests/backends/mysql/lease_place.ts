import { mySqlLeases } from "../../../lib/backends/mysql/lease.ts";
import { mySqlDialect } from "../../../lib/backends/mysql/ledger.ts";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { mySqlPlace } from "../../ledger/places.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import type { SharedServer } from "../shared_server.ts";
import type { LeasePlace } from "../sql/lease/desk.ts";

/** Leases on MariaDB or MySQL. */
export function mySqlLeasePlace(shared: SharedServer<MySqlServer>, label: string): LeasePlace {
  return {
    ...mySqlPlace(shared, label),
    leases: (table) => mySqlLeases(table),
    ledger: mySqlDialect,
    session: async (server) =>
      await openMySqlSession(await parseMySql(server), { ...plainSession, leased: true }, never),
    ago: (milliseconds) => `UTC_TIMESTAMP(3) - INTERVAL ${milliseconds * 1000} MICROSECOND`,
  };
}
