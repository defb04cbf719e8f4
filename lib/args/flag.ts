import type { Flag, FlagSyntax } from "../settings/flag.ts";
import type { FlagSpec } from "./go_flags.ts";

/** The flag that every subcommand has. */
export const HELP_FLAG: Flag = { name: "help", alias: "h", kind: "boolean", help: ["print this text"] };

/** The one flag of a run that is no setting, besides `--help`. */
export const VERSION_FLAG: Flag = { name: "version", kind: "boolean", help: ["print the version"] };

/** Whether a flag needs no value; one may still follow as `=value`. */
export function standsAlone({ kind }: FlagSyntax): boolean {
  return kind.startsWith("boolean");
}

/** The flags as the parser needs them, aliases included. */
export function flagSpecs(flags: readonly FlagSyntax[]): readonly FlagSpec[] {
  return flags.flatMap((flag) => {
    const { name, alias } = flag;
    const boolean = standsAlone(flag);
    return [{ name, boolean }, ...(alias === undefined ? [] : [{ name: alias, boolean, meaning: name }])];
  });
}
