import type { Observer } from "../../backends/backend.ts";
import type { RecordedRun } from "../../ledger/run.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { look } from "../../who/look.ts";
import type { Sighting } from "../../who/sighting.ts";

/** The maximum number of locks whose holders are looked up; runs of further locks are shown as recorded. */
export const MAX_LOCKS = 200;

/**
 * Runs with the right outcome: a run whose holder has died is still recorded as running until the next holder marks it as
 * abandoned.
 */
export async function withAbandoned(
  runs: readonly RecordedRun[],
  observer: Observer,
  table: TableName,
  signal: AbortSignal,
): Promise<readonly RecordedRun[]> {
  // The ledger is on another server than the locks, so session numbers do not tell who still runs.
  if (observer.elsewhere !== undefined) return runs;
  const locks = [...new Set(runs.filter(isRunning).map(({ lock }) => slotIn(lock).lock))].slice(0, MAX_LOCKS);
  const holders = new Map<string, readonly Sighting[]>();
  for (const lock of locks) {
    const { sightings } = await look({ lock }, () => observer.sightings({ lock }, table, signal));
    holders.set(lock, sightings);
  }
  return runs.map((run) => {
    const seen = isRunning(run) ? holders.get(slotIn(run.lock).lock) : undefined;
    return seen && !seen.some(isHolderOf(run)) ? { ...run, outcome: "abandoned" } : run;
  });
}

/** Whether a run is recorded as running. */
function isRunning({ outcome }: RecordedRun): boolean {
  return outcome === "running";
}

/** Matches a run's holder by its session, or by its host and process if the backend has no sessions. */
export function isHolderOf(run: RecordedRun): (sighting: Sighting) => boolean {
  return ({ state, session, host, pid }) => {
    if (state !== "held") return false;
    if (session !== undefined) return session === run.session;
    // In containers many processes have the same number.
    return pid !== undefined && pid === run.pid && (host === undefined || host === run.host);
  };
}
