/** Who polls for a lease, where no session waits for a lock: by the statements that a server has noted. */

import { type Galera, startGalera } from "../servers/galera.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { startSystemPostgres } from "../servers/postgres_system.ts";

/** Longer than any pause of a polling waiter, in milliseconds. */
const MAX_PAUSE = 3000;

/** A statement in a server's log, with its sender. */
export interface Noted {
  readonly client: string;
  readonly sql: string;
}

/**
 * How many poll for a lock: their last statement about it has only read its row, or its slots' rows, and not what others
 * hold, as one who has claimed it does.
 *
 * @param noted The statements in which the lock's name is, in order.
 */
export function countPolling(noted: readonly Noted[]): number {
  const last = new Map(noted.map(({ client, sql }) => [client, sql]));
  return [...last.values()].filter((sql) => !/\b(?:INSERT|UPDATE)\b|owner <> /.test(sql)).length;
}

/** Starts a cluster whose nodes note the last statement of each connection. */
export async function startWatchedGalera(): Promise<Galera> {
  const galera = await startGalera();
  for (const node of galera.nodes) await watchStatements(node);
  return galera;
}

/** Makes a server note the last statement of each connection. */
export async function watchStatements(node: MySqlServer): Promise<void> {
  await node.query("UPDATE performance_schema.setup_instruments SET enabled = 'YES' WHERE name LIKE 'statement/%'");
  await node.query(
    "UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name = 'events_statements_current'",
  );
}

/**
 * The last statement of each connection to such servers, if the lock's name is in it; without connections that have been
 * idle for longer than any pause of a polling waiter.
 */
export async function notedOnGalera(nodes: readonly MySqlServer[], name: string): Promise<Noted[]> {
  const found = await Promise.all(nodes.map(async (node) => {
    const rows = await node.query(
      `SELECT processlist_id AS id, sql_text AS text FROM performance_schema.events_statements_current
       JOIN performance_schema.threads USING (thread_id)
       WHERE processlist_user = '${node.user}' AND processlist_time <= 2 AND sql_text LIKE '%${name}%'`,
    );
    return rows.map(({ id, text }) => ({ client: `${node.port} ${id}`, sql: String(text) }));
  }));
  return found.flat();
}

/** A pooler and the server behind it. */
export interface Pooled {
  readonly server: PostgresServer;
  readonly pool: PgBouncer;
  /** Ends both and removes their folders. */
  stop(): Promise<void>;
}

/** Starts a pooler in front of a server that notes every statement, and who sent it: the pooler names its clients. */
export async function startPooled(mode: "transaction" | "statement"): Promise<Pooled> {
  const server = await startSystemPostgres({ extraArgs: ["--log-statement=all", "--log-line-prefix=<%a %n>"] });
  try {
    const pool = await startPgBouncer(server, mode);
    const stop = async () => {
      await pool.stop();
      await server.stop();
    };
    return { server, pool, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * The statements in the log of such a server in which the lock's name is. Clients have names of their own, or are one. Left
 * out are those who have asked nothing for longer than anybody pauses who polls.
 */
export async function notedThroughPooler({ logFile }: PostgresServer, name: string): Promise<Noted[]> {
  const entries = (await Deno.readTextFile(logFile)).split(/^(?=<)/m);
  return entries.filter((entry) => entry.includes(name)).flatMap((entry) => {
    const [, client, time, sql] = /^<(.*?) ([\d.]+)>LOG: {2}(?:statement|execute [^:]*): (.*)/s.exec(entry) ?? [];
    if (client === undefined || sql === undefined) return [];
    return Date.now() - Number(time) * 1000 <= MAX_PAUSE ? [{ client, sql }] : [];
  });
}
