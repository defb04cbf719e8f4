import { isFlagSet } from "../../args/is_flag_set.ts";
import { UsageError } from "../../errors.ts";
import type { RunFilter } from "../../ledger/run.ts";
import { parseWait } from "../../text/duration.ts";
import { plainOr } from "../../text/redaction.ts";

/** The default of `--limit`. */
const DEFAULT_LIMIT = 20;

/** The longest time to look back, in milliseconds: every server can subtract a century from its clock. */
const CENTURY = 36_500 * 24 * 3600 * 1000;

/** The flags that select or format runs. */
const CHOOSING = [
  "limit",
  "since",
  "host",
  "once",
  "succeeded-within",
  "lock",
  "name",
  "namespace",
] as const;

/** The same that are on or off. */
const SWITCHES = ["json", "failed"] as const;

/** Which runs of the locks that are asked for, by the flags of `sera history`. */
export interface Choice extends Pick<RunFilter, "key" | "host" | "startedWithin"> {
  readonly limit: number;
  readonly failed: boolean;
  /** Within which time one must have succeeded, in milliseconds; undefined to print runs. */
  readonly within: number | undefined;
}

/**
 * Reads which runs are asked for.
 *
 * @throws {UsageError} When a value is wrong, or flags contradict each other.
 */
export function readChoice(flags: ReadonlyMap<string, string>): Choice {
  const within = readSpan(flags, "succeeded-within");
  const failed = isFlagSet(flags, "failed");
  const idle = ["limit", "since"].find((name) => flags.has(name)) ?? (failed ? "failed" : undefined);
  if (within !== undefined && idle !== undefined) {
    throw new UsageError(`Cannot use --${idle} with --succeeded-within: it has no effect there`, "leave it out");
  }
  return {
    limit: readLimit(flags.get("limit")),
    failed,
    within,
    key: flags.get("once"),
    host: readHost(flags.get("host")),
    startedWithin: readSpan(flags, "since"),
  };
}

/** Whether only some of the runs are asked for. */
export function isFiltered({ key, host, startedWithin }: Pick<Choice, "key" | "host" | "startedWithin">): boolean {
  return key !== undefined || host !== undefined || startedWithin !== undefined;
}

/** Refuses flags that select or format runs together with `--schema`, which prints the table's SQL only. */
export function refuseBesideSchema(flags: ReadonlyMap<string, string>, words: readonly string[]): void {
  if (!isFlagSet(flags, "schema")) return;
  const idle = CHOOSING.find((name) => flags.has(name)) ?? SWITCHES.find((name) => isFlagSet(flags, name));
  if (idle === undefined && words.length === 0) return;
  const what = idle === undefined ? "a command" : `--${idle}`;
  throw new UsageError(`Cannot use ${what} with --schema: it has no effect there`, "leave it out");
}

function readHost(host: string | undefined): string | undefined {
  if (host !== "") return host;
  throw new UsageError("Cannot use --host: it is empty", "check the variable it comes from, or leave it out");
}

/** A number of runs or locks. */
export function readLimit(text: string | undefined, usual = DEFAULT_LIMIT, what = "runs"): number {
  if (text === undefined) return usual;
  const limit = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && limit > 0) return limit;
  throw new UsageError(
    `Cannot use --limit: ${plainOr(text)}`,
    `it takes a number of ${what}, from 1 to 999999999`,
  );
}

/** How far to look back, in milliseconds; undefined if the flag is not there. */
export function readSpan(flags: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = flags.get(name);
  if (text === undefined) return undefined;
  const span = parseWait(text);
  if (span !== undefined && span >= 1 && span <= CENTURY) return span;
  throw new UsageError(
    `Cannot use --${name}: ${plainOr(text)}`,
    "it takes whole seconds, or a duration such as 90m, 24h or 7d, from 1ms to 36500d",
  );
}
