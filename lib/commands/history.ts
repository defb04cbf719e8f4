import { isAsked } from "../args/is_asked.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { Settings } from "../settings/settings.ts";
import { ledgerPlace } from "../settings/ledger_settings.ts";
import { UsageError } from "../errors.ts";
import { plainOr } from "../text/harmless.ts";
import type { LedgerPlace } from "../backends/backend.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { historyJson } from "../ledger/history.ts";
import type { TableName } from "../ledger/table_name.ts";
import type { RecordedRun } from "../ledger/run.ts";
import { Patience } from "../ledger/patience.ts";
import { lockName } from "../lock/lock_name.ts";
import { terminalWidth } from "../system/terminal.ts";
import { look } from "../who/look.ts";
import { beginningsOf } from "../who/names.ts";
import type { Sighting } from "../who/sighting.ts";
import { printable } from "../text/printable.ts";
import { type Asked, askedFor } from "./asked_for.ts";
import { backendOptions } from "./backend_options.ts";
import { asQuery } from "./as_query.ts";
import type { Call } from "./command.ts";

/** Placeholder lock name for a session that asks for no lock. */
const NO_LOCK = lockName("");

/** The most locks whose holders are looked for; runs of further locks are shown as recorded. */
const MOST_LOCKS = 200;

/** The default of `--limit`. */
const DEFAULT_LIMIT = 20;

/**
 * Prints past runs from the ledger.
 *
 * @returns The exit code.
 */
export async function history({ flags, operands: words, io }: Call): Promise<number> {
  refuseBesideSchema(flags, words);
  const limit = readLimit(flags.get("limit"));
  const settings = await resolveSettings(flags, io.env);
  const { table } = settings.ledger;
  const place = ledgerPlace(settings.server, table);
  const asked = askedFor(words, settings, flags.get("lock"), "history");
  if (isAsked(flags, "schema")) io.out(await schemaOf(settings.server.title, place, table));
  else {
    const runs = await asQuery(() => readRuns(settings, asked, limit, io));
    if (isAsked(flags, "json")) io.out(`${historyJson(runs)}\n`);
    else io.out(runs.length === 0 ? noRun(asked) : await tableOf(runs));
  }
  return ExitCode.ok;
}

async function tableOf(runs: readonly RecordedRun[]): Promise<string> {
  const { historyTable } = await import("../ledger/history_table.ts");
  return historyTable(runs, terminalWidth());
}

function noRun({ all, prefix, namespace }: Asked): string {
  if (prefix !== undefined) return `No run under a lock that begins with ${printable(prefix)} has been recorded.\n`;
  if (!all) return "No run under this lock has been recorded.\n";
  return `No run has been recorded${namespace === undefined ? "" : ` in the namespace ${printable(namespace)}`}.\n`;
}

/** Refuses flags that select or format runs together with `--schema`, which prints the table's SQL only. */
function refuseBesideSchema(flags: ReadonlyMap<string, string>, words: readonly string[]): void {
  if (!isAsked(flags, "schema")) return;
  const idle = ["limit", "json", "lock", "name", "namespace"].find((name) => flags.has(name));
  if (idle === undefined && words.length === 0) return;
  const what = idle === undefined ? "a command" : `--${idle}`;
  throw new UsageError(`Cannot use ${what} with --schema: it has no effect there`, "leave it out");
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && limit > 0) return limit;
  throw new UsageError(
    `Cannot use limit in --limit: ${plainOr(text)}`,
    "it takes a number of runs, from 1 to 999999999",
  );
}

async function schemaOf(title: string, place: LedgerPlace, table: TableName): Promise<string> {
  if (place.schema) return await place.schema(table);
  throw new UsageError(
    `Cannot show a schema for ${title}: sera makes the ledger by itself, beside the locks`,
    "leave --schema out",
  );
}

async function readRuns(
  settings: Settings,
  asked: Asked,
  limit: number,
  io: Io,
): Promise<readonly RecordedRun[]> {
  const { server, ledger: { table } } = settings;
  const { signal } = new AbortController();
  await using observer = await server.observe(NO_LOCK, backendOptions(settings, "history", io), signal);
  const ledger = await observer.ledger(table, new Patience(undefined, io.limits?.ledgerWait));
  if (!ledger) return [];
  const runs = await ledger.latest(limit, asked.lock, beginningsOf(asked));
  // The ledger is on another server than the locks, so session numbers do not tell who still runs.
  if (observer.elsewhere !== undefined) return runs;

  const locks = [...new Set(runs.filter(isRunning).map(({ lock }) => lock))].slice(0, MOST_LOCKS);
  const holders = new Map<string, readonly Sighting[]>();
  for (const lock of locks) {
    const { sightings } = await look({ lock }, () => observer.sightings({ lock }, table, signal));
    holders.set(lock, sightings);
  }
  return runs.map((run) => {
    const seen = isRunning(run) ? holders.get(run.lock) : undefined;
    return seen && !seen.some(isHolderOf(run)) ? { ...run, outcome: "abandoned" } : run;
  });
}

/** Whether a run is recorded as running. Its holder may have died: only the next holder marks such a run. */
function isRunning({ outcome }: RecordedRun): boolean {
  return outcome === "running";
}

/** Matches a run's holder by its session, or by its process if the backend has no sessions. */
function isHolderOf(run: RecordedRun): (sighting: Sighting) => boolean {
  return ({ state, session, pid }) =>
    state === "held" && (session === undefined ? pid !== undefined && pid === run.pid : session === run.session);
}
