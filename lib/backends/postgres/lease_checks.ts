import type { Finding, Warning } from "../../doctor/report.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { NEVER } from "../../waiting.ts";
import type { LockOptions } from "../backend.ts";
import { askOne } from "../sql/answer.ts";
import { type LeaseDatabase, worstOf } from "../sql/lease/checks.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { sql } from "../sql/statement.ts";
import { postgresLeaseServer } from "./lease_lock.ts";
import type { PostgresOptions } from "./options.ts";
import type { PostgresServer } from "./server.ts";
import { openPostgresSession } from "./open_session.ts";
import type { PostgresSession } from "./session.ts";
import { tableIn } from "./table_sql.ts";

/** What `sera doctor` checks of leases on PostgreSQL. */
export function postgresLeaseDatabase(
  server: PostgresServer,
  options: PostgresOptions & LockOptions,
  table: TableName,
  ledger: TableName,
): LeaseDatabase<PostgresSession> {
  const looks = { ...options, leased: true, observesOnly: true };
  return {
    server: postgresLeaseServer(server, options, table),
    options: leaseOptions(options, tableIn),
    ledger,
    now: sql`SELECT extract(epoch FROM clock_timestamp()) AS now`,
    opens: server.hosts.map((host) => () =>
      openPostgresSession({ ...server, hosts: [host], targetSessionAttrs: "any" }, looks, NEVER)
    ),
    durability: (session) => durability(session, server.hosts.length > 1),
  };
}

async function durability(session: PostgresSession, mayFailOver: boolean): Promise<Finding> {
  const names = ["syncs", "waits", "standbys", "replicas"] as const;
  const seen = await askOne(
    session,
    sql`SELECT current_setting('fsync') AS syncs, current_setting('synchronous_commit') AS waits,
      current_setting('synchronous_standby_names') AS standbys, (SELECT count(*) FROM pg_stat_replication) AS replicas`,
    names,
  );
  const warnings: Warning[] = [];
  if (!seen.is("syncs", "on")) {
    warnings.push({
      found: "a crash of the server's machine may forget who holds a lease (fsync=off)",
      cure: "set fsync = on",
    });
  }
  if (mayFailOver || seen.whole("replicas") > 0) {
    const found = "a failover may forget who holds a lease";
    if (seen.is("standbys", "")) {
      warnings.push({ found: `${found}, since no standby is synchronous`, cure: "set synchronous_standby_names" });
    } else if (seen.is("waits", "local")) {
      warnings.push({ found: `${found} (synchronous_commit=local)`, cure: "set synchronous_commit = on" });
    }
  }
  return worstOf(warnings, "no setting found that lets the server forget who holds a lease");
}
