/** Two nodes for the stress test, one of which is killed and restarted. */

import { lockName } from "../../lib/lock/lock_name.ts";
import { type NodeIndex, startGalera } from "../servers/galera.ts";
import type { TorturedSessions } from "./torture.ts";

/** A node is given up sooner than by default, since all writes wait for that. */
const SUSPECT_AFTER = 2;

/** Starts a cluster. Each sera knows both nodes, half of them the second one first. */
export async function startTorturedGalera(): Promise<TorturedSessions & AsyncDisposable> {
  const cluster = await startGalera({ suspectAfter: SUSPECT_AFTER });
  const [one, two] = cluster.nodes;
  const [{ host, user, password }] = cluster.nodes;
  const both = (ports: readonly number[]) =>
    `${user}:${password}@tcp(${ports.map((port) => `${host}:${port}`).join(",")})/?timeout=5s`;
  const servers = [both([one.port, two.port]), both([two.port, one.port])];
  let killed: NodeIndex = 1;
  /** Ends a connection of the plain user, if it still exists. */
  const cut = async (index: NodeIndex, which: string) => {
    const node = cluster.nodes[index];
    const [row] = await node.query(
      `SELECT id AS id FROM information_schema.processlist WHERE user = '${user}' ${which} ORDER BY RAND() LIMIT 1`,
    );
    if (row) await node.query(`KILL CONNECTION ${row.id}`).catch(() => undefined);
    return row !== undefined;
  };
  return {
    server: servers[0]!,
    servers,
    // A session that uses the row right now: the holder's, or a claimant's.
    async cutHolder(key) {
      const which = `AND info LIKE '%${lockName(key)}%'`;
      return await cut(0, which) || await cut(1, which);
    },
    cutAnyone: async () => void await cut(Math.random() < 0.5 ? 0 : 1, ""),
    async kill() {
      killed = Math.random() < 0.5 ? 0 : 1;
      await cluster.kill(killed);
    },
    restart: () => cluster.rejoin(killed),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}
