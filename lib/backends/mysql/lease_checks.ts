import type { Finding, Warning } from "../../doctor/report.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { NEVER } from "../../waiting.ts";
import type { LockOptions } from "../backend.ts";
import { type LeaseDatabase, worstOf } from "../sql/lease/checks.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { join, sql, word } from "../sql/statement.ts";
import { mySqlLeaseServer } from "./lease_lock.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlDsn } from "./server.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { tableIn } from "./table_sql.ts";

/** The status variables that tell whether a primary waits for its replicas, by version. */
const SEMI_SYNC = ["Rpl_semi_sync_master_status", "Rpl_semi_sync_source_status"];

/** The status variable with the number of replicas; only MariaDB has it. */
const REPLICAS = "Slaves_connected";

/** What `sera doctor` checks of leases on MySQL and MariaDB. */
export function mySqlLeaseDatabase(
  dsn: MySqlDsn,
  options: MySqlOptions & LockOptions,
  table: TableName,
  ledger: TableName,
): LeaseDatabase<MySqlSession> {
  return {
    server: mySqlLeaseServer(dsn, options, table),
    options: leaseOptions(options, tableIn),
    ledger,
    now: sql`SELECT UNIX_TIMESTAMP(NOW(3)) AS now`,
    opens: dsn.addresses.map((address) => () =>
      openMySqlSession({ ...dsn, addresses: [address] }, { ...options, observesOnly: true }, NEVER)
    ),
    durability: (session) => durability(session, dsn.addresses.length > 1),
  };
}

async function durability(session: MySqlSession, mayFailOver: boolean): Promise<Finding> {
  const warnings: Warning[] = [];
  const flush = (await namesAndValues(session, "VARIABLES", ["innodb_flush_log_at_trx_commit"])).get(
    "innodb_flush_log_at_trx_commit",
  );
  const inCluster = !session.hasSessionLocks;
  if (flush !== undefined && flush !== "1") {
    const crash = inCluster ? "a crash of all nodes" : "a crash of the server's machine";
    warnings.push({
      found: `${crash} may forget who holds a lease (innodb_flush_log_at_trx_commit=${flush})`,
      cure: "set innodb_flush_log_at_trx_commit=1",
    });
  }
  if (!inCluster) {
    const status = await namesAndValues(session, "STATUS", [...SEMI_SYNC, REPLICAS]);
    const waits = SEMI_SYNC.some((name) => status.get(name.toLowerCase()) === "ON");
    const hasReplicas = mayFailOver || Number(status.get(REPLICAS.toLowerCase()) ?? 0) > 0;
    if (hasReplicas && !waits) {
      warnings.push({
        found: "a failover may forget who holds a lease, since the server does not wait for its replicas",
        cure: "set up semi-synchronous replication",
      });
    }
  }
  return worstOf(warnings, "no setting found that lets the server forget who holds a lease");
}

/** Reads global variables or states, by name in lower case; without those that the server does not have. */
async function namesAndValues(
  session: MySqlSession,
  kind: "VARIABLES" | "STATUS",
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const which = sql`Variable_name IN (${join(names.map(word))})`;
  const rows = await session.queryAll(
    kind === "STATUS" ? sql`SHOW GLOBAL STATUS WHERE ${which}` : sql`SHOW GLOBAL VARIABLES WHERE ${which}`,
  );
  return new Map(
    rows.map((row) => Object.values(row).map(String) as [string, string]).map((
      [name, value],
    ) => [name.toLowerCase(), value]),
  );
}
