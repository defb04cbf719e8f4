import { type InterruptedError, LockLostError, SeraError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { HeldLock } from "../lock/lock.ts";
import { lockFlagsOf } from "../lock/lock_flags.ts";
import { terminalWidth } from "../system/terminal.ts";
import { formatDuration } from "../text/duration.ts";
import { mayBeServer } from "../text/redaction.ts";
import { printable } from "../text/printable.ts";
import { quotedForShell } from "../text/shell_word.ts";
import { timeFormatAt } from "../text/time.ts";
import { timeFrom } from "../text/untrusted.ts";
import { delayOrAbort } from "../waiting.ts";
import { shownLock } from "../who/names.ts";
import { release } from "./run/finish_run.ts";
import type { Job } from "./run/job.ts";

/**
 * Holds a lock without a command until the time is over, a signal comes, somebody asks for the lock, or it is lost.
 *
 * @param span How long, in milliseconds; `Infinity` sets no limit.
 * @returns What sera exits with.
 */
export async function holdLock(lock: HeldLock, span: number, job: Job): Promise<number> {
  const { io, logger, progress, watch: { signals: { interrupted } } } = job;
  const since = performance.now();
  progress.started();
  await confirm(lock);
  if (!logger.isJson && !lock.lost.aborted) io.out(heldText(span, lock.slot, job));
  await delayOrAbort(span, lock.lost, lock.asked, progress.failed, interrupted);
  lock.commandEnded();
  const ended = [lock.lost, lock.asked, progress.failed].find(({ aborted }) => aborted)?.reason;
  let exitCode = ended instanceof SeraError
    ? ended.exitCode
    : interrupted.aborted
    ? (interrupted.reason as InterruptedError).exitCode
    : ExitCode.ok;
  logger.exitsWith(exitCode);
  if (ended instanceof SeraError) logger.log("error", "error", ended.message);
  else if (interrupted.aborted) logger.log("info", "interrupted", `${interrupted.reason.message}.`);
  if (!lock.lost.aborted) {
    const isReleased = await release(lock, logger, since, () => "somebody else may hold it");
    if (!isReleased && exitCode === ExitCode.ok) exitCode = ExitCode.lockLost;
    if (isReleased && !logger.isJson) {
      io.out(`Released after ${spanText(performance.now() - since)}.\n`);
    }
  }
  progress.ended(exitCode);
  return exitCode;
}

/** Makes sure that the lock is still held; else `lost` has fired. */
async function confirm(lock: HeldLock): Promise<void> {
  try {
    await lock.confirm();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
  }
}

/** How long the lock was held. From ten seconds on, a fraction tells a person nothing. */
function spanText(ms: number): string {
  return formatDuration(ms < 10_000 ? Math.round(ms) : Math.round(ms / 1000) * 1000);
}

/** Says that the lock is held, until when, and how to release it sooner. */
function heldText(
  span: number,
  slot: number | undefined,
  { request: { words }, settings, identity: { titles, all, main } }: Job,
): string {
  // A very long time ends in no year that has a date.
  const end = timeFrom(Date.now() + span);
  const until = span === Infinity
    ? "until you end it"
    : end === undefined
    ? `for ${formatDuration(span)}`
    : `until ${timeFormatAt(terminalWidth())(end)} (${formatDuration(span)})`;
  const { namespace, name = words.length === 1 ? words[0] : undefined } = settings;
  const inSlot = slot === undefined ? "" : `--slot ${slot} `;
  const flags = lockFlagsOf({ namespace, name }) ??
    `${namespace === undefined ? "" : `--namespace ${quotedForShell(namespace)} `}-- ${
      words.some(mayBeServer) ? "COMMAND" : words.map(quotedForShell).join(" ")
    }`;
  // A line break, which a line of text cannot have, would name another lock.
  const copied = printable(flags) === flags ? flags : `--lock ${shownLock({ lock: main.name })}`;
  const [locks, them] = all.length === 1 ? ["lock", "it"] : ["locks", "them"];
  // The command's first word alone would name another lock.
  const whose = words.length > 1 ? `the command ${titles} …` : titles;
  const what = mayBeServer(titles) ? `the ${locks}` : `the ${locks} of ${whose}`;
  return `${printable(`Holding ${what} ${until}.`)}\n${
    printable(`To release ${them}${span === Infinity ? "" : " sooner"}: Ctrl-C, or sera unlock ${inSlot}${copied}`)
  }\n`;
}
