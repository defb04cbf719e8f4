import type { Dialect } from "../ledger/dialect.ts";
import { readRun, selectRuns } from "../ledger/rows.ts";
import type { RecordedRun } from "../ledger/run.ts";
import type { Session } from "../lock/session.ts";
import { askIfAllowed } from "./ask.ts";
import { keyOfName } from "./postgres_key.ts";
import { sql, type Statement } from "../sql/statement.ts";
import type { Sighting } from "./sighting.ts";

/** Many more than run at a time; what has died in between is marked only when its lock is next held. */
const MOST = 1000;

/** The runs that have not ended as far as the ledger knows, the latest first; none if it cannot be read. */
export async function runningRuns(
  session: Session,
  dialect: Dialect,
  condition: Statement,
  signal: AbortSignal,
): Promise<readonly RecordedRun[]> {
  const rest = sql`WHERE outcome = 'running' AND ${condition} ORDER BY id DESC LIMIT ${MOST}`;
  return (await askIfAllowed(session, selectRuns(dialect, rest), signal)).map((row) => readRun(dialect, row));
}

/** Adds to a holder what the ledger has of its run. Sessions' numbers come back when a server is restarted. */
export function withRun(holder: Sighting, runs: readonly RecordedRun[]): Sighting {
  const run = runs.find(({ lock, session }) => isName(lock, holder.lock) && session === holder.session);
  if (!run || holder.pid !== undefined && holder.pid !== run.pid) return holder;
  const { lock, id, host, pid, label, started } = run;
  return { ...holder, lock, runId: id, host, pid, label, since: started, sinceIs: "acquired" };
}

/** Whether a lock of this name may be what is shown: PostgreSQL keeps only the first half. */
function isName(lock: string, shown: string): boolean {
  return lock === shown || keyOfName(lock) === shown;
}
