import { formatDuration } from "../text/duration.ts";
import { table } from "../text/text_table.ts";
import { timeOf } from "../text/time.ts";
import { span } from "./history.ts";
import type { RecordedRun } from "./run.ts";

const HEADER = ["RUN", "STARTED", "TOOK", "OUTCOME", "CODE", "HOST", "LABEL"];

/** Where HOST, LABEL and KEY are. */
const [HOST, LABEL, KEY] = [5, 6, 7];

/**
 * Past runs as a table; the keys only where there are any.
 *
 * @param width Columns that the terminal has; undefined where it is none, and nothing is cut.
 */
export function historyTable(runs: readonly RecordedRun[], width?: number): string {
  const withKeys = runs.some(({ key }) => key !== undefined);
  const rows = runs.map(({ id, started, finished, outcome, exitCode, host, label, key }) => [
    String(id),
    started === undefined ? "-" : timeOf(started),
    outcome === "skipped" ? "-" : tookText(span(started, finished)),
    outcome,
    exitCode === undefined ? "-" : String(exitCode),
    host,
    label,
    ...(withKeys ? [key ?? "-"] : []),
  ]);
  const cut = withKeys ? [KEY, LABEL, HOST] : [LABEL, HOST];
  return table([withKeys ? [...HEADER, "KEY"] : HEADER, ...rows], { width, cut });
}

function tookText(span: number | undefined): string {
  return span === undefined ? "-" : formatDuration(span);
}
