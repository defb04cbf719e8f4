import { type Trouble, UsageError } from "../errors.ts";
import type { FlagSpec, UnknownFlagError } from "./go_flags.ts";
import { nearest } from "../text/nearest.ts";
import { RUN_FLAGS } from "./run_help.ts";
import { SUBCOMMANDS } from "./subcommands.ts";

/**
 * The error for an unknown flag with what it may have been meant to be: a flag of something else that sera does, or one
 * that was mistyped.
 *
 * @param specs The flags that are known.
 * @param subcommand Whose flags they are; undefined for those of a run.
 */
export function explained(error: UnknownFlagError, specs: readonly FlagSpec[], subcommand?: string): UsageError {
  const { word, flag } = error;
  // What is not shown is not guessed at either.
  if (!word.endsWith(flag)) return error;
  if (subcommand === undefined && /^-\d/.test(word)) {
    return new UsageError(`Unknown flag: ${word}`, "a wait is never negative: 0 tries once, forever never gives up");
  }
  const elsewhere = flagElsewhere(word, flag, subcommand);
  if (elsewhere !== undefined) return new UsageError(elsewhere.what, elsewhere.cure);
  const names = specs.map(({ name }) => name).filter((name) => name.length > 1);
  const unwanted = denied(flag, specs, names);
  if (unwanted !== undefined) return new UsageError(`Unknown flag: ${word}`, unwanted);
  const meant = nearest(flag, names);
  if (meant === undefined) return error;
  const help = subcommand === undefined ? "sera --help" : `sera ${subcommand} --help`;
  return new UsageError(`Unknown flag: ${word}`, `did you mean --${meant}? See ${help}`);
}

/** What to write in place of a flag such as `--no-ledger`; undefined where it is no such flag. */
function denied(flag: string, specs: readonly FlagSpec[], names: readonly string[]): string | undefined {
  const rest = /^(?:no|not|non|without|disable|skip)([-_]?)(.+)$/i.exec(flag);
  if (!rest) return undefined;
  const [, dash, name] = rest as unknown as [string, string, string];
  const meant = names.includes(name) ? name : dash === "" ? undefined : nearest(name, names);
  if (meant === undefined) return undefined;
  return specs.some(({ name, boolean }) => name === meant && boolean)
    ? `write --${meant}=false, or leave it out`
    : `to go without ${meant}, leave --${meant} out`;
}

function flagElsewhere(word: string, flag: string, subcommand: string | undefined): Trouble | undefined {
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
  // heimdall calls things by other names, which people know from elsewhere.
  const owners = SUBCOMMANDS.filter(({ name, flags }) => name !== "heimdall" && flags.some(({ name }) => name === flag))
    .map(({ name }) => `sera ${name}`);
  if (owners.length === 0) return undefined;
  const last = owners.pop()!;
  const owner = owners.length === 0 ? last : `${owners.join(", ")} and ${last}`;
  return {
    what,
    cure: `it is a flag of ${owner}, not of ${subcommand === undefined ? "a run" : `sera ${subcommand}`}`,
  };
}
