import { type Trouble, UsageError } from "../errors.ts";
import type { FlagSpec, UnknownFlagError } from "./go_flags.ts";
import { nearest } from "../text/nearest.ts";
import { RUN_FLAGS } from "./run_help.ts";
import type { Subcommand } from "./subcommand.ts";

/**
 * The error for an unknown flag, with what was probably meant: a flag of another subcommand, or one that was mistyped.
 *
 * @param specs The flags that are known.
 * @param commands All commands but the run.
 * @param subcommand Whose flags they are; undefined for those of a run.
 */
export function withSuggestion(
  error: UnknownFlagError,
  specs: readonly FlagSpec[],
  commands: readonly Subcommand[],
  subcommand?: string,
): UsageError {
  const { word, flag } = error;
  // The message hides a word that may contain a password. A suggestion would reveal something about it.
  if (!word.endsWith(flag)) return error;
  if (subcommand === undefined && /^-\d/.test(word)) {
    return new UsageError(`Unknown flag: ${word}`, "a wait is never negative: 0 tries once, forever never gives up");
  }
  if (subcommand === undefined && flag === "wait") {
    return new UsageError(`Unknown flag: ${word}`, "the wait is the word before the command: sera 30 <command>");
  }
  const elsewhere = flagElsewhere(word, flag, commands, subcommand);
  if (elsewhere !== undefined) return new UsageError(elsewhere.what, elsewhere.cure);
  const names = specs.map(({ name }) => name).filter((name) => name.length > 1);
  const unwanted = negated(flag, specs, names);
  if (unwanted !== undefined) return new UsageError(`Unknown flag: ${word}`, unwanted);
  const meant = nearest(flag, names);
  if (meant === undefined) return error;
  const help = subcommand === undefined ? "sera --help" : `sera ${subcommand} --help`;
  return new UsageError(`Unknown flag: ${word}`, `did you mean --${meant}? See ${help}`);
}

/** What to write instead of a flag such as `--no-ledger`; undefined if it is not of that kind. */
function negated(flag: string, specs: readonly FlagSpec[], names: readonly string[]): string | undefined {
  const [, dash, name] = /^(?:no|not|non|without|disable|skip)([-_]?)(.+)$/i.exec(flag) ?? [];
  if (name === undefined) return undefined;
  const meant = names.includes(name) ? name : dash === "" ? undefined : nearest(name, names);
  if (meant === undefined) return undefined;
  return specs.some(({ name, boolean }) => name === meant && boolean)
    ? `write --${meant}=false, or leave it out`
    : `to go without ${meant}, leave --${meant} out`;
}

/** What to say about a flag that belongs to another command; undefined if it belongs to none. */
function flagElsewhere(
  word: string,
  flag: string,
  commands: readonly Subcommand[],
  subcommand: string | undefined,
): Trouble | undefined {
  const what = `Unknown flag: ${word}`;
  if (subcommand !== undefined && RUN_FLAGS.some(({ name, alias }) => flag === name || flag === alias)) {
    if (flag === "version") return { what, cure: "write sera --version" };
    return subcommand === "heimdall"
      ? { what, cure: "it is a flag of sera, not of heimdall, see sera heimdall --help" }
      : {
        what: `Cannot use ${word} with sera ${subcommand}: it is a flag of a run, and has no effect here`,
        cure: "leave it out",
      };
  }
  // heimdall's names, such as --timeout, are common ones: whoever writes one here seldom means heimdall.
  const owners = commands.filter(({ name, flags }) => name !== "heimdall" && flags.some(({ name }) => name === flag))
    .map(({ name }) => `sera ${name}`);
  if (owners.length === 0) return undefined;
  const last = owners.pop()!;
  const owner = owners.length === 0 ? last : `${owners.join(", ")} and ${last}`;
  return {
    what,
    cure: `it is a flag of ${owner}, not of ${subcommand === undefined ? "a run" : `sera ${subcommand}`}`,
  };
}
