/** How a server sees its clients. */

import { until } from "../../cli/wait.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";

/** One line of the process list. */
export interface Client {
  readonly id: number;
  /** The running statement; null if there is none. */
  readonly statement: string | null;
  /** How long it has been running, in whole seconds. */
  readonly seconds: number;
}

/** The connections of the plain user. */
export async function clients(server: MySqlServer): Promise<Client[]> {
  const rows = await server.query(
    `SELECT id AS id, info AS statement, CAST(time AS SIGNED) AS seconds FROM information_schema.processlist WHERE user = '${server.user}'`,
  );
  return rows as unknown as Client[];
}

/** Those of them that are waiting for a lock. */
export async function waiters(server: MySqlServer, name: string): Promise<Client[]> {
  return (await clients(server)).filter(({ statement }) => statement?.includes(`GET_LOCK('${name}'`));
}

/** Resolves with the waiters once there are this many. */
export function waiting(server: MySqlServer, name: string, count = 1): Promise<Client[]> {
  return until(`${count} waiting for ${name}`, async () => {
    const found = await waiters(server, name);
    return found.length === count ? found : undefined;
  });
}

/** The connection that holds a lock. */
export async function holderOf(server: MySqlServer, name: string): Promise<number> {
  const [row] = await server.query(`SELECT IS_USED_LOCK('${name}') AS id`);
  if (typeof row?.id !== "number") throw new Error(`nobody holds ${name}`);
  return row.id;
}
