import { UsageError } from "../errors.ts";
import { isPath, mayBeServer, pathOr, plainOr } from "../text/redaction.ts";
import { parseWait } from "../text/duration.ts";
import { nearest } from "../text/nearest.ts";
import { TABLE } from "../settings/table.ts";
import { needsNoValue } from "./flag.ts";
import { RUN_FLAGS } from "./run_help.ts";
import type { Subcommand } from "./subcommand.ts";

/** Words that other programs understand, and what to write instead of them here. */
const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ["help", "sera --help"],
  ["version", "sera --version"],
  ["infinity", "forever"],
  ["infinite", "forever"],
]);

/** Words for on and off, and the value that a flag takes for them. */
const SWITCHES: ReadonlyMap<string, string> = new Map([
  ...["true", "yes", "on"].map((word) => [word, "true"] as const),
  ...["false", "no", "off"].map((word) => [word, "false"] as const),
]);

/**
 * The error for a first operand that is not a wait, with what was probably meant.
 *
 * @param operands That word and what follows.
 * @param flags The flags before it.
 * @param commands All commands but the run.
 */
export function notAWait(
  operands: readonly string[],
  flags: ReadonlyMap<string, string>,
  commands: readonly Subcommand[],
): UsageError {
  const first = operands[0]!;
  const subcommand = commands.find(({ name }) => name === first);
  if (subcommand) {
    const before = flags.size === 0 ? "--" : "flags";
    return new UsageError(`Cannot use ${before} before ${first}`, `write sera ${first} ${subcommand.usage}`);
  }
  // A word that sera knows is not a password: the message may show it.
  const known = instead(operands, commands) ?? valueOfFlag(first, flags);
  const shown = known === undefined ? shownWait(operands, flags) : first;
  const cure = known ?? suggestionFor(first, commands) ?? waitInFlag(flags) ??
    "expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help";
  return new UsageError(`Not a valid wait: ${shown}`, cure);
}

/**
 * The first operand as the message may show it. An unquoted server with blanks in it arrives as several words, and a
 * part of its password may stand where the wait belongs.
 */
function shownWait(operands: readonly string[], flags: ReadonlyMap<string, string>): string {
  const first = operands[0]!;
  if (flags.has(TABLE.server.name) || operands.some(mayBeServer)) return "(not shown, since it may contain a server)";
  if (/^[\d:.,]{1,16}$/.test(first)) return first;
  return isPath(first) ? pathOr(first) : plainOr(first);
}

/** What to write instead of a word that other programs understand. */
function instead([word, next = ""]: readonly string[], commands: readonly Subcommand[]): string | undefined {
  if (word === "help" && commands.some(({ name }) => name === next)) return `write sera ${next} --help`;
  const equivalent = EQUIVALENTS.get(word!);
  return equivalent === undefined ? undefined : `write ${equivalent}`;
}

/** The cure for a word that was meant as the value of a flag that takes its value only after a `=`. */
function valueOfFlag(word: string, flags: ReadonlyMap<string, string>): string | undefined {
  const [last, value] = [...flags].at(-1) ?? [];
  const flag = RUN_FLAGS.find((flag) => flag.name === last && needsNoValue(flag) && value === "true");
  const meant = (flag && SWITCHES.get(word.toLowerCase())) ??
    (flag?.kind === "boolean-or-path" && isPath(word) && pathOr(word, "") === word ? word : undefined);
  if (meant !== undefined) return `a flag with an optional value needs an =: --${flag!.name}=${meant}`;
  const owner = RUN_FLAGS.find(({ kind, choices }) => kind === "boolean-or-choice" && choices?.includes(word));
  return owner && `a flag with an optional value needs an =: --${owner.name}=${word}`;
}

/** What is missing where the last flag has taken what looks like the wait; undefined if it has not. */
function waitInFlag(flags: ReadonlyMap<string, string>): string | undefined {
  const [last, value = ""] = [...flags].at(-1) ?? [];
  const flag = RUN_FLAGS.find(({ name }) => name === last);
  if (!flag || needsNoValue(flag) || last === TABLE.server.name || parseWait(value) === undefined) return undefined;
  const dashed = `--${flag.alias !== undefined && flags.has(flag.alias) ? flag.alias : flag.name}`;
  return `${value} is the value of ${dashed}; write a wait before the command, as in sera ${dashed} ${value} 0 <command>`;
}

/** A suggestion for a mistyped word; undefined if there is none. */
function suggestionFor(word: string, commands: readonly Subcommand[]): string | undefined {
  if (/^(['"]).*\1$/.test(word)) return "the quotes are part of the word; leave them out";
  const names = commands.map(({ name }) => name);
  const meant = nearest(word, [...names, ...EQUIVALENTS.keys(), "forever"]);
  if (meant === undefined) return undefined;
  const right = EQUIVALENTS.get(meant) ?? (names.includes(meant) ? `sera ${meant}` : meant);
  return `did you mean ${right}? See sera --help`;
}

/**
 * Refuses one of sera's flags behind the wait, where it would be run as a command.
 *
 * @throws {UsageError}
 */
export function refuseLateFlag(wait: string, word: string): void {
  const name = /^--?([^=]+)/.exec(word)?.[1];
  const flag = RUN_FLAGS.find((flag) => flag.name === name || flag.alias === name);
  if (!flag) return;
  const dashed = `--${flag.name}`;
  const instead = flag.name === "help" || flag.name === "version" ? dashed : `${dashed} ... ${wait} <command>`;
  throw new UsageError(`Cannot run ${dashed}: flags belong before the wait`, `write sera ${instead}`);
}
