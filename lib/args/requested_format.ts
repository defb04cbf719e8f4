/**
 * The log format that was asked for, as far as one can tell when the settings cannot be read. A program that reads
 * sera's JSON lines must be able to read the error about wrong settings, too.
 *
 * @module
 */

import type { LogFormat } from "../log/log_settings.ts";
import { environmentName, TABLE } from "../settings/table.ts";
import { readSmallFile } from "../system/small_file.ts";
import { parseWait } from "../text/duration.ts";
import { parseGoBoolean } from "../text/go_boolean.ts";
import { flagSpecs } from "./flag.ts";
import type { FlagSpec } from "./go_flags.ts";
import { JSON_FLAG, type Subcommand } from "./subcommand.ts";

const { config: CONFIG, logFormat: FORMAT } = TABLE;

/** The flags that decide on the format; not every subcommand takes them. */
const DECIDING = flagSpecs([CONFIG, FORMAT]);

/**
 * Looks for the format where a run does: in flags, variables, the config file. Ignores whatever else is wrong there.
 *
 * @param words The words of the command line.
 * @param specs The flags that may be among them.
 * @param env Reads an environment variable.
 * @param subcommand Whose flags they are; undefined for those of a run.
 */
export async function requestedFormat(
  words: readonly string[],
  specs: readonly FlagSpec[],
  env: (name: string) => string | undefined,
  { jsonLines, operandFirst }: Pick<Subcommand, "jsonLines" | "operandFirst"> = {},
): Promise<LogFormat> {
  const flags = flagsIn(words, [...specs, ...DECIDING], operandFirst);
  if (jsonLines && parseGoBoolean(flags.get(JSON_FLAG.name) ?? "") === true) return "json";
  const outside = meant(flags.get(FORMAT.name)) ?? meant(variable(env, FORMAT.name));
  if (outside !== undefined) return outside;
  if (!specs.some(({ name }) => name === CONFIG.name)) return "text";
  const file = flags.get(CONFIG.name) ?? variable(env, CONFIG.name) ?? CONFIG.default;
  return meant(await formatInFile(file)) ?? "text";
}

/** The format that a word means, even if misspelled; undefined if it means neither. */
function meant(format = ""): LogFormat | undefined {
  const word = format.trim();
  // JSON has names such as jsonl and ndjson elsewhere.
  return /^(?:nd)?j/i.test(word) ? "json" : /^t/i.test(word) ? "text" : undefined;
}

/**
 * The last value of each flag. The word behind an unknown flag may be its value.
 *
 * @param operandFirst Whether flags may follow operands.
 */
function flagsIn(
  words: readonly string[],
  specs: readonly FlagSpec[],
  operandFirst = false,
): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  let afterUnknown = false;
  for (let next = 0; next < words.length && words[next] !== "--"; next++) {
    const word = words[next]!;
    const [, name = "", value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (!word.startsWith("-") || word === "-") {
      // A first word that is not a wait is a misspelled subcommand, and flags may follow it.
      if (!operandFirst && !afterUnknown && (next > 0 || parseWait(word) !== undefined)) break;
      afterUnknown = false;
      continue;
    }
    const spec = specs.find((spec) => spec.name === name);
    afterUnknown = spec === undefined && value === undefined;
    if (value !== undefined) flags.set(name, value);
    else if (spec?.boolean) flags.set(name, "true");
    else if (spec && next + 1 < words.length) flags.set(name, words[++next]!);
  }
  return flags;
}

function variable(env: (name: string) => string | undefined, setting: string): string | undefined {
  try {
    return env(environmentName(setting));
  } catch (error) {
    // A variable that is not UTF-8. Whoever calls this reports that, or another error.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** What the file says about the format, even if it is not valid JSON; empty if nothing. */
async function formatInFile(path: string): Promise<string> {
  try {
    const { text } = await readSmallFile(path);
    const pattern = new RegExp(`"${FORMAT.name}"\\s*:\\s*"([^"\\\\]*)"`, "gi");
    return [...text.matchAll(pattern)].at(-1)?.[1] ?? "";
  } catch (error) {
    // A file that cannot be read. Whoever calls this reports that, or another error.
    if (error instanceof Error) return "";
    throw error;
  }
}
