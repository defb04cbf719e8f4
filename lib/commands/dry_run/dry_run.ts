import { DRY_RUN_FLAG, DRY_RUN_JSON_FLAG } from "../../args/flag.ts";
import { isFlagSet } from "../../args/is_flag_set.ts";
import type { RunRequest } from "../../args/operands.ts";
import { UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit_codes.ts";
import type { Io } from "../../io.ts";
import type { Settings } from "../../settings/settings.ts";
import { printable } from "../../text/printable.ts";
import { afterPrinting } from "../after_printing.ts";
import { asQuery } from "../as_query.ts";
import { lookAhead } from "./outlook.ts";
import { outlookJson, outlookText } from "./outlook_text.ts";

/**
 * With `--dry-run` prints what a run would do if it were started now: run the command, wait, give up, or skip. Takes no
 * lock and writes nothing.
 *
 * @returns Undefined without `--dry-run`; 0 if it would run the command; 204 if it would have to wait, or give up; for a skip what a run exits with.
 * @throws {LockUnavailableError} When that cannot be told.
 * @throws {UsageError} When the run would wait for itself, or `--json` is of no use.
 */
export async function dryRunIfAsked(
  request: RunRequest,
  settings: Settings,
  io: Io,
  flags: ReadonlyMap<string, string>,
): Promise<number | undefined> {
  const json = isFlagSet(flags, DRY_RUN_JSON_FLAG.name);
  if (!isFlagSet(flags, DRY_RUN_FLAG.name)) {
    if (!json) return undefined;
    throw new UsageError(
      "Cannot use --json: it has no effect without --dry-run",
      "for lines of JSON write --verbose --log-format json",
    );
  }
  const outlook = await asQuery(() => lookAhead(request, settings, io));
  const { would } = outlook;
  const exitCode = would === "run"
    ? ExitCode.ok
    : would !== "skip"
    ? ExitCode.busy
    : settings.detailedExitCodes
    ? ExitCode.skipped
    : ExitCode.ok;
  io.out(`${json ? outlookJson(outlook, exitCode) : printable(outlookText(outlook, request, settings))}\n`);
  return await afterPrinting(io, exitCode);
}
