import { slotIn } from "../lock/slot_name.ts";
import { formatDuration } from "../text/duration.ts";
import { fits, table } from "../text/text_table.ts";
import { ago } from "../text/age.ts";
import { type FormatTime, timeFormatAt } from "../text/time.ts";
import { span } from "./history.ts";
import type { Outcome, RecordedRun } from "./run.ts";

const HEADER = ["RUN", "STARTED", "TOOK", "OUTCOME", "CODE", "HOST", "LABEL"];

/** What takes no time. */
const INSTANT: readonly string[] = ["skipped", "forgot"] satisfies Outcome[];

/** The indices of the columns HOST, LABEL and KEY. */
const [HOST, LABEL, KEY] = [5, 6, 7];

/**
 * Past runs as a table; the column KEY only if a run has one, and SLOT only if one was in a slot other than 0.
 *
 * @param width The terminal's width in columns; undefined if stdout is not a terminal: then nothing is cut, and times
 * are in UTC. If there is room, they have their age beside them.
 * @param now Milliseconds since 1970.
 */
export function historyTable(runs: readonly RecordedRun[], width?: number, now = Date.now()): string {
  const tell = timeFormatAt(width);
  const withKeys = runs.some(({ key }) => key !== undefined);
  const cut = withKeys ? [KEY, LABEL, HOST] : [LABEL, HOST];
  const plain = rowsOf(runs, withKeys, tell);
  if (width === undefined) return table(plain);
  const aged = rowsOf(runs, withKeys, (time) => `${tell(time)} (${ago(time, now)})`);
  return table(fits(aged, width) ? aged : plain, { width, cut });
}

function rowsOf(runs: readonly RecordedRun[], withKeys: boolean, tell: FormatTime): readonly (readonly string[])[] {
  const withSlots = runs.some(({ lock }) => slotIn(lock).slot > 0);
  const rows = runs.map(({ id, lock, started, finished, outcome, exitCode, host, label, key }) => [
    String(id),
    started === undefined ? "-" : tell(started),
    INSTANT.includes(outcome) ? "-" : tookText(span(started, finished)),
    outcome,
    exitCode === undefined ? "-" : String(exitCode),
    host,
    label,
    ...(withKeys ? [key ?? "-"] : []),
    ...(withSlots ? [String(slotIn(lock).slot)] : []),
  ]);
  return [[...HEADER, ...withKeys ? ["KEY"] : [], ...withSlots ? ["SLOT"] : []], ...rows];
}

function tookText(span: number | undefined): string {
  return span === undefined ? "-" : formatDuration(span);
}
