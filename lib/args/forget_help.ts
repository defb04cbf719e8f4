import { ExitCode } from "../exit_codes.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { JSON_FLAG, ONE_LOCK_FLAGS, RULE_FLAGS, type Subcommand, YES_FLAG } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera forget`. */
export const FORGET: Subcommand = {
  name: "forget",
  summary: "make --once or --every ignore past runs",
  usage: "--once KEY [flags] -- command ...",
  usages: [
    "[--yes] [flags] --once KEY --name TEXT | -- command ...",
    "[--yes] [flags] --every DURATION --name TEXT | -- command ...",
  ],
  about: [
    "Lets a command run again that --once or --every would skip. Give the flags and",
    "the command as in a run, without the wait. It shows the runs that count and",
    "asks. Then it takes the command's lock for a moment and changes only these runs;",
    "if others count by then, it changes nothing. While the command runs, it is",
    "refused (204).",
    "",
    "The runs stay in sera history as forgotten, and a row with the outcome forgot",
    "says who did it, where and when. Older versions of sera respect that too.",
  ],
  flags: [YES_FLAG, JSON_FLAG, HELP_FLAG],
  settings: [...RULE_FLAGS, ...ONE_LOCK_FLAGS],
  takesCommand: true,
  statuses: [
    [0, "the runs were forgotten"],
    [1, "nothing was forgotten: no run counts, or you did not confirm"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    [ExitCode.lockUnavailable, "the lock or the ledger could not be used; nothing was forgotten"],
    [ExitCode.busy, "the lock is held; nothing was forgotten"],
    NOT_PRINTED,
    BROKEN_PIPE,
    ["128+n", "signal n ended sera"],
  ],
};
