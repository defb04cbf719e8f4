import { ExitCode } from "../exit_codes.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { JSON_FLAG, LOCK_FLAG, ONE_LOCK_FLAGS, type Subcommand } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera status`. */
export const STATUS: Subcommand = {
  name: "status",
  summary: "who holds a lock, and who waits for it",
  usage: "[--json] [flags] [-- command ...]",
  usages: ["[--json | --watch] [flags] [--name TEXT | -- command ...]", "[--json | --watch] [flags] --lock PREFIX"],
  about: [
    "Prints who holds the lock of a command (its words as in a run, without the wait)",
    "or of a name, and who waits for it. Without either, it prints all of sera's",
    "locks on the server, or those of a --namespace. It takes the flags of a run that",
    "say where the lock is (see sera --help), and all variables. It takes no lock,",
    "also works on a read-only server, and says what cannot be seen there.",
    "",
    "LOCK is the beginning of the lock's name, or NAMESPACE/NAME. LABEL is the",
    "command's --label, else its --name, else its first word. HOST is an address if",
    "no more is known. SINCE is when the lock was acquired or the wait began, in UTC",
    "(at a terminal in the local time zone), and how long ago; after a ~ it is when",
    "the holder connected, which may be some time before. USER and SESSION are shown",
    "if the process is not known: with them an administrator can end a session. SLOT",
    "is shown if locks have slots: which one, from 0, of how many. The longest wait",
    "comes first. Servers differ in how much of this they show. When the list is",
    'incomplete, a line says what is missing, and --json has "complete": false and a',
    "reason.",
  ],
  flags: [
    LOCK_FLAG,
    {
      name: "watch",
      kind: "boolean",
      help: ["at a terminal: print it again every two seconds, until", "Ctrl-C ends it"],
    },
    JSON_FLAG,
    HELP_FLAG,
  ],
  settings: ONE_LOCK_FLAGS,
  takesCommand: true,
  statuses: [
    [0, "the lock is held; without a command, name or --lock: always"],
    [1, "the lock is free"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    [ExitCode.lockUnavailable, "the locks, or the one asked for, could not be read"],
    NOT_PRINTED,
    BROKEN_PIPE,
    ["128+n", "with --watch: signal n ended it (130: Ctrl-C)"],
  ],
};
