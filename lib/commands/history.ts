import { parseGoFlags } from "../args/go_flags.ts";
import { isAsked } from "../args/is_asked.ts";
import { refuseChangedWords } from "../args/raw_words.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { resolveSettings, type Settings } from "../config/config.ts";
import { refuseWithoutDatabase } from "../config/ledger_settings.ts";
import { UsageError, verdictOf } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { historyJson, historyTable } from "../ledger/history.ts";
import type { RecordedRun } from "../ledger/run.ts";
import { dialectOf, openLedger } from "../ledger/open_ledger.ts";
import { schemaText } from "../ledger/schema.ts";
import { lockName } from "../lock/lock_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import { Logger } from "../log/logger.ts";
import { look } from "../who/look.ts";
import type { Sighting } from "../who/sighting.ts";
import { lockOf } from "./lock_of.ts";

/** The lock that this session is for, in the eyes of those who look: none. */
const NO_LOCK = lockName("");

/** How many runs are shown when nobody says how many. */
const DEFAULT_LIMIT = 20;

/**
 * Prints what ran, from the ledger.
 *
 * @param argv The words after `sera history`.
 * @returns The exit code.
 */
export async function history(argv: readonly string[], io: Io): Promise<number> {
  try {
    const { flags, operands } = parseGoFlags(argv, subcommandFlags("history"), "sera history --help");
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp("history"));
      return ExitCode.ok;
    }
    refuseChangedWords(argv);
    const json = isAsked(flags, "json");
    const limit = readLimit(flags.get("limit"));
    const settings = await resolveSettings(flags, io.env);
    refuseWithoutDatabase(settings.server, settings.ledger.table);
    const lock = lockOf(operands, settings, "history");
    if (isAsked(flags, "schema")) io.out(await schemaOf(settings));
    else {
      const runs = await readRuns(settings, lock, limit, io);
      if (json) io.out(`${historyJson(runs)}\n`);
      else io.out(runs.length === 0 ? "No run has been recorded.\n" : historyTable(runs));
    }
    return ExitCode.ok;
  } catch (error) {
    const { message, exitCode } = verdictOf(error);
    new Logger(io, { format: "text" }, argv.join(" ")).log("error", "error", message, { exitCode });
    return exitCode;
  }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && limit > 0) return limit;
  throw new UsageError(`Cannot use limit in --limit: ${text || '""'}; it takes a number of runs, above 0`);
}

async function schemaOf({ server, ledger }: Settings): Promise<string> {
  const dialect = await dialectOf(server, ledger.table);
  if (dialect) return schemaText(dialect);
  throw new UsageError("Cannot show a schema for file: sera makes the ledger's file by itself, beside the locks");
}

async function readRuns(
  settings: Settings,
  lock: string | undefined,
  limit: number,
  { env }: Io,
): Promise<readonly RecordedRun[]> {
  const { server, tlsCa, lease, allowUnsafeServer, ledger } = settings;
  const options = { tlsCa, lease, allowUnsafeServer, label: "history", env, retrying: () => undefined };
  await using backend = await openBackend(server, NO_LOCK, options);
  const { signal } = new AbortController();
  const opened = await openLedger(server, await backend.session(signal), ledger.table, env);
  const runs = await opened.latest(limit, lock);
  const held = await heldOf(
    runs,
    (name) => look(backend, server, { lock: name }, { table: ledger.table, env, signal }),
  );
  return runs.map((run) => run.outcome === "running" && !held.has(run.id) ? { ...run, outcome: "abandoned" } : run);
}

/** The runs whose holder still has the lock; others that look as if they ran are to be marked by the next holder. */
async function heldOf(
  runs: readonly RecordedRun[],
  lookAt: (lock: string) => Promise<readonly Sighting[]>,
): Promise<ReadonlySet<number>> {
  const running = runs.filter(({ outcome }) => outcome === "running");
  const held = new Set<number>();
  for (const { id, lock, session, pid } of running) {
    const seen = await lookAt(lock);
    if (seen.some((one) => one.state === "held" && (one.session ?? one.pid) === (one.session ? session : pid))) {
      held.add(id);
    }
  }
  return held;
}
