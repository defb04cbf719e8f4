import { isFlagSet } from "../args/is_flag_set.ts";
import { refuseServer } from "../args/operands.ts";
import { lineOf, UsageError } from "../errors.ts";
import { Logger } from "../log/logger.ts";
import { environmentName, TABLE } from "../settings/table.ts";
import { parseWait } from "../text/duration.ts";
import { plainOr } from "../text/redaction.ts";
import type { Call } from "./command.ts";
import { runOnce } from "./run/heimdall_run.ts";

export { FAILED } from "./run/heimdall_run.ts";

/** The default of `--timeout`, in seconds. */
const DEFAULT_TIMEOUT = "5";

/**
 * Accepts heimdall's command line and returns its exit codes: tries once to get an advisory lock of PostgreSQL, and runs a
 * program under it for a limited time. Unlike heimdall, it does not buffer output, passes on stdin and signals, and
 * releases the lock only when the program has been reaped.
 *
 * @returns The program's exit code; 143 or 130 after SIGTERM or SIGINT; 1 for all else.
 */
export async function heimdall({ flags, operands, repeated, io, progress, setLogger }: Call): Promise<number> {
  const verbose = isFlagSet(flags, "debug") ? "stderr" : undefined;
  const format = io.env(environmentName(TABLE.logFormat.name)) === "json" ? "json" : "text";
  const limit = readTimeout(flags.get("timeout") ?? DEFAULT_TIMEOUT);
  if (operands.length === 0) {
    throw new UsageError("No program to run", "usage: sera heimdall [flags] PROGRAM [argument ...]");
  }
  refuseServer(operands[0]!, "name a server with --database");
  const logger = new Logger(io, { format, verbose }, operands.join(" "));
  setLogger(logger);
  if (verbose && repeated.size > 0) {
    const { flagWarnings } = await import("../settings/setting_warnings.ts");
    for (const oddity of flagWarnings(repeated.keys())) logger.log("info", "note", lineOf(oddity));
  }
  return await runOnce(operands, flags, limit, io, logger, progress);
}

/** The timeout in milliseconds; `Infinity` for none. */
function readTimeout(text: string): number {
  const wait = parseWait(text);
  if (wait === undefined) {
    throw new UsageError(`Not a valid timeout: ${plainOr(text)}`, "expected seconds, or 0 for none, in --timeout");
  }
  return wait === 0 ? Infinity : wait;
}
