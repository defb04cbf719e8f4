import { ExitCode } from "../exit_codes.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, LOCK_UNAVAILABLE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { SETTING_FLAGS } from "../settings/setting_help.ts";
import { PLACE_FLAGS, type Subcommand } from "./subcommand.ts";

/** Those of a run that say who else may hold the lock, and wait for it. */
const HOLD_SETTINGS = SETTING_FLAGS.filter(({ name }) => ["slots", "max-waiters", "replace"].includes(name));

/** What the help texts, the manual and the completions say about `sera hold`. */
export const HOLD: Subcommand = {
  name: "hold",
  summary: "hold a lock without a command, for maintenance",
  usage: "--for DURATION [flags] NAME",
  usages: [
    "--for DURATION [--wait DURATION] [flags] NAME",
    "--for DURATION [--wait DURATION] [flags] -- command ...",
  ],
  about: [
    "Takes a lock and keeps it for some time, so that no command runs under it. It is",
    "the lock of a command (its words as in a run, without the wait), or of a name. A",
    "NAME may also precede the flags. sera hold says when it holds the lock, and how",
    "to release it sooner: by Ctrl-C, or from elsewhere with sera unlock. sera status",
    "shows it with the label hold. A hold is not a run: the ledger does not record",
    "it, and --once ignores it. It takes the flags of a run that say where the lock",
    "is, and --slots, --max-waiters and --replace (see sera --help), and all",
    "variables.",
  ],
  flags: [
    {
      name: "for",
      kind: "duration",
      placeholder: "DURATION",
      help: ["for how long, such as 30m or 2h; forever: until ended"],
    },
    {
      name: "wait",
      kind: "duration",
      placeholder: "DURATION",
      help: ["how long to wait while somebody else holds it, as", "in a run (default 0: try once)"],
    },
    { name: "json", kind: "boolean", help: ["print progress messages as JSON, one object per line"] },
    HELP_FLAG,
  ],
  settings: [...HOLD_SETTINGS, ...PLACE_FLAGS],
  takesCommand: true,
  operandFirst: true,
  jsonLines: true,
  statuses: [
    [0, "the lock was held for the whole time"],
    ["128+n", "signal n ended it; 130: Ctrl-C"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    LOCK_UNAVAILABLE,
    [
      ExitCode.busy,
      "somebody else holds it; the wait ran out, too many already wait, or a",
      "later --replace came",
    ],
    [ExitCode.lockLost, "the lock was lost, or given up on request (sera unlock, --replace)"],
    [ExitCode.seraFailed, "sera itself failed meanwhile"],
    NOT_PRINTED,
    BROKEN_PIPE,
  ],
};
