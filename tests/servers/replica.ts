/** A MariaDB that follows another one. */

import { type MariaDbOptions, startMariaDb } from "./mariadb.ts";
import type { MySqlServer } from "./mysql_process.ts";
import { until } from "./observe.ts";

/** Starts a MariaDB that others can follow. */
export function startPrimary(): Promise<MySqlServer> {
  return startMariaDb({ extraArgs: ["--server-id=1", "--log-bin"] });
}

/** Starts a replica of a running server of {@linkcode startPrimary}, and resolves when it follows. */
export async function startReplica(primary: MySqlServer, options: MariaDbOptions = {}): Promise<MySqlServer> {
  const replica = await startMariaDb({ ...options, extraArgs: ["--server-id=2", ...options.extraArgs ?? []] });
  try {
    await follow(replica, primary);
  } catch (error) {
    await replica.stop();
    throw error;
  }
  return replica;
}

/** From now on: both had the same data when they were started, and the same accounts. */
async function follow(replica: MySqlServer, primary: MySqlServer): Promise<void> {
  await primary.query("CREATE USER 'follower'@'127.0.0.1' IDENTIFIED BY 'secret'");
  await primary.query("GRANT REPLICATION SLAVE ON *.* TO 'follower'@'127.0.0.1'");
  const [row] = await primary.query("SELECT @@gtid_binlog_pos AS position");
  await replica.query(`SET GLOBAL gtid_slave_pos = '${row?.position}'`);
  await replica.query(
    `CHANGE MASTER TO master_host = '${primary.host}', master_port = ${primary.port}, master_user = 'follower',
       master_password = 'secret', master_use_gtid = slave_pos`,
  );
  await replica.query("START SLAVE");
  await until(async () => {
    const [status] = await replica.query("SHOW SLAVE STATUS");
    return status?.Slave_IO_Running === "Yes" && status.Slave_SQL_Running === "Yes";
  }, `the server at ${replica.port} follows the one at ${primary.port}`);
}
