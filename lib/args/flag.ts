import type { Flag, FlagSyntax } from "../settings/flag.ts";
import type { FlagSpec } from "./go_flags.ts";

/** The flag that every subcommand has. */
export const HELP_FLAG: Flag = { name: "help", alias: "h", kind: "boolean", help: ["print this text"] };

/** The flags of a run that are not settings, besides `--help`. */
export const VERSION_FLAG: Flag = { name: "version", kind: "boolean", help: ["print the version"] };
export const DRY_RUN_FLAG: Flag = {
  name: "dry-run",
  kind: "boolean",
  help: ["say whether it would run the command, wait or skip;", "lock, run and write nothing"],
};
export const DRY_RUN_JSON_FLAG: Flag = {
  name: "json",
  kind: "boolean",
  help: ["with --dry-run: print one JSON object instead"],
};

/** Whether a flag needs no value; one may still follow as `=value`. */
export function needsNoValue({ kind }: FlagSyntax): boolean {
  return kind.startsWith("boolean");
}

/** The flags as the parser needs them, aliases included. */
export function flagSpecs(flags: readonly FlagSyntax[]): readonly FlagSpec[] {
  return flags.flatMap((flag) => {
    const { name, alias, onRepeat } = flag;
    const boolean = needsNoValue(flag);
    return [{ name, boolean, onRepeat }, ...(alias === undefined ? [] : [{ name: alias, boolean, aliasOf: name }])];
  });
}
