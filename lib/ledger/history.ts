import { formatDuration } from "../text/duration.ts";
import { numberForJson } from "../text/foreign.ts";
import { printableJson } from "../text/printable.ts";
import { table } from "../text/text_table.ts";
import { timeOf } from "../text/time.ts";
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

/** Past runs for programs: one JSON object in one line, with nothing in it that controls a terminal. */
export function historyJson(runs: readonly RecordedRun[]): string {
  const time = (milliseconds: number | undefined) =>
    milliseconds === undefined ? null : new Date(milliseconds).toISOString();
  return printableJson({
    runs: runs.map(({ id, lock, key, label, host, pid, user, started, finished, exitCode, outcome }) => ({
      run_id: numberForJson(id),
      lock,
      key: key ?? null,
      label,
      host,
      pid: pid ?? null,
      user,
      started: time(started),
      finished: time(finished),
      duration: seconds(span(started, finished)),
      exit_code: exitCode ?? null,
      outcome,
    })),
  });
}

/** How long a run took, in milliseconds. */
function span(started: number | undefined, finished: number | undefined): number | undefined {
  return started === undefined || finished === undefined ? undefined : Math.max(0, finished - started);
}

function tookText(span: number | undefined): string {
  return span === undefined ? "-" : formatDuration(span);
}

function seconds(span: number | undefined): number | null {
  return span === undefined ? null : span / 1000;
}
