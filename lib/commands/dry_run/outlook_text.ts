import type { RunRequest } from "../../args/operands.ts";
import { runView } from "../../ledger/history.ts";
import type { Settings } from "../../settings/settings.ts";
import { formatDuration } from "../../text/duration.ts";
import { printableJson } from "../../text/printable.ts";
import { sightingView } from "../../who/report.ts";
import type { Outlook } from "./outlook.ts";

/** What a run would do, for people. */
export function outlookText(outlook: Outlook, request: RunRequest, settings: Settings): string {
  return pauseText(outlook, settings) + textOf(outlook, request, settings);
}

function pauseText({ pause }: Outlook, { splay = 0 }: Settings): string {
  if (pause === undefined) return "";
  return `Would pause for ${formatDuration(pause)} first (--splay ${formatDuration(splay)}). `;
}

function textOf(
  { would, slot, sightings, busy, because, maxWaiters = Infinity }: Outlook,
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
  const others = waiters === 0 ? "" : `; ${waiters} more ${waiters === 1 ? "waits" : "wait"}`;
  const unless = waiters < maxWaiters ? "" : `, unless too many wait already (--max-waiters ${maxWaiters})`;
  const then = waitAndSkip || because ? ", then skip the command" : "";
  const why = because && !waitAndSkip ? `. ${because.reason}` : "";
  const { awaited } = busy;
  if (replace) {
    const whom = awaited.includes(", ") ? `${awaited},` : awaited;
    return `Would ask ${whom} to end, and wait ${limit} for that${then}${others}${why}.`;
  }
  return `Would wait ${limit} for ${awaited}${unless}${then}${others}${why}.`;
}

/** The same for programs. */
export function outlookJson({ lock, slot, pause, would, sightings, because }: Outlook, exitCode: number): string {
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
