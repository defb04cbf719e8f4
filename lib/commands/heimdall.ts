import { refuseHelpWord } from "../args/help_word.ts";
import { isAsked } from "../args/is_asked.ts";
import { refuseServer } from "../args/operands.ts";
import { refuseChangedWords } from "../system/raw_words.ts";
import { readFlags } from "../args/read_flags.ts";
import { environmentName, TABLE } from "../settings/table.ts";
import { subcommandFlags } from "../args/subcommands.ts";
import { subcommandHelp } from "../args/usage.ts";
import { parseWait } from "../text/duration.ts";
import { lineOf, UsageError } from "../errors.ts";
import { plainOr } from "../text/harmless.ts";
import type { Io } from "../io.ts";
import { Failures } from "../log/failures.ts";
import { Logger } from "../log/logger.ts";
import { Progress } from "../progress.ts";
import { afterPrinting } from "./after_printing.ts";
import { FAILED, runOnce } from "./heimdall_run.ts";

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
  const failures = new Failures(io, async () => {
    return await (await import("../args/asked_format.ts")).askedFormat(argv, specs, io.env);
  });
  const progress = new Progress(failures.tell, FAILED);
  try {
    const { flags, operands, repeated } = await readFlags(argv, specs, "heimdall");
    if (isAsked(flags, "help")) {
      io.out(subcommandHelp("heimdall"));
      return await afterPrinting(io, 0);
    }
    const verbose = isAsked(flags, "debug") ? "stderr" : undefined;
    const format = io.env(environmentName(TABLE.logFormat.name)) === "json" ? "json" : "text";
    const limit = readTimeout(flags.get("timeout") ?? DEFAULT_TIMEOUT);
    if (operands.length === 0) {
      throw new UsageError("No program to run", "usage: sera heimdall [flags] PROGRAM [argument ...]");
    }
    refuseHelpWord("heimdall", argv, operands);
    refuseServer(operands[0]!, "name a server with --database");
    refuseChangedWords(argv);
    const logger = failures.logger = new Logger(io, { format, verbose }, operands.join(" "));
    if (verbose && repeated.length > 0) {
      const { flagOddities } = await import("../settings/oddities.ts");
      for (const oddity of flagOddities(repeated)) logger.log("info", "note", lineOf(oddity));
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

/** Milliseconds; `Infinity` for none. */
function readTimeout(text: string): number {
  const wait = parseWait(text);
  if (wait === undefined) {
    throw new UsageError(`Cannot use as a timeout: ${plainOr(text)}`, "expected seconds, or 0 for none, in --timeout");
  }
  return wait === 0 ? Infinity : wait;
}
