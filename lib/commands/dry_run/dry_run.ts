import { DRY_RUN_FLAG, DRY_RUN_JSON_FLAG } from "../args/flag.ts";
import { isFlagSet } from "../args/is_flag_set.ts";
import type { RunRequest } from "../args/operands.ts";
import type { Observer } from "../backends/backend.ts";
import { LockUnavailableError, UsageError } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { runView } from "../ledger/history.ts";
import type { RecordedRun } from "../ledger/run.ts";
import { skipReason } from "../ledger/run_text.ts";
import { identitiesOf, type LockIdentity } from "../lock/lock_identity.ts";
import { splayedPause } from "../lock/splay.ts";
import type { Settings } from "../settings/settings.ts";
import { formatDuration } from "../text/duration.ts";
import { pathOr } from "../text/redaction.ts";
import { printable, printableJson } from "../text/printable.ts";
import { timeFormatAt } from "../text/time.ts";
import { terminalWidth } from "../system/terminal.ts";
import { NEVER } from "../waiting.ts";
import { freeSlot, refuseOtherSlots } from "../who/free_slot.ts";
import { type BusyText, busyText } from "../who/busy_text.ts";
import { isOfLock } from "../who/names.ts";
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
  /** The lock's name; those of several with blanks between them. */
  readonly lock: string;
  /** How long it would pause before it asks, in milliseconds; undefined without a splay. */
  readonly pause: number | undefined;
  /** What it would do first if it asked at this moment. */
  readonly would: "run" | "skip" | "wait" | "give up";
  /** The first slot that is free, if slots are asked for. */
  readonly slot: number | undefined;
  /** Those who hold the lock, and wait for it. */
  readonly sightings: readonly Sighting[];
  readonly busy: BusyText;
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
  const json = isFlagSet(flags, DRY_RUN_JSON_FLAG.name);
  if (!isFlagSet(flags, DRY_RUN_FLAG.name)) {
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
  const { server, splay, slots = 1 } = settings;
  const { main, names, all } = identitiesOf(words, settings);
  await using observer = await server.observe(main.name, backendOptions(settings, LABEL, io), NEVER);
  const sightings: Sighting[] = [];
  for (const lock of all) sightings.push(...await sightingsOf(lock, settings, observer));
  const held = sightings.filter(({ state }) => state === "held");
  for (const lock of all) {
    const [holders, which] = all.length === 1
      ? [held]
      : [held.filter((one) => isOfLock(one, lock.name)), `The lock of ${pathOr(lock.title, lock.name)}`];
    refuseOtherSlots(holders!, slots, which);
  }
  const slot = freeSlot(held, slots);
  const inheritedLocks = io.env(HELD_LOCKS);
  if (slot === undefined && inheritedLocks !== undefined) {
    refuseOwnLock(all.map((lock) => ({ ...lock, slots: settings.slots })), server, inheritedLocks, sightings);
  }
  const because = slot === undefined && wait === 0 ? undefined : await countedRun(observer, main.name, settings, io);
  const would = slot !== undefined ? because ? "skip" : "run" : wait === 0 ? "give up" : "wait";
  const pause = splay ? splayedPause(splay, Deno.hostname(), main.name) : undefined;
  const busy = busyText(
    { locks: all, slots: slots === 1 ? undefined : slots },
    held,
    Date.now(),
    timeFormatAt(terminalWidth()),
  );
  return { lock: names, slot: settings.slots === undefined ? undefined : slot, pause, would, sightings, busy, because };
}

async function sightingsOf(
  { name: lock, title }: LockIdentity,
  settings: Settings,
  observer: Observer,
): Promise<readonly Sighting[]> {
  const { namespace, name } = settings;
  const asked = { all: false, lock, namespace, name: namespace === undefined ? undefined : name && title };
  const answer = await lookFor(asked, settings, observer);
  const isHeld = answer.sightings.some(({ state }) => state === "held");
  if (!isHeld && !answer.isConclusive) throw new LockUnavailableError(whyUnknown(answer));
  return answer.sightings;
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
  const [found] = await ledger?.countingRuns(lock, rule, 1) ?? [];
  if (!ledger || !found) return undefined;
  // The next holder marks it as that.
  const run = found.outcome === "running" ? { ...found, outcome: "abandoned" } : found;
  return { run, reason: skipReason(run, false, rule, ledger.clock, timeFormatAt(terminalWidth())) };
}

function pauseText({ pause }: Outlook, { splay = 0 }: Settings): string {
  if (pause === undefined) return "";
  return `Would pause for ${formatDuration(pause)} first (splay ${formatDuration(splay)}). `;
}

function textOf(
  { would, slot, sightings, busy, because }: Outlook,
  { wait }: RunRequest,
  { waitAndSkip, replace, slots, names }: Settings,
): string {
  if (would === "run") {
    const free = slot !== undefined ? `slot ${slot} of ${slots} is free` : `nobody holds the lock${names ? "s" : ""}`;
    return `Would run the command: ${free}.`;
  }
  if (would === "skip") return `Would skip the command. ${because!.reason}.`;
  if (would === "give up") {
    return `Would give up at once: ${
      slots === undefined && !names ? `the lock is held by ${busy.awaited}` : busy.held
    }.`;
  }
  const limit = wait === Infinity ? "without a limit" : `up to ${formatDuration(wait)}`;
  const waiters = sightings.filter(({ state }) => state === "waiting").length;
  const others = waiters === 0 ? "" : ` (${waiters} more ${waiters === 1 ? "waits" : "wait"})`;
  const then = waitAndSkip ? ", then skip the command" : because ? `, then skip the command. ${because.reason}` : "";
  if (replace) return `Would ask ${busy.awaited} to end, and wait ${limit} for that${others}${then}.`;
  return `Would wait ${limit} for ${busy.awaited}${others}${then}.`;
}

function viewOf({ lock, slot, pause, would, sightings, because }: Outlook, exitCode: number): string {
  const holder = sightings.find(({ state }) => state === "held");
  return printableJson({
    lock,
    would,
    slot: slot ?? null,
    exit_code: exitCode,
    pause: pause === undefined ? null : pause / 1000,
    holder: holder ? sightingView(holder) : null,
    waiters: sightings.filter(({ state }) => state === "waiting").map(sightingView),
    counted_run: because ? runView(because.run) : null,
  });
}
