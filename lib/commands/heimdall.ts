import { refuseHelpWord } from "../args/help_word.ts";
import { isAsked } from "../args/is_asked.ts";
import { refuseServer } from "../args/operands.ts";
import { refuseChangedWords } from "../args/raw_words.ts";
import { readFlags } from "../args/read_flags.ts";
import { environmentName } from "../args/settings_table.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import { DEFAULT_GRACE, DEFAULT_TTL } from "../config/config.ts";
import { DEFAULT_LEDGER_TABLE } from "../config/ledger_settings.ts";
import { parsePostgres } from "../config/server.ts";
import { formatDuration, parseWait } from "../duration.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import { plainOr } from "../harmless.ts";
import type { Io } from "../io.ts";
import { namespacedName } from "../lock/namespaced_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import { Failures } from "../log/failures.ts";
import { Logger } from "../log/logger.ts";
import { Progress } from "../progress.ts";
import type { Supervised } from "../supervise.ts";
import { afterPrinting } from "./after_printing.ts";
import { executeHolding, tellInterrupted } from "./execute.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { keyForLog, lockVariables } from "./variables.ts";

/** heimdall's only exit code of its own: busy, no connection, timed out, wrong arguments. */
const FAILED = 1;

/** Both the namespace and the name, where none is given. */
const DEFAULT_NAME = "heimdall";

/** How long the program may run where nothing is said, in seconds. */
const DEFAULT_TIMEOUT = "5";

/**
 * heimdall's own command line and exit codes: tries once for an advisory lock of PostgreSQL, and runs a program under it
 * for a limited time. What heimdall did badly is done as `sera` does it: output streams, stdin passes, signals are passed
 * on, and the lock is given back when the program has been reaped.
 *
 * @param argv The words after `sera heimdall`.
 * @returns The program's exit code; 143 or 130 after SIGTERM or SIGINT; 1 for all else.
 */
export async function heimdall(argv: readonly string[], io: Io): Promise<number> {
  const specs = subcommandFlags("heimdall");
  const failures = new Failures(io, argv, specs);
  const progress = new Progress(failures.tell, FAILED);
  try {
    const { flags, operands, repeated } = await readFlags(argv, specs, "heimdall");
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp("heimdall"));
      return await afterPrinting(io, 0);
    }
    const verbose = isAsked(flags, "debug") ? "stderr" : undefined;
    const format = io.env(environmentName("log-format")) === "json" ? "json" : "text";
    const limit = readTimeout(flags.get("timeout") ?? DEFAULT_TIMEOUT);
    if (operands.length === 0) {
      throw new UsageError("No program to run; usage: sera heimdall [flags] PROGRAM [argument ...]");
    }
    refuseHelpWord("heimdall", argv, operands);
    refuseServer(operands[0]!, "name a server with --database");
    refuseChangedWords(argv);
    const logger = failures.logger = new Logger(io, { format, verbose }, operands.join(" "));
    if (verbose && repeated.length > 0) {
      const { flagOddities } = await import("../config/oddities.ts");
      for (const oddity of flagOddities(repeated)) logger.log("info", "note", oddity);
    }
    return await progress.of(runOnce(operands, flags, limit, io, logger, progress));
  } catch (error) {
    const verdict = progress.verdictOf(error);
    failures.tell(verdict);
    return verdict.exitCode;
  } finally {
    await failures.flush();
  }
}

async function runOnce(
  words: readonly string[],
  flags: ReadonlyMap<string, string>,
  limit: number,
  io: Io,
  logger: Logger,
  progress: Progress,
): Promise<number> {
  const database = flags.get("database") ?? "";
  if (/^(mysql|file):|@\w*\(/.test(database)) {
    throw new UsageError(
      "Cannot use the database in --database: heimdall locks on PostgreSQL only; name one such as postgres://host/db",
    );
  }
  const server = await parsePostgres(database, { env: io.env });
  for (const note of server.notes) logger.log("info", "note", note);
  const key = flags.get("name") ?? DEFAULT_NAME;
  const namespace = flags.get("namespace") ?? DEFAULT_NAME;
  const name = namespacedName(namespace, key);
  logger.about({ lock: name, key: logger.isJson ? keyForLog(key) : undefined, label: words[0]! });
  const above = io.env(HELD_LOCKS);
  await using will = new LastWill({
    timed: true,
    inGroup: !getsOwnSession(),
    jsonAbout: logger.isJson ? name : undefined,
  });
  const signals = new SignalRelay(will);
  // The last line tells what sera exits with.
  if (logger.isJson && logger.tells("info")) signals.endByAll();
  await using backend = await openBackend(server, name, {
    lease: { ttl: DEFAULT_TTL, grace: DEFAULT_GRACE },
    allowUnsafeServer: isAsked(flags, "allow-unsafe-server"),
    // It tries once.
    retrying: () => undefined,
    label: words[0]!,
    names: { namespace, name: key },
    env: io.env,
  });

  let lock;
  try {
    lock = await backend.acquire(0, signals.interrupted);
  } catch (error) {
    if (error instanceof InterruptedError) return tellInterrupted(error, logger);
    throw error;
  }
  if (!lock) {
    if (above !== undefined) {
      const { holderOf } = await import("./holder.ts");
      const ledger = { table: { name: DEFAULT_LEDGER_TABLE } };
      await holderOf(backend, { server, ledger }, name, key, above, { env: io.env, signal: signals.interrupted });
    }
    logger.log("error", "busy", "Lock not acquired: somebody else has it - the program was not executed.", {
      exitCode: FAILED,
    });
    return FAILED;
  }
  logger.log("info", "acquired", `Lock acquired: ${name}.`);

  const statusOf = ({ exitCode, stoppedBy }: Supervised) =>
    stoppedBy ? FAILED : signals.passedOn === undefined ? exitCode : 128 + signals.passedOn;
  const status = statusOf(
    await executeHolding(lock, words, {
      signals,
      will,
      logger,
      io,
      progress,
      grace: io.limits?.heimdallGrace ?? DEFAULT_GRACE,
      onLost: "terminate",
      variables: lockVariables({ name, key, host: Deno.hostname(), server, session: lock.session, above }),
      maxRun: { limit, error: new Error(`The program ran longer than ${formatDuration(limit)} (--timeout)`) },
      statusOf,
    }),
  );
  progress.ended(status);
  return status;
}

/** Milliseconds; `Infinity` for none. */
function readTimeout(text: string): number {
  const wait = parseWait(text);
  if (wait === undefined) {
    throw new UsageError(`Cannot use as a timeout: ${plainOr(text)}; expected seconds, or 0 for none, in --timeout`);
  }
  return wait === 0 ? Infinity : wait;
}
