import { slotIn } from "../lock/slot_name.ts";
import { numberForJson } from "../text/untrusted.ts";
import { printableJson } from "../text/printable.ts";
import type { RecordedRun } from "./run.ts";

/**
 * Past runs for programs: one JSON object on one line, without control characters.
 *
 * @param name The object's only member.
 */
export function historyJson(runs: readonly RecordedRun[], name = "runs"): string {
  return printableJson({ [name]: runs.map(runView) });
}

/** A run for programs. */
export function runView(
  { id, lock, key, label, host, pid, user, started, finished, exitCode, outcome }: RecordedRun,
): object {
  const time = (milliseconds: number | undefined) =>
    milliseconds === undefined ? null : new Date(milliseconds).toISOString();
  return {
    run_id: numberForJson(id),
    ...slotIn(lock),
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
  };
}

/** How long a run took, in milliseconds; undefined if not known. */
export function span(started: number | undefined, finished: number | undefined): number | undefined {
  return started === undefined || finished === undefined ? undefined : Math.max(0, finished - started);
}

function seconds(span: number | undefined): number | null {
  return span === undefined ? null : span / 1000;
}
