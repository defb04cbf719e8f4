import { DRY_RUN_FLAG, DRY_RUN_JSON_FLAG } from "../args/flag.ts";
import { isAsked } from "../args/is_asked.ts";
import type { RunRequest } from "../args/operands.ts";
import type { Observer } from "../backends/backend.ts";
import { LockUnavailableError, UsageError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { runView } from "../ledger/history.ts";
import type { RecordedRun } from "../ledger/run.ts";
import { skipReason } from "../ledger/run_text.ts";
import { identityOf } from "../lock/lock_identity.ts";
import { splayedPause } from "../lock/splay.ts";
import type { Settings } from "../settings/settings.ts";
import { formatDuration } from "../text/duration.ts";
import { printable, printableJson } from "../text/printable.ts";
import { tellTimeAt } from "../text/time.ts";
import { terminalWidth } from "../system/terminal.ts";
import { NEVER } from "../waiting.ts";
import { holderText } from "../who/holder_text.ts";
import { sightingView } from "../who/report.ts";
import type { Sighting } from "../who/sighting.ts";
import { afterPrinting } from "./after_printing.ts";
import { asQuery } from "./as_query.ts";
import { backendOptions } from "./backend_options.ts";
import { HELD_LOCKS } from "./run/held_locks.ts";
import { ledgerIn } from "./ledger_in.ts";
import { lookFor, whyUnknown } from "./status/look_for.ts";
import { refuseOwnLock } from "./run/refuse_own_lock.ts";

/** What others see of the session that looks. */
const LABEL = "dry run";

/** What a run would find at this moment. */
interface Outlook {
  readonly lock: string;
  /** How long it would pause before it asks, in milliseconds; undefined without a splay. */
  readonly pause: number | undefined;
  /** What it would do first if it asked at this moment. */
  readonly would: "run" | "skip" | "wait" | "give up";
  /** Those who hold the lock, and wait for it. */
  readonly sightings: readonly Sighting[];
  /** The earlier run because of which it would skip the command, at once or after the wait. */
  readonly because?: { readonly run: RecordedRun; readonly reason: string } | undefined;
}

/**
 * With `--dry-run` prints what a run would do if it were started now: run the command, wait, give up, or skip. Takes no
 * lock and writes nothing.
 *
 * @returns Undefined without `--dry-run`; 0 if it would run the command; 204 if it would have to wait, or give up; for a skip what a run exits with.
 * @throws {LockUnavailableError} When that cannot be told.
 * @throws {UsageError} When the run would wait for itself, or `--json` is of no use.
 */
export async function dryRunIfAsked(
  request: RunRequest,
  settings: Settings,
  io: Io,
  flags: ReadonlyMap<string, string>,
): Promise<number | undefined> {
  const json = isAsked(flags, DRY_RUN_JSON_FLAG.name);
  if (!isAsked(flags, DRY_RUN_FLAG.name)) {
    if (!json) return undefined;
    throw new UsageError(
      "Cannot use --json: it has no effect without --dry-run",
      "for lines of JSON write --verbose --log-format json",
    );
  }
  const outlook = await asQuery(() => lookAhead(request, settings, io));
  const { would } = outlook;
  const exitCode = would === "run"
    ? ExitCode.ok
    : would !== "skip"
    ? ExitCode.busy
    : settings.detailedExitCodes
    ? ExitCode.skipped
    : ExitCode.ok;
  io.out(
    `${
      json ? viewOf(outlook, exitCode) : printable(pauseText(outlook, settings) + textOf(outlook, request, settings))
    }\n`,
  );
  return await afterPrinting(io, exitCode);
}

async function lookAhead({ words, wait }: RunRequest, settings: Settings, io: Io): Promise<Outlook> {
  const { namespace, name, server, splay } = settings;
  const { name: lock, title } = identityOf(words, settings);
  const asked = { all: false, lock, namespace, name: namespace === undefined ? undefined : name };
  await using observer = await server.observe(lock, backendOptions(settings, LABEL, io), NEVER);
  const answer = await lookFor(asked, settings, observer);
  const { sightings } = answer;
  const isHeld = sightings.some(({ state }) => state === "held");
  if (!isHeld && !answer.canTell) throw new LockUnavailableError(whyUnknown(answer));
  const above = io.env(HELD_LOCKS);
  if (isHeld && above !== undefined) refuseOwnLock(lock, title, server, above, sightings);
  const because = isHeld && wait === 0 ? undefined : await countedRun(observer, lock, settings, io);
  const would = !isHeld ? because ? "skip" : "run" : wait === 0 ? "give up" : "wait";
  const pause = splay ? splayedPause(splay, Deno.hostname(), lock) : undefined;
  return { lock, pause, would, sightings, because };
}

/** The newest run that counts by `once` or `every`. */
async function countedRun(
  observer: Observer,
  lock: string,
  { ledger: rule }: Settings,
  io: Io,
): Promise<Outlook["because"]> {
  if (!rule.on || rule.once === undefined && rule.every === undefined) return undefined;
  const ledger = await ledgerIn(observer, rule.table, io);
  const [found] = await ledger?.counting(lock, rule, 1) ?? [];
  if (!ledger || !found) return undefined;
  // The next holder marks it as that.
  const run = found.outcome === "running" ? { ...found, outcome: "abandoned" } : found;
  return { run, reason: skipReason(run, false, rule, ledger.clock, tellTimeAt(terminalWidth())) };
}

function pauseText({ pause }: Outlook, { splay = 0 }: Settings): string {
  if (pause === undefined) return "";
  return `Would pause for ${formatDuration(pause)} first (splay ${formatDuration(splay)}). `;
}

function textOf({ would, sightings, because }: Outlook, { wait }: RunRequest, { waitAndSkip }: Settings): string {
  if (would === "run") return "Would run the command: nobody holds the lock.";
  if (would === "skip") return `Would skip the command. ${because!.reason}.`;
  const holder = holderText(sightings, Date.now(), tellTimeAt(terminalWidth())) ??
    "somebody else";
  if (would === "give up") return `Would give up at once: the lock is held by ${holder}.`;
  const limit = wait === Infinity ? "without a limit" : `up to ${formatDuration(wait)}`;
  const waiters = sightings.filter(({ state }) => state === "waiting").length;
  const others = waiters === 0 ? "" : ` (${waiters} more ${waiters === 1 ? "waits" : "wait"})`;
  const then = waitAndSkip ? ", then skip the command" : because ? `, then skip the command. ${because.reason}` : "";
  return `Would wait ${limit} for ${holder}${others}${then}.`;
}

function viewOf({ lock, pause, would, sightings, because }: Outlook, exitCode: number): string {
  const holder = sightings.find(({ state }) => state === "held");
  return printableJson({
    lock,
    would,
    exit_code: exitCode,
    pause: pause === undefined ? null : pause / 1000,
    holder: holder ? sightingView(holder) : null,
    waiters: sightings.filter(({ state }) => state === "waiting").map(sightingView),
    counted_run: because ? runView(because.run) : null,
  });
}
