import type { RecordedRun } from "../ledger/run.ts";
import { timeOf } from "../text/time.ts";
import type { Finding } from "./report.ts";

/** The ledger's latest run; undefined if it has none. */
export type LastRun = RecordedRun | "no table" | undefined;

/**
 * What `sera doctor` reports of a ledger that a run can use.
 *
 * @param kept Why old runs cannot be deleted; undefined if they can.
 */
export function usableLedger(last: LastRun, kept?: string): Finding {
  if (last === "no table") return { found: "there is no table yet; the first run creates it" };
  const when = last?.started === undefined ? "" : `, of ${timeOf(last.started)}`;
  const found = `it can be read and written; ${last ? `its last run is ${last.id}${when}` : "it has no run yet"}`;
  if (kept === undefined) return { found };
  return {
    found: `it can be read and written, but old runs are never deleted: ${kept}`,
    cure: "grant DELETE on it",
  };
}
