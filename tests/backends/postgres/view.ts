/** How a PostgreSQL server sees its clients, and a client that is not sera. */

// @ts-types="@types/pg"
import pg from "pg";
import { keySql } from "./key_sql.ts";
import { until } from "../../cli/wait.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";

/** One of the plain user's sessions. */
export interface ServerSession {
  readonly pid: number;
  /** `idle` between two statements outside of a transaction. */
  readonly state: string;
  /** The oldest transaction whose deleted rows VACUUM must keep for this session; null if none. */
  readonly backendXmin: string | null;
  readonly transactionStart: string | null;
  readonly applicationName: string;
  /** The running statement, or the last one. */
  readonly query: string;
  readonly queryStart: string;
  /** Whether it waits for one of the server's own locks. */
  readonly blocked: boolean;
}

const SESSIONS = `SELECT pid, state, backend_xmin::text AS "backendXmin", xact_start::text AS "transactionStart",
    application_name AS "applicationName", query, query_start::text AS "queryStart",
    wait_event_type IS NOT DISTINCT FROM 'Lock' AS blocked
  FROM pg_stat_activity`;

/** The sessions of the plain user. */
export async function sessions(server: PostgresServer): Promise<ServerSession[]> {
  return await server.query(`${SESSIONS} WHERE usename = '${server.user}'`) as unknown as ServerSession[];
}

/** Those of them whose last statement asked for a lock that they do not hold, even if they no longer wait. */
export async function waiters(server: PostgresServer, name: string): Promise<ServerSession[]> {
  const { args, row } = keySql(name);
  const rows = await server.query(
    `${SESSIONS} WHERE usename = '${server.user}' AND strpos(query, $$pg_try_advisory_lock(${args})$$) > 0
      AND pid NOT IN (SELECT pid FROM pg_locks WHERE ${row} AND granted)`,
  );
  return rows as unknown as ServerSession[];
}

/** Resolves with the waiters once there are this many. */
export function waiting(server: PostgresServer, name: string, count = 1): Promise<ServerSession[]> {
  return until(`${count} waiting for ${name}`, async () => {
    const found = await waiters(server, name);
    return found.length === count ? found : undefined;
  });
}

/** The session that holds a lock. */
export async function holderOf(server: PostgresServer, name: string): Promise<number> {
  const rows = await server.query(`SELECT pid FROM pg_locks WHERE ${keySql(name).row} AND granted`);
  if (rows.length !== 1) throw new Error(`${rows.length} hold ${name}`);
  return rows[0]!.pid as number;
}

/** A superuser's connection that stays open, like psql's. */
export class OtherClient implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async connect({ socketFolder, port, database }: PostgresServer, to = database): Promise<OtherClient> {
    const client = new pg.Client({ host: socketFolder, port, user: "postgres", database: to, ssl: false });
    // Ignored, since query() also rejects with it.
    client.on("error", () => undefined);
    await client.connect();
    return new OtherClient(client);
  }

  /** Returns the first row. */
  async query(sql: string): Promise<Record<string, unknown>> {
    return (await this.#client.query(sql)).rows[0] ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
