import type { RecordedRun, RunFilter } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { cut } from "./stored_run.ts";

/** How much the clocks of machines may differ, in milliseconds: a run's times come from the machine that wrote it. */
const CLOCK_DIFFERENCE = 24 * 3600 * 1000;

/** Whether a filter may leave out runs of the locks that it asks for. etcd finds runs by their lock only. */
export function isNarrow({ key, slot, outcomes, host, startedWithin, endedWithin }: RunFilter): boolean {
  return [key, slot, outcomes, host, startedWithin, endedWithin].some((part) => part !== undefined);
}

/** Whether a filter lets a run through, whatever its lock is. */
export function fits(run: RecordedRun, { key, slot, outcomes, host, startedWithin, endedWithin }: RunFilter): boolean {
  const names: readonly string[] | undefined = outcomes;
  return (key === undefined || run.key === cut(key)) &&
    (slot === undefined || slotIn(run.lock).slot === slot) &&
    (names === undefined || names.includes(run.outcome)) &&
    (host === undefined || run.host === cut(host)) &&
    isWithin(run.started, startedWithin) && isWithin(run.finished, endedWithin);
}

/** Whether no run older than these can pass the filter. */
export function isPast(runs: readonly RecordedRun[], { startedWithin }: RunFilter): boolean {
  return startedWithin !== undefined && runs.length > 0 &&
    runs.every(({ started }) => started !== undefined && !isWithin(started, startedWithin + CLOCK_DIFFERENCE));
}

function isWithin(time: number | undefined, span: number | undefined): boolean {
  return span === undefined || time !== undefined && time > Date.now() - span;
}
