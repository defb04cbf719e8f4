import { UsageError } from "../errors.ts";
import { nearest } from "./nearest.ts";
import { RUN_FLAGS } from "./run_help.ts";
import { SUBCOMMANDS } from "./subcommands.ts";

/** Words that other programs have as subcommands, and what sera has in their place. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([["help", "sera --help"], ["version", "sera --version"]]);

/** What to do about a word in the place of the wait that was meant to be something else; undefined if nobody can tell. */
export function meantBy(word: string): string | undefined {
  const exact = OTHERWISE.get(word);
  if (exact !== undefined) return `write ${exact}`;
  const bare = /^(['"])(.*)\1$/.exec(word)?.[2];
  if (bare !== undefined) return "the quotes are part of the word; leave them out";
  if (word === "stdout" || word === "stderr") return `a flag's value that may be left out needs a =: --verbose=${word}`;
  const names = SUBCOMMANDS.map(({ name }) => name);
  const meant = nearest(word, [...names, ...OTHERWISE.keys()]);
  return meant === undefined ? undefined : `did you mean ${OTHERWISE.get(meant) ?? `sera ${meant}`}? See sera --help`;
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
  throw new UsageError(`Cannot run ${dashed}: flags belong before the wait; write sera ${instead}`);
}
