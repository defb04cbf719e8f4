import type { Dialect } from "../ledger/dialect.ts";
import type { Session } from "../lock/session.ts";
import { askIfAllowed } from "./ask.ts";
import { keyOfName } from "./postgres_key.ts";
import type { Sighting } from "./sighting.ts";

/** A run that the ledger has as running: what it tells of whoever holds the lock, if it really does. */
export interface RunningRun {
  readonly lock: string;
  readonly session: number;
  readonly runId: number;
  readonly host: string;
  readonly pid: number;
  readonly label: string;
  readonly since: number;
}

/** Many more than run at a time; what has died in between is marked only when its lock is next held. */
const MOST = 1000;

/** The runs that have not ended as far as the ledger knows, the latest first; none if it cannot be read. */
export async function runningRuns(
  session: Session,
  dialect: Dialect,
  condition: string,
  signal: AbortSignal,
): Promise<readonly RunningRun[]> {
  const { table, readText, readTime, decodeText } = dialect;
  const rows = await askIfAllowed(
    session,
    `SELECT id, lock_name, session_id, ${readText("host")} AS host, pid, ${readText("label")} AS label, ` +
      `${readTime("started")} AS since FROM ${table} WHERE outcome = 'running' AND ${condition} ` +
      `ORDER BY id DESC LIMIT ${MOST}`,
    signal,
  );
  return rows.map((row) => ({
    lock: String(row.lock_name),
    session: Number(row.session_id),
    runId: Number(row.id),
    host: decodeText(row.host),
    pid: Number(row.pid),
    label: decodeText(row.label),
    since: Number(row.since),
  }));
}

/** Adds to a holder what the ledger has of its run. Sessions' numbers come back when a server is restarted. */
export function withRun(holder: Sighting, runs: readonly RunningRun[]): Sighting {
  const run = runs.find(({ lock, session }) => isName(lock, holder.lock) && session === holder.session);
  if (!run || holder.pid !== undefined && holder.pid !== run.pid) return holder;
  const { lock, runId, host, pid, label, since } = run;
  return { ...holder, lock, runId, host, pid, label, since, sinceIs: "acquired" };
}

/** Whether a lock of this name may be what is shown: PostgreSQL keeps only the first half. */
function isName(lock: string, shown: string): boolean {
  return lock === shown || keyOfName(lock) === shown;
}
