import { isFlagSet } from "../../args/is_flag_set.ts";
import { resolveSettings } from "../../settings/resolve.ts";
import type { Settings } from "../../settings/settings.ts";
import { ledgerPlace } from "../../settings/ledger_settings.ts";
import { UsageError } from "../../errors.ts";
import type { LedgerPlace } from "../../backends/backend.ts";
import { ExitCode } from "../../exit_codes.ts";
import type { Io } from "../../io.ts";
import { historyJson } from "../../ledger/history.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { RecordedRun, RunFilter } from "../../ledger/run.ts";
import { FAILED } from "../../ledger/summary.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { beginningsOf } from "../../who/names.ts";
import { printable } from "../../text/printable.ts";
import { NEVER } from "../../waiting.ts";
import { type LockQuery, readLockQuery } from "../lock_query.ts";
import { backendOptions } from "../backend_options.ts";
import { asQuery } from "../as_query.ts";
import type { Call } from "../command.ts";
import { isFiltered, readChoice, refuseBesideSchema } from "./history_choice.ts";
import { ledgerIn } from "../ledger_in.ts";
import { NO_LOCK } from "../no_lock.ts";
import { MAX_LOCKS, withAbandoned } from "./abandoned.ts";

/** Where the ledger is. */
interface Place {
  readonly settings: Settings;
  readonly io: Io;
}

/**
 * Prints past runs from the ledger.
 *
 * @returns The exit code.
 */
export async function history({ flags, operands: words, io }: Call): Promise<number> {
  refuseBesideSchema(flags, words);
  const { limit, failed, within, ...chosen } = readChoice(flags);
  const settings = await resolveSettings(flags, io.env);
  const { table } = settings.ledger;
  const place = ledgerPlace(settings.server, table);
  const asked = readLockQuery(words, settings, flags.get("lock"), "history");
  const json = isFlagSet(flags, "json");
  const filter = { ...chosen, lock: asked.lock, slot: asked.slot, beginnings: beginningsOf(asked) };
  if (isFlagSet(flags, "schema")) io.out(await schemaOf(settings.server.title, place, table));
  else if (within !== undefined) {
    const { succeededWithin } = await import("./succeeded_within.ts");
    return await succeededWithin({ settings, io }, filter, within, json);
  } else {
    const runs = await asQuery(() => readRuns({ settings, io }, filter, failed, limit));
    if (json) io.out(`${historyJson(runs)}\n`);
    else io.out(runs.length === 0 ? noRun(asked, failed || isFiltered(chosen)) : await tableOf(runs));
  }
  return ExitCode.ok;
}

async function tableOf(runs: readonly RecordedRun[]): Promise<string> {
  const { historyTable } = await import("../../ledger/history_table.ts");
  return historyTable(runs, terminalWidth());
}

function noRun({ all, prefix, namespace }: LockQuery, isNarrow: boolean): string {
  if (isNarrow) return "No such run has been recorded.\n";
  if (prefix !== undefined) return `No run under a lock that begins with ${printable(prefix)} has been recorded.\n`;
  if (!all) return "No run under this lock has been recorded.\n";
  return `No run has been recorded${namespace === undefined ? "" : ` in the namespace ${printable(namespace)}`}.\n`;
}

async function schemaOf(title: string, place: LedgerPlace, table: TableName): Promise<string> {
  if (place.schema) return await place.schema(table);
  throw new UsageError(
    `Cannot show a schema for ${title}: sera creates the ledger itself, next to the locks`,
    "leave --schema out",
  );
}

async function readRuns(
  { settings, io }: Place,
  filter: RunFilter,
  failed: boolean,
  limit: number,
): Promise<readonly RecordedRun[]> {
  const { server, ledger: { table } } = settings;
  await using observer = await server.observe(NO_LOCK, backendOptions(settings, "history", io), NEVER);
  const ledger = await ledgerIn(observer, table, io);
  if (!ledger) return [];
  if (!failed) return await withAbandoned(await ledger.latest(limit, filter), observer, table, NEVER);
  const left = await ledger.latest(MAX_LOCKS, { ...filter, outcomes: ["running"] });
  const abandoned = (await withAbandoned(left, observer, table, NEVER)).filter(({ outcome }) => outcome !== "running");
  const others = await ledger.latest(limit, { ...filter, outcomes: FAILED });
  return [...abandoned, ...others].toSorted((a, b) => a.id < b.id ? 1 : -1).slice(0, limit);
}
