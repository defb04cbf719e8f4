import { formatDuration } from "../duration.ts";
import { printableJson } from "../printable.ts";
import { table } from "../text_table.ts";
import { timeOf } from "../time.ts";
import type { RecordedRun } from "./run.ts";

const HEADER = ["RUN", "STARTED", "TOOK", "OUTCOME", "CODE", "HOST", "LABEL"];

/** Past runs as a table; the keys only where there are any. */
export function historyTable(runs: readonly RecordedRun[]): string {
  const withKeys = runs.some(({ key }) => key !== undefined);
  const rows = runs.map(({ id, started, finished, outcome, exitCode, host, label, key }) => [
    String(id),
    timeOf(started),
    finished === undefined || outcome === "skipped" ? "-" : formatDuration(Math.max(0, finished - started)),
    outcome,
    exitCode === undefined ? "-" : String(exitCode),
    host,
    label,
    ...(withKeys ? [key ?? "-"] : []),
  ]);
  return table([withKeys ? [...HEADER, "KEY"] : HEADER, ...rows]);
}

/** Past runs for programs: one JSON object in one line, with nothing in it that controls a terminal. */
export function historyJson(runs: readonly RecordedRun[]): string {
  const time = (milliseconds: number | undefined) =>
    milliseconds === undefined ? null : new Date(milliseconds).toISOString();
  return printableJson({
    runs: runs.map(({ id, lock, key, label, host, pid, user, started, finished, exitCode, outcome }) => ({
      run_id: id,
      lock,
      key: key ?? null,
      label,
      host,
      pid,
      user,
      started: time(started),
      finished: time(finished),
      duration: finished === undefined ? null : Math.max(0, finished - started) / 1000,
      exit_code: exitCode ?? null,
      outcome,
    })),
  });
}
