/**
 * The format that a user has asked for when the settings cannot be read, or before they are: what reads sera's lines is
 * most in need of it then.
 *
 * @module
 */

import type { LogFormat } from "../log/log_settings.ts";
import { environmentName, TABLE } from "../settings/table.ts";
import { readSmallFile } from "../system/small_file.ts";
import { parseWait } from "../text/duration.ts";
import { flagSpecs } from "./flag.ts";
import type { FlagSpec } from "./go_flags.ts";

/** The flags that decide about it, where a subcommand does not take them as well. */
const { config: CONFIG, logFormat: FORMAT } = TABLE;
const DECIDING = flagSpecs([CONFIG, FORMAT]);

/**
 * Looks for the format as a run does: flags, variables, the config file; whatever else is wrong with these.
 *
 * @param words The words that the flags stand in.
 * @param specs The flags that may stand there.
 * @param env Reads an environment variable.
 */
export async function askedFormat(
  words: readonly string[],
  specs: readonly FlagSpec[],
  env: (name: string) => string | undefined,
): Promise<LogFormat> {
  const flags = flagsIn(words, [...specs, ...DECIDING]);
  const outside = understood(flags.get(FORMAT.name)) ?? understood(variable(env, FORMAT.name));
  if (outside !== undefined) return outside;
  if (!specs.some(({ name }) => name === CONFIG.name)) return "text";
  const file = flags.get(CONFIG.name) ?? variable(env, CONFIG.name) ?? CONFIG.default;
  return understood(await formatInFile(file)) ?? "text";
}

/** A format, also one that is misspelled; undefined for what can be no word for either. */
function understood(format = ""): LogFormat | undefined {
  const word = format.trim();
  // Who wants the default seldom names it.
  return /^(?:nd)?j/i.test(word) ? "json" : /^t/i.test(word) ? "text" : undefined;
}

/** The last value of each flag. An unknown one may have a word of its own behind it. */
function flagsIn(words: readonly string[], specs: readonly FlagSpec[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  let afterUnknown = false;
  for (let next = 0; next < words.length && words[next] !== "--"; next++) {
    const word = words[next]!;
    const [, name = "", value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (!word.startsWith("-") || word === "-") {
      // What is no wait in its place is no command's begin either, but a subcommand that was misspelled.
      if (!afterUnknown && (next > 0 || parseWait(word) !== undefined)) break;
      afterUnknown = false;
      continue;
    }
    const spec = specs.find((spec) => spec.name === name);
    afterUnknown = spec === undefined && value === undefined;
    if (value !== undefined) flags.set(name, value);
    else if (spec?.boolean === false && next + 1 < words.length) flags.set(name, words[++next]!);
  }
  return flags;
}

function variable(env: (name: string) => string | undefined, setting: string): string | undefined {
  try {
    return env(environmentName(setting));
  } catch (error) {
    // It is no text: that is the error, or another one is.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** What the file says, also where it is no JSON as a whole; an empty text if that is nothing. */
async function formatInFile(path: string): Promise<string> {
  try {
    const { text } = await readSmallFile(path);
    return [...text.matchAll(/"log-format"\s*:\s*"([^"\\]*)"/gi)].at(-1)?.[1] ?? "";
  } catch (error) {
    // It is missing, or of no use: that is the error, or another one is.
    if (error instanceof Error) return "";
    throw error;
  }
}
