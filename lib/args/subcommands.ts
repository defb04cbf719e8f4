import { DOCTOR } from "./doctor_help.ts";
import { flagSpecs } from "./flag.ts";
import type { FlagSpec } from "./go_flags.ts";
import { HEIMDALL } from "./heimdall_help.ts";
import { HISTORY } from "./history_help.ts";
import { STATUS } from "./status_help.ts";
import type { Subcommand } from "./subcommand.ts";

/** All subcommands, in the order in which the help shows them. */
export const SUBCOMMANDS: readonly Subcommand[] = [STATUS, HISTORY, DOCTOR, HEIMDALL];

/** The subcommand of this name, undefined if there is none. */
export function subcommandOf(name: string): Subcommand | undefined {
  return SUBCOMMANDS.find((subcommand) => subcommand.name === name);
}

/** All flags that a subcommand takes, for the parser. */
export function subcommandFlags(name: string): readonly FlagSpec[] {
  const { flags, settings } = subcommandOf(name)!;
  return flagSpecs([...settings, ...flags]);
}
