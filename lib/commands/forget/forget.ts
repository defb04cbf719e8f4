import { isFlagSet } from "../../args/is_flag_set.ts";
import type { LedgerPlace } from "../../backends/backend.ts";
import {
  LockBusyError,
  LockLostError,
  LockUnavailableError,
  OtherSlotsError,
  troubleOf,
  UsageError,
} from "../../errors.ts";
import { ExitCode } from "../../exit_codes.ts";
import type { Io } from "../../io.ts";
import { historyJson } from "../../ledger/history.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { Patience } from "../../ledger/patience.ts";
import type { RecordedRun, Rule } from "../../ledger/run.ts";
import { forgetLockName } from "../../lock/forgetters.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { ledgerPlace } from "../../settings/ledger_settings.ts";
import { resolveSettings } from "../../settings/resolve.ts";
import type { Settings } from "../../settings/settings.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { timeFormatAt } from "../../text/time.ts";
import { NEVER } from "../../waiting.ts";
import { holderText } from "../../who/holder_text.ts";
import { look } from "../../who/look.ts";
import type { Sighting } from "../../who/sighting.ts";
import { asQuery } from "../as_query.ts";
import { backendOptions } from "../backend_options.ts";
import type { Call } from "../command.ts";
import { confirm, requireConfirmable } from "../confirm.ts";
import { untilSignalled } from "../ending_signals.ts";
import { forgotText, questionText, uncountedText } from "./forget_text.ts";
import { ledgerIn } from "../ledger_in.ts";
import { lockOf } from "../lock_of.ts";
import { runnerOf } from "../runner.ts";

/** Nothing was forgotten. */
const NOTHING = 1;

/** The maximum number of runs to forget at a time. */
const MAX_RUNS = 100;

/** How long to wait for the lock by which runs with slots notice that somebody forgets, in milliseconds. */
const SECOND_WAIT = 2000;

/** What others see of sera while it holds the lock. */
const LABEL = "forget";

/** What is to be forgotten, and where. */
interface Task {
  readonly settings: Settings;
  readonly place: LedgerPlace;
  readonly lock: string;
  readonly rule: Rule;
  readonly io: Io;
}

/**
 * Makes the runs that count for `--once` or `--every` no longer count, so that the command may run again. It shows
 * them, asks, and takes the lock meanwhile: nobody runs the command then, and nobody else writes about it.
 *
 * @returns 0 if runs were forgotten; 1 if none counts, or the answer was no.
 * @throws {LockBusyError} When the command is running.
 */
export async function forget({ flags, operands: words, io }: Call): Promise<number> {
  const isSure = isFlagSet(flags, "yes");
  const json = isFlagSet(flags, "json");
  const settings = await resolveSettings(flags, io.env);
  const { ledger: rule, server } = settings;
  if (rule.once === undefined && rule.every === undefined) {
    throw new UsageError("Cannot tell which runs to forget: no rule is given", "add --once KEY or --every DURATION");
  }
  const lock = lockOf(words, settings, "forget");
  if (lock === undefined) {
    throw new UsageError("Cannot tell whose runs to forget", "name the command after --, or add --name TEXT");
  }
  requireConfirmable(isSure, "forget runs", words);
  const place = ledgerPlace(server, rule.table);
  const task = { settings, place, lock, rule, io };
  const none = (text: string) => {
    io.out(json ? `${historyJson([], "forgotten")}\n` : text);
    return NOTHING;
  };
  const { runs, others } = await asQuery(() => countingNow(task));
  if (runs.length === 0) return none(uncountedText(rule, others));
  if (!isSure) {
    const { historyTable } = await import("../../ledger/history_table.ts");
    io.err(historyTable(runs, terminalWidth(Deno.stderr)));
    if (!await confirm(questionText(runs, rule), io)) return none("Nothing was forgotten.\n");
  }
  // Signals are caught only from here on: before, they have to end the wait for the answer.
  return await untilSignalled(async (interrupted) => {
    await forgetAll(task, runs, interrupted);
    io.out(json ? `${historyJson(runs, "forgotten")}\n` : forgotText(runs, rule, timeFormatAt(terminalWidth())));
    return ExitCode.ok;
  });
}

