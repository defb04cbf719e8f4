import { lineOf } from "../../errors.ts";
import { MySqlSession } from "./session.ts";
import { whyNodeLocal, whyUnsafe } from "./topology.ts";
import type { Session } from "../sql/session.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { askIfAllowed, askOrRefused } from "../sql/ask_if_allowed.ts";

/** Signs of a replica that any user may read: MariaDB's, and MySQL's before 5.7. */
const SIGNS: readonly Statement[] = [
  sql`SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_running', 'Slaves_running') AND Value NOT IN ('OFF', '0')`,
  sql`SHOW GLOBAL VARIABLES WHERE Variable_name = 'gtid_slave_pos' AND Value <> ''`,
];

/**
 * Which locks this server cannot show because they are on another one, and what to do; undefined if none.
 *
 * @param leased Whether the locks are kept in rows, which all nodes of a cluster share.
 */
export async function whatIsElsewhere(
  session: Session,
  leased: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(session instanceof MySqlSession)) return undefined;
  const { variables } = session;
  const inCluster = leased ? undefined : whyNodeLocal(variables);
  if (inCluster !== undefined) return lineOf(inCluster);
  if (whyUnsafe(variables, leased) === undefined) return undefined;
  const answer = await isReplica(session, signal);
  if (answer === false) return undefined;
  const is = answer ? "the server is a replica" : "the server is read-only, most likely a replica";
  const shows = leased ? "its copy of the leases may be old" : "the primary's locks cannot be seen there";
  return `${is}, and ${shows}; name the primary`;
}

/** Whether the server replicates from another one; undefined where this user may not know. */
export async function isReplica(session: Session, signal: AbortSignal): Promise<boolean | undefined> {
  for (const sign of SIGNS) {
    if ((await askIfAllowed(session, sign, signal)).length > 0) return true;
  }
  for (const show of [sql`SHOW REPLICA STATUS`, sql`SHOW SLAVE STATUS`]) {
    const rows = await askOrRefused(session, show, signal);
    if (rows) return rows.length > 0;
  }
  const counts = await askIfAllowed(session, sql`SHOW GLOBAL STATUS LIKE 'Slave_running'`, signal);
  return counts.length > 0 ? false : undefined;
}
