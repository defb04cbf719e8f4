import { ExitCode } from "../exit_codes.ts";
import {
  BAD_ARGUMENTS,
  BAD_CONFIG,
  BROKEN_PIPE,
  type ExitStatus,
  LOCK_UNAVAILABLE,
  NOT_PRINTED,
} from "./exit_statuses.ts";
import { flagSpecs, HELP_FLAG } from "./flag.ts";
import type { FlagSpec } from "./go_flags.ts";
import type { Flag } from "../settings/flag.ts";
import { SETTING_FLAGS } from "../settings/setting_words.ts";
import type { Setting } from "../settings/table.ts";

/** What sera does beside running a command under a lock. */
export interface Subcommand {
  readonly name: string;
  /** What it is for, in a few words. */
  readonly summary: string;
  /** What follows its name on the command line, as `sera --help` shows it. */
  readonly usage: string;
  /** The same at length, one for each way to use it. */
  readonly usages: readonly string[];
  /** What it does, in the lines of its help text. */
  readonly about: readonly string[];
  /** The flags of its own. */
  readonly flags: readonly Flag[];
  /** The settings that it takes as flags. */
  readonly settings: readonly (Setting & Flag)[];
  /** Whether a command's words may follow its flags. */
  readonly takesCommand: boolean;
  readonly statuses: readonly ExitStatus[];
}

/** The settings that say where a lock and its ledger are, and what it is called. */
const OF_PLACE = SETTING_FLAGS.filter(({ ofRun }) => !ofRun);

const LOCK_FLAG: Flag = {
  name: "lock",
  kind: "text",
  placeholder: "PREFIX",
  help: ["only locks whose LOCK, as sera status shows it, begins", "with PREFIX"],
};
const JSON_FLAG: Flag = { name: "json", kind: "boolean", help: ["print one JSON object instead"] };

