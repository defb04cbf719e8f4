import { formatDuration } from "../text/duration.ts";
import { table } from "../text/text_table.ts";
import { tellTimeAt } from "../text/time.ts";
import { span } from "./history.ts";
import type { Outcome, RecordedRun } from "./run.ts";

const HEADER = ["RUN", "STARTED", "TOOK", "OUTCOME", "CODE", "HOST", "LABEL"];

/** What takes no time. */
const INSTANT: readonly string[] = ["skipped", "forgot"] satisfies Outcome[];

/** The indices of the columns HOST, LABEL and KEY. */
const [HOST, LABEL, KEY] = [5, 6, 7];

/**
 * Past runs as a table; the column KEY only if a run has one.
 *
 * @param width The terminal's width in columns; undefined if stdout is no terminal: then nothing is cut, and times
 * are in UTC.
 */
export function historyTable(runs: readonly RecordedRun[], width?: number): string {
  const withKeys = runs.some(({ key }) => key !== undefined);
  const tell = tellTimeAt(width);
  const rows = runs.map(({ id, started, finished, outcome, exitCode, host, label, key }) => [
    String(id),
    started === undefined ? "-" : tell(started),
    INSTANT.includes(outcome) ? "-" : tookText(span(started, finished)),
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
