import { UsageError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { runView } from "../../ledger/history.ts";
import type { RecordedRun, RunFilter } from "../../ledger/run.ts";
import { whoAndWhen } from "../../ledger/run_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { formatDuration } from "../../text/duration.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { ago } from "../../text/age.ts";
import { type FormatTime, timeFormatAt } from "../../text/time.ts";
import { wrappedAt } from "../../text/wrapped.ts";
import { NEVER } from "../../waiting.ts";
import { asQuery } from "../as_query.ts";
import { backendOptions } from "../backend_options.ts";
import { ledgerIn } from "../ledger_in.ts";

/** The exit codes. */
const YES = 0;
const NO = 1;

/**
 * Prints a line about whether a run of one lock has succeeded lately, for monitoring.
 *
 * @param within How lately, in milliseconds: by its end, and the server's clock.
 * @returns 0 if one has, else 1.
 */
export async function succeededWithin(
  { settings, io }: { readonly settings: Settings; readonly io: Io },
  filter: RunFilter,
  within: number,
  json: boolean,
): Promise<number> {
  if (filter.lock === undefined) {
    throw new UsageError("Cannot tell whose success to look for", "name the command after --, or add --name TEXT");
  }
  const { isLate, last } = await asQuery(() => lastSuccess(settings, io, filter, within));
  const succeeded = last !== undefined && !isLate;
  const answer = { succeeded, within: within / 1000, run: last ? runView(last) : null };
  const width = terminalWidth();
  const text = json ? printableJson(answer) : wrappedAt(lineAbout(last, isLate, within, timeFormatAt(width)), width);
  io.out(`${text}\n`);
  return succeeded ? YES : NO;
}

/** The last success, and whether it is longer ago. */
async function lastSuccess(
  settings: Settings,
  io: Io,
  filter: RunFilter,
  within: number,
): Promise<{ readonly isLate: boolean; readonly last: RecordedRun | undefined }> {
  const { server, ledger: { table } } = settings;
  await using observer = await server.observe(filter.lock!, backendOptions(settings, "history", io), NEVER);
  const ledger = await ledgerIn(observer, table, io);
  const successes = { ...filter, outcomes: ["succeeded"] } as const;
  const [lately] = await ledger?.latest(1, { ...successes, endedWithin: within }) ?? [];
  if (lately) return { isLate: false, last: lately };
  const [last] = await ledger?.latest(1, successes) ?? [];
  return { isLate: true, last };
}

function lineAbout(last: RecordedRun | undefined, isLate: boolean, within: number, tell: FormatTime): string {
  const span = formatDuration(within);
  if (!last) return `No run has succeeded within ${span}, and no earlier success is recorded.`;
  const { id, finished } = last;
  const when = finished === undefined ? "at an unknown time" : `${ago(finished, Date.now())} (${tell(finished)})`;
  const run = `run ${id} by ${printable(whoAndWhen(last, tell))}`;
  return isLate
    ? `No run has succeeded within ${span}: the last success, ${run}, was ${when}.`
    : `Succeeded within ${span}: ${run} ended ${when}.`;
}
