import { ExitCode } from "../exit_codes.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { JSON_FLAG, LOCK_FLAG, ONE_LOCK_FLAGS, type Subcommand } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera history`. */
export const HISTORY: Subcommand = {
  name: "history",
  summary: "past runs, from the ledger",
  usage: "[--json] [flags] [-- command ...]",
  usages: [
    "[--json] [--limit N] [flags] [--name TEXT | -- command ...]",
    "[--json] [--limit N] [flags] --lock PREFIX",
    "--succeeded-within DURATION [flags] [-- command ...]",
    "--schema [flags]",
  ],
  about: [
    "Prints the runs that the ledger has recorded, the newest first: all of them,",
    "those under one lock, or those of a --namespace. It takes the flags of a run",
    "that say where the ledger is (see sera --help), and all variables. Times are by",
    "the server's clock, in UTC; at a terminal in the local time zone. It only reads:",
    "SELECT on the table is enough, on a replica or standby too.",
    "",
    "With --succeeded-within it prints one line, for monitoring, and exits with 0 if",
    "a run under the lock has succeeded within that time, with 1 if not.",
    "",
    "An outcome is one of",
    "  running     the command runs",
    "  succeeded   it ended with 0",
    "  failed      it ended with another status, or was stopped",
    "  abandoned   its sera died or lost the lock; the end is not known",
    "  unstarted   it could not be started",
    "  skipped     it was skipped (with --record-skips)",
    "  forgotten   it had ended, and no longer counts (sera forget)",
    "  forgot      not a run: who used sera forget, and where",
    "or a word that a newer sera wrote. Anything else is shown as unknown.",
  ],
  flags: [
    { name: "limit", kind: "text", placeholder: "N", help: ["how many runs to print (default 20)"] },
    {
      name: "failed",
      kind: "boolean",
      help: ["only runs that failed, were abandoned or could not be", "started"],
    },
    {
      name: "since",
      kind: "duration",
      placeholder: "DURATION",
      help: ["only runs that began less than this ago"],
    },
    {
      name: "host",
      kind: "text",
      placeholder: "NAME",
      onRepeat: "refuse",
      help: ["only runs on the host with exactly this name"],
    },
    { name: "once", kind: "text", placeholder: "KEY", onRepeat: "refuse", help: ["only runs with this key"] },
    {
      name: "succeeded-within",
      kind: "duration",
      placeholder: "DURATION",
      help: ["say whether a run succeeded less than this ago"],
    },
    LOCK_FLAG,
    JSON_FLAG,
    {
      name: "schema",
      kind: "boolean",
      help: ["print the SQL that creates the ledger's table, for an", "administrator to run by hand"],
    },
    HELP_FLAG,
  ],
  settings: ONE_LOCK_FLAGS,
  takesCommand: true,
  statuses: [
    [0, "printed, even if there is nothing to show"],
    [1, "with --succeeded-within: no run has succeeded within that time"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    [ExitCode.lockUnavailable, "the ledger could not be read"],
    NOT_PRINTED,
    BROKEN_PIPE,
  ],
};
