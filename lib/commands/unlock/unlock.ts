import { isFlagSet } from "../../args/is_flag_set.ts";
import { LockUnavailableError, UsageError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import { resolveSettings } from "../../settings/resolve.ts";
import type { Settings } from "../../settings/settings.ts";
import { systemUser } from "../../system/user.ts";
import { plainOr } from "../../text/redaction.ts";
import { wholeFrom } from "../../text/untrusted.ts";
import { formatDuration, parseWait } from "../../text/duration.ts";
import { endHolder } from "../../who/end_holder.ts";
import { NEVER, unlessAborted } from "../../waiting.ts";
import type { HolderHandle } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import { type LockQuery, readLockQuery } from "../lock_query.ts";
import { asQuery } from "../as_query.ts";
import { untilSignalled } from "../ending_signals.ts";
import { backendOptions } from "../backend_options.ts";
import type { Call } from "../command.ts";
import { confirm, requireConfirmable } from "../confirm.ts";
import { lookFor } from "../status/look_for.ts";
import { NO_LOCK } from "../no_lock.ts";
import { UnlockReport } from "./unlock_report.ts";

const DONE = 0;
const STILL_HELD = 1;

/** Added to the grace period, until the end of a holder shows, in milliseconds. */
const MARGIN = 2000;

/** How to unlock. */
interface UnlockOptions {
  readonly yes: boolean;
  readonly force: boolean;
  /** In milliseconds; undefined for as long as a holder may take. */
  readonly wait: number | undefined;
}

/**
 * Shows the holder of a lock and ends it.
 *
 * @returns 0 if it does not hold the lock any more, 1 if it still does; else what a run would exit with.
 */
export async function unlock({ flags, operands: words, io, note }: Call): Promise<number> {
  const settings = await resolveSettings(flags, io.env);
  const asked = inSlot(readLockQuery(words, settings, flags.get("lock"), "unlock"), flags.get("slot"));
  if (asked.all) {
    throw new UsageError("Cannot tell which lock to release", "give its command after --, or --name, or --lock PREFIX");
  }
  const unlockOptions = {
    yes: isFlagSet(flags, "yes"),
    force: isFlagSet(flags, "force"),
    wait: waitOf(flags.get("wait")),
  };
  requireConfirmable(unlockOptions.yes, "end the holder", words);
  const report = new UnlockReport(io, isFlagSet(flags, "json"), note);
  return await asQuery(() => find(asked, settings, unlockOptions, report, io));
}

/** @throws {UsageError} When the slot is none, or `--lock` has named another one. */
function inSlot(asked: LockQuery, text: string | undefined): LockQuery {
  if (text === undefined) return asked;
  const slot = /^\d{1,3}$/.test(text) ? wholeFrom(Number(text), 0, MAX_SLOTS - 1) : undefined;
  if (slot === undefined) {
    throw new UsageError(
      `Cannot use --slot: ${plainOr(text)} is not the number of a slot`,
      `write a whole number from 0 to ${MAX_SLOTS - 1}`,
    );
  }
  if (asked.slot === undefined || asked.slot === slot) return { ...asked, slot };
  throw new UsageError("Cannot choose two slots, by --slot and by --lock", "leave out one of them");
}

function waitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const wait = parseWait(text);
  if (wait !== undefined) return wait;
  throw new UsageError(
    `Cannot use --wait: ${plainOr(text)} is not a duration`,
    "write whole seconds, a duration such as 500ms or 1m30s, or forever",
  );
}

async function find(
  asked: LockQuery,
  settings: Settings,
  unlockOptions: UnlockOptions,
  report: UnlockReport,
  io: Io,
): Promise<number> {
  const options = backendOptions(settings, `unlock by ${systemUser()?.username ?? "somebody"}`, io);
  await using observer = await settings.server.observe(asked.lock ?? NO_LOCK, options, NEVER);
  const { sightings, isConclusive, hidden } = await lookFor(asked, settings, observer);
  const holders = sightings.filter(({ state }) => state === "held");
  const [holder, ...more] = holders;
  if (observer.elsewhere !== undefined) {
    throw new LockUnavailableError(`Cannot unlock on this server: ${observer.elsewhere}`);
  }
  if (!holder) {
    if (!isConclusive) throw new LockUnavailableError(`Cannot tell who holds the lock: ${hidden}`);
    report.free(asked);
    return DONE;
  }
  if (more.length > 0) {
    await report.list(holders);
    const isOneLock = more.every(({ lock }) => lock === holder.lock);
    throw new UsageError(
      `Cannot tell which of ${holders.length} holders to end`,
      isOneLock ? "choose one with --slot" : "give a longer --lock PREFIX, or the lock's --name",
    );
  }
  await using handle = await observer.handleOf(holder, NEVER);
  return await end(holder, handle, settings, unlockOptions, report, io);
}

async function end(
  holder: Sighting,
  handle: HolderHandle,
  { grace }: Settings,
  { yes, force, wait = handle.noticedWithin + grace + MARGIN }: UnlockOptions,
  report: UnlockReport,
  io: Io,
): Promise<number> {
  await report.holder(holder);
  if (!yes && !await confirm("End it?", io)) {
    report.declined(holder);
    return STILL_HELD;
  }
  const span = formatDuration(Math.round(wait));
  // A signal ends the wait, and the request is taken back.
  return await untilSignalled(async (interrupted) => {
    const ended = await endHolder(handle, {
      wait,
      asked: () => report.note(`Asked it to end; waiting${wait === Infinity ? "" : ` up to ${span}`} for that`),
      force: async (why) => {
        if (force || yes) return force;
        const what = why === "unaskable"
          ? `It cannot be asked: ${handle.unaskable}`
          : wait === 0
          ? "It was not asked"
          : `It did not end within ${span}`;
        return await unlessAborted(interrupted, confirm(`${what}. Take the lock from it by force?`, io));
      },
      signal: interrupted,
    });
    report.ended(holder, ended, handle.unaskable, wait);
    return ended.outcome === "held" ? STILL_HELD : DONE;
  });
}
