import { DRY_RUN_FLAG, DRY_RUN_JSON_FLAG, HELP_FLAG, VERSION_FLAG } from "./flag.ts";
import type { Flag } from "../settings/flag.ts";
import { SETTING_FLAGS } from "../settings/setting_help.ts";

/** What follows `sera` when it runs a command. */
export const RUN_USAGE = "[flags] [--] <wait> <command> [argument ...]";

/** What a run is, in the lines of the help text. */
export const ABOUT_RUN: readonly string[] = [
  "Runs a command while holding a lock that all nodes share, so that it never runs",
  "twice at the same time.",
  "",
  "<wait> is how long to wait while somebody else holds the lock: whole seconds",
  "(0: try once), a duration such as 500ms or 1m30s, or forever. Every word after",
  "it belongs to the command and is passed on untouched, without a shell.",
];

/** All flags of a run. */
export const RUN_FLAGS: readonly Flag[] = [...SETTING_FLAGS, DRY_RUN_FLAG, DRY_RUN_JSON_FLAG, VERSION_FLAG, HELP_FLAG];

/** Command lines, and what they do. */
export const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["sera 90 /usr/local/bin/rotate", "every node runs it, one after the other"],
  ["sera 0 /usr/local/bin/report", "one node runs it, the others exit (204)"],
  ["sera --wait-and-skip 300 migrate", "one runs it, the others wait and skip it"],
  ["sera --server file: 0 backup", "lock on this machine only, no server needed"],
];