/** All subcommands, in the order in which the help shows them. */
export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "status",
    summary: "who holds a lock, and who waits for it",
    usage: "[--json] [flags] [-- command ...]",
    usages: ["[--json] [flags] [--name TEXT | -- command ...]", "[--json] [flags] --lock PREFIX"],
    about: [
      "Prints who holds the lock of a command (its words as in a run, without the wait)",
      "or of a name, and who waits for it; without either, all of sera's locks on the",
      "server, or those of a --namespace. It takes those flags of a run that say where",
      "the lock is (see sera --help), and all variables. It keeps nobody from a lock,",
      "works on a server that is read-only, too, and says what cannot be seen there.",
      "",
      "LOCK is the beginning of the lock's name, or NAMESPACE/NAME; LABEL the command's",
      "--label, else its --name, else its first word; HOST an address if no more is",
      "known; SINCE when the lock was acquired or the wait began, in UTC, and how long",
      "ago; after a ~ when the holder connected, which may be some time before. USER",
      "and SESSION are shown where a process is not known: with them an administrator",
      "can end a session. Who waits longest comes first. Servers differ in how much of",
      "that they show; when the list is incomplete, a line says what is missing, and",
      '--json has "complete": false and a reason.',
    ],
    flags: [LOCK_FLAG, JSON_FLAG, HELP_FLAG],
    settings: OF_PLACE,
    takesCommand: true,
    statuses: [
      [0, "the lock is held; without a command, name or --lock: always"],
      [1, "the lock is free"],
      BAD_CONFIG,
      BAD_ARGUMENTS,
      [ExitCode.lockUnavailable, "the locks could not be looked at, or not the one that was asked for"],
      NOT_PRINTED,
      BROKEN_PIPE,
    ],
  },
  {
    name: "history",
    summary: "what ran, from the ledger",
    usage: "[--json] [flags] [-- command ...]",
    usages: [
      "[--json] [--limit N] [flags] [--name TEXT | -- command ...]",
      "[--json] [--limit N] [flags] --lock PREFIX",
      "--schema [flags]",
    ],
    about: [
      "Prints the runs that the ledger has recorded, the newest first: all of them,",
      "those under one lock, or those of a --namespace. It takes those flags of a run",
      "that say where the ledger is (see sera --help), and all variables. Times are",
      "UTC, by the server's clock. It only reads: SELECT on the table is enough, on a",
      "replica or standby too.",
      "",
      "An outcome is one of",
      "  running     the command runs",
      "  succeeded   it ended with 0",
      "  failed      it ended with another status, or was stopped",
      "  abandoned   its sera died or lost the lock; the end is not known",
      "  unstarted   it could not be started",
      "  skipped     there was nothing to do (with --record-skips)",
      "or a word that a later sera has written; what is no word is unknown.",
    ],
    flags: [
      { name: "limit", kind: "text", placeholder: "N", help: ["how many runs to print (default 20)"] },
      LOCK_FLAG,
      JSON_FLAG,
      {
        name: "schema",
        kind: "boolean",
        help: ["print the SQL that makes the ledger's table, for an", "administrator to run by hand"],
      },
      HELP_FLAG,
    ],
    settings: OF_PLACE,
    takesCommand: true,
    statuses: [
      [0, "printed, if only that there is nothing"],
      BAD_CONFIG,
      BAD_ARGUMENTS,
      [ExitCode.lockUnavailable, "the ledger could not be read"],
      NOT_PRINTED,
      BROKEN_PIPE,
    ],
  },
  {
    name: "doctor",
    summary: "try the configuration and the server",
    usage: "[--json] [flags]",
    usages: ["[--json] [flags]"],
    about: [
      "Tries the configuration as sera would use it, without running a command: the",
      "config file, the server's address, TLS, what kind of server it is, a lock of a",
      "random name, and, if they are on, the ledger and syslog. It takes the flags and",
      "variables of a run (see sera --help), so that these are tried too. It fails",
      "exactly when a run would; what a run can do without is a warning.",
      "",
      "Each check is one line: pass, warn, fail, or skip (an earlier one failed), the",
      "check, what was found, and what to do about it.",
    ],
    flags: [
      {
        name: "json",
        kind: "boolean",
        help: ["print one JSON object instead: ok, exit_code, server,", "checks; it never holds a password"],
      },
      HELP_FLAG,
    ],
    settings: SETTING_FLAGS,
    takesCommand: false,
    statuses: [
      [0, "a run could have its lock; there may be warnings"],
      BAD_CONFIG,
      BAD_ARGUMENTS,
      LOCK_UNAVAILABLE,
      NOT_PRINTED,
      BROKEN_PIPE,
    ],
  },
  {
    name: "heimdall",
    summary: "heimdall's own command line",
    usage: "[flags] PROGRAM [argument ...]",
    usages: ["[flags] PROGRAM [argument ...]"],
    about: [
      "heimdall's own command line: tries once for an advisory lock of PostgreSQL and",
      "runs PROGRAM while holding it. It excludes heimdall, and sera --namespace.",
    ],
    flags: [
      {
        name: "database",
        kind: "text",
        placeholder: "URL",
        help: [
          "a URL or libpq's keywords; what it leaves out comes",
          "from PGHOST, PGUSER and libpq's other variables",
        ],
      },
      { name: "namespace", kind: "text", placeholder: "TEXT", help: ["the lock's namespace (default heimdall)"] },
      { name: "name", kind: "text", placeholder: "TEXT", help: ["the lock's name (default heimdall)"] },
      {
        name: "timeout",
        kind: "text",
        placeholder: "SECONDS",
        help: ["how long PROGRAM may run before it is stopped", "(default 5; 0: no limit)"],
      },
      // The one flag that heimdall has not: a server that heimdall took, and that sera refuses, needs a way on.
      {
        name: "allow-unsafe-server",
        kind: "boolean",
        help: ["lock also on a standby or through any pooler"],
      },
      { name: "debug", kind: "boolean", help: ["say what happens, on stderr"] },
      HELP_FLAG,
    ],
    settings: [],
    takesCommand: true,
    statuses: [
      ["any", "PROGRAM's own; 128+n if signal n ended it"],
      [
        1,
        "somebody else has the lock, it could not be asked for, PROGRAM could",
        "not be started or ran out of time, or the lock was lost meanwhile",
      ],
      [143, "SIGTERM ended it; 130: SIGINT"],
    ],
  },
];

/** The subcommand of this name, undefined if there is none. */
export function subcommandOf(name: string): Subcommand | undefined {
  return SUBCOMMANDS.find((subcommand) => subcommand.name === name);
}

/** All flags that a subcommand takes, for the parser. */
export function subcommandFlags(name: string): readonly FlagSpec[] {
  const { flags, settings } = subcommandOf(name)!;
  return flagSpecs([...settings, ...flags]);
}
