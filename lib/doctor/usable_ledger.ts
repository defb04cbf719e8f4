import type { RecordedRun } from "../ledger/run.ts";
import { type FormatTime, localTime, utcTime } from "../text/time.ts";
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
  const when = (tell: FormatTime) => last?.started === undefined ? "" : `, of ${tell(last.started)}`;
  const text = (tell: FormatTime) =>
    `it can be read and written; ${last ? `its last run is ${last.id}${when(tell)}` : "it has no run yet"}`;
  if (kept === undefined) {
    return { found: text(utcTime), ...last?.started === undefined ? {} : { local: text(localTime) } };
  }
  return {
    found: `it can be read and written, but old runs are never deleted: ${kept}`,
    cure: "grant DELETE on it",
  };
}