/** The runs that count, and those that would if failures did. */
interface Counting {
  readonly runs: readonly RecordedRun[];
  readonly others: readonly RecordedRun[];
}

/** Looks without taking the lock, so that it is not held while a person thinks. */
async function countingNow({ settings, lock, rule, io }: Task): Promise<Counting> {
  const { server, ledger: { table } } = settings;
  await using observer = await server.observe(lock, backendOptions(settings, LABEL, io), NEVER);
  const { sightings } = await look({ lock }, () => observer.sightings({ lock }, table, NEVER));
  if (sightings.some(({ state }) => state === "held")) throw busyError(sightings);
  const ledger = await ledgerIn(observer, table, io);
  if (!ledger) return { runs: [], others: [] };
  return await countingIn(ledger, lock, rule);
}

async function countingIn(ledger: Ledger, lock: string, rule: Rule): Promise<Counting> {
  const found = await ledger.countingRuns(lock, { ...rule, countFailures: true }, MAX_RUNS + 1);
  // Nobody holds the lock.
  const all = found.map((run) => run.outcome === "running" ? { ...run, outcome: "abandoned" } : run);
  const counts = ({ outcome }: RecordedRun) => rule.countFailures || outcome === "succeeded";
  const runs = all.filter(counts);
  if (found.length > MAX_RUNS) {
    throw new UsageError(`Cannot forget more than ${MAX_RUNS} runs at once`, "give --every a shorter time");
  }
  return { runs, others: all.filter((run) => !counts(run)) };
}

/** Takes the lock, and forgets the runs if they are still those that count. */
async function forgetAll(
  { settings, place, lock, rule, io }: Task,
  shown: readonly RecordedRun[],
  interrupted: AbortSignal,
): Promise<void> {
  const { server, namespace, name, ledger: { table } } = settings;
  const names = namespace === undefined ? undefined : { namespace, name };
  const options = backendOptions(settings, LABEL, io);
  await using second = await server.lock(forgetLockName(lock), options);
  await using asked = await server.lock(lock, { ...options, names });
  const open = await place.load(table, io.env, new Patience(interrupted, io.timeouts?.ledgerWait));
  // Others hold the second lock for a moment only.
  const held = await second.acquire(SECOND_WAIT, interrupted) && await asked.acquire(0, interrupted).catch((error) => {
    // Somebody holds a slot of it.
    if (!(error instanceof OtherSlotsError)) throw error;
  });
  if (!held) {
    const { sightings } = await look({ lock }, () => asked.sightings(table, interrupted));
    throw busyError(sightings);
  }
  try {
    const ledger = await open(held);
    await ledger.abandon(lock);
    const { runs } = await countingIn(ledger, lock, rule);
    refuseChanged(shown, runs);
    await held.confirm();
    for (const run of runs) await ledger.forget(run, runnerOf(LABEL), rule.keepHistory);
  } catch (error) {
    await giveBack(held).catch(() => undefined);
    throw error instanceof LockLostError ? lostError(error) : error;
  }
  await giveBack(held);
}

/** Releases the lock. That it may be lost by now is no error: the runs were forgotten in its session. */
async function giveBack(held: HeldLock): Promise<void> {
  try {
    await held.release();
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
  }
}

/** @throws {LockUnavailableError} Unless the runs that count are those that were shown. */
function refuseChanged(shown: readonly RecordedRun[], runs: readonly RecordedRun[]): void {
  const idOf = ({ id, outcome }: RecordedRun) => `${id} ${outcome}`;
  if (shown.map(idOf).join() === runs.map(idOf).join()) return;
  throw new LockUnavailableError(
    "Nothing was forgotten: the runs that count have changed meanwhile",
    "check them with sera history, and try again",
  );
}

function busyError(sightings: readonly Sighting[]): LockBusyError {
  const holder = holderText(sightings, Date.now(), timeFormatAt(terminalWidth(Deno.stderr)));
  const whose = holder === undefined ? "" : ` (${holder})`;
  return new LockBusyError(`Nothing was forgotten: the lock is held${whose}`, "wait until its command has ended");
}

function lostError(error: LockLostError): LockUnavailableError {
  const { what, cure } = troubleOf(error);
  return new LockUnavailableError(`Nothing was forgotten: ${what}`, cure);
}
