import { UsageError } from "../errors.ts";
import { isPath, mayBeServer, pathOr, plainOr } from "../text/harmless.ts";
import { standsAlone } from "./flag.ts";
import { nearest } from "../text/nearest.ts";
import { RUN_FLAGS } from "./run_help.ts";
import { subcommandOf, SUBCOMMANDS } from "./subcommands.ts";

/** Words that people know from elsewhere, and what sera has in their place. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ["help", "sera --help"],
  ["version", "sera --version"],
  ["infinity", "forever"],
  ["infinite", "forever"],
]);

/** How people say that something is on or off. */
const TRUTHS: ReadonlyMap<string, string> = new Map([
  ...["true", "yes", "on"].map((word) => [word, "true"] as const),
  ...["false", "no", "off"].map((word) => [word, "false"] as const),
]);

/**
 * The error for a word in the place of the wait that is none, with what it may have been meant to be.
 *
 * @param operands That word and what follows.
 * @param flags Those that stand before it.
 */
export function notAWait(operands: readonly string[], flags: ReadonlyMap<string, string>): UsageError {
  const first = operands[0]!;
  const subcommand = subcommandOf(first);
  if (subcommand) {
    const before = flags.size === 0 ? "--" : "flags";
    return new UsageError(`Cannot use ${before} before ${first}`, `write sera ${first} ${subcommand.usage}`);
  }
  // A word of sera's own betrays nothing, wherever it stands.
  const known = instead(operands) ?? valueOfFlag(first, flags);
  const shown = known === undefined ? shownWait(operands, flags) : first;
  const cure = known ?? meantBy(first) ??
    "expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help";
  return new UsageError(`Cannot use as a wait: ${shown}`, cure);
}

/** Blanks in a server that was not quoted make several words of it, and one of them, a plain one, the wait. */
function shownWait(operands: readonly string[], flags: ReadonlyMap<string, string>): string {
  const first = operands[0]!;
  if (flags.has("server") || operands.some(mayBeServer)) return "(not shown, since a server may stand there)";
  if (/^[\d:.,]{1,16}$/.test(first)) return first;
  return isPath(first) ? pathOr(first) : plainOr(first);
}

function instead([word, next = ""]: readonly string[]): string | undefined {
  if (word === "help" && subcommandOf(next)) return `write sera ${next} --help`;
  const exact = OTHERWISE.get(word!);
  return exact === undefined ? undefined : `write ${exact}`;
}

/** What to do about a word that was meant for the flag before it, which takes none. */
function valueOfFlag(word: string, flags: ReadonlyMap<string, string>): string | undefined {
  const [last, value] = [...flags].at(-1) ?? [];
  const flag = RUN_FLAGS.find((flag) => flag.name === last && standsAlone(flag) && value === "true");
  const meant = (flag && TRUTHS.get(word.toLowerCase())) ??
    (flag?.kind === "boolean-or-path" && isPath(word) && pathOr(word, "") === word ? word : undefined);
  if (meant !== undefined) return `a flag's value that may be left out needs a =: --${flag!.name}=${meant}`;
  const owner = RUN_FLAGS.find(({ kind, words }) => kind === "boolean-or-word" && words?.includes(word));
  return owner && `a flag's value that may be left out needs a =: --${owner.name}=${word}`;
}

/** What a word was most likely meant to be; undefined if nobody can tell. */
function meantBy(word: string): string | undefined {
  if (/^(['"]).*\1$/.test(word)) return "the quotes are part of the word; leave them out";
  const names = SUBCOMMANDS.map(({ name }) => name);
  const meant = nearest(word, [...names, ...OTHERWISE.keys(), "forever"]);
  if (meant === undefined) return undefined;
  const right = OTHERWISE.get(meant) ?? (names.includes(meant) ? `sera ${meant}` : meant);
  return `did you mean ${right}? See sera --help`;
}

/**
 * Refuses a flag behind the wait: it would be run as a command. Words that are no flags of sera's are left alone.
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
