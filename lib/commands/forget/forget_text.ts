import { whoAndWhen } from "../../ledger/run_text.ts";
import type { RecordedRun, Rule } from "../../ledger/run.ts";
import { formatDuration } from "../../text/duration.ts";
import { printable } from "../../text/printable.ts";
import { quotedForShell } from "../../text/shell_word.ts";
import type { FormatTime } from "../../text/time.ts";

/** The flags of a rule, as in the command that goes by them. */
function flagsOf({ once, every, countFailures }: Rule): string {
  return [
    ...once === undefined ? [] : [`--once ${printable(quotedForShell(once))}`],
    ...every === undefined ? [] : [`--every ${formatDuration(every)}`],
    ...countFailures ? ["--count-failures"] : [],
  ].join(" ");
}

function namesOf(runs: readonly RecordedRun[]): string {
  return runs.length === 1 ? `run ${runs[0]!.id}` : `${runs.length} runs`;
}

/** What the user is asked. */
export function questionText(runs: readonly RecordedRun[], rule: Rule): string {
  return `Forget ${namesOf(runs)}, so that ${flagsOf(rule)} lets the command run again?`;
}

function endOf({ outcome }: RecordedRun): string {
  return outcome === "abandoned" ? "was abandoned" : outcome;
}

/**
 * What was done.
 *
 * @param tell How to tell moments.
 */
export function forgotText(runs: readonly RecordedRun[], rule: Rule, tell: FormatTime): string {
  const lines = runs.map((run) =>
    `Forgot run ${run.id} by ${printable(whoAndWhen(run, tell))}, which ${endOf(run)}.\n`
  );
  return `${lines.join("")}With ${flagsOf(rule)} the command may run again.\n`;
}

/**
 * Why there is nothing to forget.
 *
 * @param others Runs that would count if failures did.
 */
export function uncountedText(rule: Rule, others: readonly RecordedRun[]): string {
  const none = `No run counts for ${flagsOf(rule)}: nothing to forget.\n`;
  if (others.length === 0) return none;
  const these = others.length === 1
    ? `${namesOf(others)}, which ${endOf(others[0]!)},`
    : `${namesOf(others)} that did not succeed`;
  return `${none}With --count-failures ${these} would count.\n`;
}
