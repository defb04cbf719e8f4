import { formatDuration } from "../text/duration.ts";
import { type FormatTime, utcTime } from "../text/time.ts";
import type { RecordedRun, Rule } from "./run.ts";

/**
 * Why a command is skipped, for messages.
 *
 * @param run The run that counts.
 * @param isAhead Whether it began later than now, by the ledger's clock.
 * @param clock Whose clock that is.
 * @param tell How to tell moments.
 */
export function skipReason(
  run: RecordedRun,
  isAhead: boolean,
  { once, every }: Rule,
  clock: "server" | "machine",
  tell: FormatTime = utcTime,
): string {
  const by = `run ${run.id} by ${whoAndWhen(run, tell)} ${run.outcome === "running" ? "has not ended" : run.outcome}`;
  const done = run.outcome === "running" ? "Begun" : "Done";
  if (once !== undefined && run.key === once) return `Already ${done.toLowerCase()} for this key: ${by}`;
  const span = formatDuration(every!);
  if (!isAhead) return `${done} within the last ${span}: ${by}`;
  return `${done} within ${span} of now: ${by}, ahead of the ${clock}'s clock, which has been set back since; check it`;
}

/**
 * Who began a run, and when.
 *
 * @param tell How to tell moments.
 */
export function whoAndWhen({ host, pid, started }: RecordedRun, tell: FormatTime = utcTime): string {
  const who = host === "" ? "somebody" : pid === undefined ? host : `${host}:${pid}`;
  return `${who} at ${started === undefined ? "an unknown time" : tell(started)}`;
}
