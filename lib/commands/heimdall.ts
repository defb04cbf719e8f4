import { isAsked } from "../args/is_asked.ts";
import { refuseServer } from "../args/operands.ts";
import { refuseChangedWords } from "../args/raw_words.ts";
import { readFlags } from "../args/read_flags.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import { DEFAULT_GRACE, DEFAULT_TTL } from "../config/config.ts";
import { parsePostgres } from "../config/server.ts";
import { formatDuration, parseWait } from "../duration.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import { plainOr } from "../harmless.ts";
import type { Io } from "../io.ts";
import { namespacedName } from "../lock/namespaced_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import { Logger } from "../log/logger.ts";
import { Progress } from "../progress.ts";
import { executeHolding } from "./execute.ts";
import { tell } from "./tell.ts";
import { lockVariables } from "./variables.ts";

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
  let logger = new Logger(io, { format: "text" }, "");
  const progress = new Progress(
    ({ message, exitCode }) => tell(logger, "error", "error", message, { exitCode }),
    FAILED,
  );
  try {
    const { flags, operands } = await readFlags(argv, subcommandFlags("heimdall"), "heimdall");
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp("heimdall"));
      return 0;
    }
    const verbose = isAsked(flags, "debug") ? "stderr" : undefined;
    logger = new Logger(io, { format: "text", verbose }, operands.join(" "));
    const limit = readTimeout(flags.get("timeout") ?? DEFAULT_TIMEOUT);
    if (operands.length === 0) {
      throw new UsageError("No program to run; usage: sera heimdall [flags] PROGRAM [argument ...]");
    }
    refuseServer(operands[0]!, "name a server with --database");
    refuseChangedWords(argv);
    return await progress.of(runOnce(operands, flags, limit, io, logger, progress));
  } catch (error) {
    const { message, exitCode } = progress.verdictOf(error);
    tell(logger, "error", "error", message, { exitCode });
    return exitCode;
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
  const name = namespacedName(flags.get("namespace") ?? DEFAULT_NAME, key);
  await using will = new LastWill({ timed: true, inGroup: !getsOwnSession() });
  const signals = new SignalRelay(will);
  await using backend = await openBackend(server, name, {
    lease: { ttl: DEFAULT_TTL, grace: DEFAULT_GRACE },
    allowUnsafeServer: isAsked(flags, "allow-unsafe-server"),
    // It tries once.
    retrying: () => undefined,
    label: words[0]!,
    env: io.env,
  });

  let lock;
  try {
    lock = await backend.acquire(0, signals.interrupted);
  } catch (error) {
    if (error instanceof InterruptedError) return 128 + error.signalNumber;
    throw error;
  }
  if (!lock) {
    logger.log("error", "busy", "Lock not acquired: somebody else has it - the program was not executed.", {
      exitCode: FAILED,
    });
    return FAILED;
  }
  logger.log("info", "acquired", `Lock acquired: ${name}.`);

  const { exitCode, stoppedBy } = await executeHolding(lock, words, {
    signals,
    will,
    logger,
    io,
    progress,
    grace: DEFAULT_GRACE,
    onLost: "terminate",
    variables: lockVariables({ name, key, host: Deno.hostname() }),
    maxRun: { limit, error: new Error(`The program ran longer than ${formatDuration(limit)} (--timeout)`) },
  });
  const passedOn = signals.passedOn === undefined ? exitCode : 128 + signals.passedOn;
  const status = stoppedBy ? FAILED : passedOn;
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
