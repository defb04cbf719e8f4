import { isFlagSet } from "../args/is_flag_set.ts";
import { UsageError } from "../errors.ts";
import { Logger } from "../log/logger.ts";
import { refuseConflicts } from "../settings/refuse_conflicts.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { Settings } from "../settings/settings.ts";
import { TABLE } from "../settings/table.ts";
import { parseWait } from "../text/duration.ts";
import { plainOr } from "../text/redaction.ts";
import type { Call } from "./command.ts";
import { lockOf } from "./lock_of.ts";
import { runUnderLock } from "./run/run.ts";

/** What others see in the place of a command. */
const LABEL = "hold";

/**
 * Holds a lock without a command: a run in all but that.
 *
 * @returns 0 after the whole time; 128+n after signal n; else what a run would exit with.
 */
export async function hold({ flags, operands: words, repeated, io, progress, setLogger }: Call): Promise<number> {
  const span = readSpan(flags, "for");
  if (span === undefined) {
    throw new UsageError("Cannot tell how long to hold the lock", "add --for DURATION, such as --for 30m");
  }
  if (span === 0) {
    throw new UsageError(
      "Cannot use --for: it must be longer than 0",
      "write a duration such as 30m or 2h, or forever",
    );
  }
  const wait = readSpan(flags, "wait") ?? 0;
  const json = isFlagSet(flags, "json");
  const settings = withoutRun(await resolveSettings(flags, io.env, false, repeated), json);
  if (json && settings.logFormat === "text" && flags.has(TABLE.logFormat.name)) {
    throw new UsageError(
      "Cannot use --log-format text with --json: it has no effect there",
      "leave out one of the two",
    );
  }
  refuseConflicts(settings, wait, "add --wait DURATION");
  if (lockOf(words, settings, LABEL) === undefined) {
    throw new UsageError("Cannot tell which lock to hold", "give its name, or its command after --");
  }
  const logger = new Logger(io, settings.logging, `${LABEL} ${words.join(" ")}`.trim());
  setLogger(logger);
  return await runUnderLock({ wait, words, hold: span }, settings, io, logger, progress);
}

/** A duration in milliseconds; undefined if the flag is not given. */
function readSpan(flags: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = flags.get(name);
  if (text === undefined) return undefined;
  const span = parseWait(text);
  if (span !== undefined) return span;
  throw new UsageError(
    `Cannot use --${name}: ${plainOr(text)} is not a duration`,
    "write whole seconds, a duration such as 30m or 2h, or forever",
  );
}

/** The settings without those about a command, which variables and the config file may have for others. */
function withoutRun(settings: Settings, isJson: boolean): Settings {
  const { ledger, logging, logFormat } = settings;
  return {
    ...settings,
    label: LABEL,
    splay: undefined,
    waitAndSkip: false,
    ledger: { ...ledger, on: false },
    logging: isJson || logFormat === "json" ? { ...logging, format: "json", verbose: "stdout" } : logging,
  };
}
