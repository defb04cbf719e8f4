import { SETTING_FLAGS } from "../settings/setting_help.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, LOCK_UNAVAILABLE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import type { Subcommand } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera doctor`. */
export const DOCTOR: Subcommand = {
  name: "doctor",
  summary: "check the configuration and the server",
  usage: "[--json] [flags]",
  usages: ["[--json] [flags]", "--lease --schema [flags]"],
  about: [
    "Checks the configuration as sera would use it, without running a command: the",
    "config file, the server's address, TLS, what kind of server it is, a lock with a",
    "random name, and, if they are on, the ledger and syslog. It takes the flags and",
    "variables of a run (see sera --help), and checks them, too. It fails exactly",
    "when a run would; anything that a run can do without is a warning.",
    "",
    "Each check is one line: pass, warn, fail, or skip (an earlier one failed), the",
    "check, what was found, and what to do about it. The check round-trip says how",
    "long the server takes to answer, and how often a run waits for that. At a",
    "terminal the checks are coloured (unless NO_COLOR is set) and wrapped, all",
    "skipped ones share a line, and the last line says whether a run can get its",
    "lock.",
  ],
  flags: [
    {
      name: "json",
      kind: "boolean",
      help: ["print one JSON object instead: ok, exit_code, server,", "checks; it never holds a password"],
    },
    {
      name: "schema",
      kind: "boolean",
      help: ["with --lease: print the SQL that creates the table of", "leases, for an administrator to run by hand"],
    },
    HELP_FLAG,
  ],
  settings: SETTING_FLAGS,
  takesCommand: false,
  statuses: [
    [0, "a run could get its lock; there may be warnings"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    LOCK_UNAVAILABLE,
    NOT_PRINTED,
    BROKEN_PIPE,
  ],
};
