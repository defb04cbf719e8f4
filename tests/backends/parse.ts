/** Servers as sera reads them from a `server` setting, with what their own code makes of it. */

import type { Backend } from "../../lib/backends/backend.ts";
import type { EtcdAddress } from "../../lib/backends/etcd/address.ts";
import { EtcdBackend } from "../../lib/backends/etcd/backend.ts";
import { MySqlBackend } from "../../lib/backends/mysql/backend.ts";
import type { MySqlDsn } from "../../lib/backends/mysql/server.ts";
import type { PostgresServer } from "../../lib/backends/postgres/server.ts";
import { PostgresBackend } from "../../lib/backends/postgres/backend.ts";
import { parseServer } from "../../lib/settings/server.ts";

/** Environment variables; no others are there, `HOME` neither. */
export type Env = Readonly<Record<string, string>>;

/** Any server, completed from these variables only. */
export async function parse(text: string, env: Env = {}, tlsCa?: string): Promise<Backend> {
  return await parseServer(text, "the test", { env: (name) => env[name], tlsCa });
}

/** A server of MySQL or MariaDB. */
export async function parseMySql(text: string): Promise<MySqlDsn> {
  const backend = await parse(text);
  if (!(backend instanceof MySqlBackend)) throw new Error(`not a MySQL DSN: ${text}`);
  return backend.dsn;
}

/** A PostgreSQL server, completed from these variables only. */
export async function parsePostgres(text: string, env: Env = {}, tlsCa?: string): Promise<PostgresServer> {
  const backend = await parse(text, env, tlsCa);
  if (!(backend instanceof PostgresBackend)) throw new Error(`not a PostgreSQL server: ${text}`);
  return backend.server;
}

/** A cluster of etcd. */
export async function parseEtcd(text: string, tlsCa?: string): Promise<EtcdAddress> {
  const backend = await parse(text, {}, tlsCa);
  if (!(backend instanceof EtcdBackend)) throw new Error(`not an etcd: ${text}`);
  return backend.address;
}
