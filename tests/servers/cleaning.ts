/** Brings servers back to what they were before a file of tests used them, and says whether that has worked. */

import { base64 } from "./etcd_client.ts";
import type { EtcdMember } from "./etcd_member.ts";
import type { MySqlServer } from "./mysql_process.ts";
import type { PostgresServer } from "./postgres_process.ts";

/** Far more than it takes, even on a busy machine. */
const DEADLINE_MS = 60_000;
const POLL_MS = 20;

/** Ends the sessions of others, removes the databases of tests, and makes the plain user's database anew. */
export async function cleanMySql(server: MySqlServer): Promise<void> {
  await endSessions(
    server,
    "SELECT id AS id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user <> 'system user'",
    (id) => `KILL ${id}`,
  );
  const databases = await server.query(
    `SELECT schema_name AS name FROM information_schema.schemata
     WHERE schema_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')`,
  );
  for (const { name } of databases) await server.query(`DROP DATABASE ${quoted(name, "`")}`);
  await server.query("CREATE DATABASE sera");
}

/** Resolves when the sessions of others have gone, for until then they hold locks and write into the server's log. */
async function endSessions(
  server: { query(sql: string, database?: string): Promise<Record<string, unknown>[]> },
  list: string,
  end: (id: unknown) => string,
  database?: string,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const sessions = await server.query(list, database);
    if (sessions.length === 0) return;
    if (Date.now() > deadline) throw new Error("the server does not end its sessions");
    // Some end by themselves in the meantime.
    for (const { id } of sessions) await server.query(end(id), database).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What of it tests may have changed, but for the plain user's database; the same text if nothing has changed. */
export async function stateOfMySql(server: MySqlServer): Promise<string> {
  const tables = ["user", "db", "tables_priv", "columns_priv", "procs_priv", "proc", "plugin", "event"];
  const [{ list } = { list: undefined }] = await server.query(
    "SELECT GROUP_CONCAT(table_name ORDER BY table_name) AS list FROM information_schema.tables WHERE table_schema = 'mysql'",
  );
  const state: unknown[] = [list, server.pid];
  for (const table of [...tables, ...String(list).includes("roles_mapping") ? ["roles_mapping"] : []]) {
    state.push((await server.query(`SELECT * FROM mysql.${table}`)).map((row) => JSON.stringify(row)).toSorted());
  }
  const variables = await server.query("SHOW GLOBAL VARIABLES");
  // The server's own counts.
  return JSON.stringify([state, variables.filter((row) => !/gtid|timestamp|last_/i.test(JSON.stringify(row)))]);
}

/** Ends the sessions of others, removes the databases of tests, and makes the plain user's database anew. */
export async function cleanPostgres(server: PostgresServer): Promise<void> {
  await endSessions(
    server,
    "SELECT pid AS id FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    (id) => `SELECT pg_terminate_backend(${id})`,
    "postgres",
  );
  const databases = await server.query(
    "SELECT datname AS name FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')",
    "postgres",
  );
  // Without a transaction around them: each is a statement of its own.
  for (const { name } of databases) await server.query(`DROP DATABASE ${quoted(name, '"')} WITH (FORCE)`, "postgres");
  await server.query(`CREATE DATABASE ${quoted(server.database, '"')} OWNER ${quoted(server.user, '"')}`, "postgres");
}

/** What of it tests may have changed, but for the plain user's database; the same text if nothing has changed. */
export async function stateOfPostgres(server: PostgresServer): Promise<string> {
  const state: unknown[] = [server.pid];
  for (
    const what of [
      "pg_authid",
      "pg_auth_members",
      "pg_db_role_setting",
      "pg_tablespace",
      "pg_hba_file_rules",
      "(SELECT name, setting FROM pg_settings WHERE context <> 'internal') AS settings",
      "(SELECT datname, datacl, datdba, datallowconn, datconnlimit FROM pg_database) AS databases",
      "(SELECT nspname, nspacl, nspowner FROM pg_namespace) AS namespaces",
      "(SELECT relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace) AS classes",
      "(SELECT proname, proacl FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS procs",
    ]
  ) {
    const rows = await server.query(`SELECT * FROM ${what}`, "postgres");
    state.push(rows.map((row) => JSON.stringify(row)).toSorted());
  }
  return JSON.stringify(state);
}

/** From here to here means all keys there are. */
const ALL_KEYS = { key: base64("\0"), range_end: base64("\0") };

/** Ends all leases, with the keys that hang on them, and removes all other keys. */
export async function cleanEtcd(server: EtcdMember): Promise<void> {
  const { leases = [] } = await server.call("/v3/lease/leases") as { leases?: { ID: string }[] };
  for (const { ID } of leases) {
    // Some end by themselves in the meantime.
    await server.call("/v3/lease/revoke", { ID }).catch(() => {});
  }
  await server.call("/v3/kv/deleterange", ALL_KEYS);
}

/** What there is in it for tests to change; the same text if nothing has changed. */
export async function stateOfEtcd(server: EtcdMember): Promise<string> {
  const state: unknown[] = [server.pid];
  for (
    const [path, body] of [
      ["/v3/auth/user/list"],
      ["/v3/auth/role/list"],
      ["/v3/maintenance/alarm"],
      ["/v3/cluster/member/list"],
      ["/v3/lease/leases"],
      ["/v3/kv/range", ALL_KEYS],
    ] as const
  ) {
    const { header: _, ...answer } = await server.call(path, body);
    state.push(answer);
  }
  return JSON.stringify(state);
}

function quoted(name: unknown, quote: string): string {
  return `${quote}${String(name).replaceAll(quote, quote + quote)}${quote}`;
}
