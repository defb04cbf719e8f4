import { ExitCode } from "../exit_codes.ts";
import { SETTING_FLAGS } from "../settings/setting_help.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { JSON_FLAG, LOCK_FLAG, ONE_LOCK_FLAGS, type Subcommand, YES_FLAG } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera unlock`. */
export const UNLOCK: Subcommand = {
  name: "unlock",
  summary: "end the holder of a lock",
  usage: "[--force] [flags] -- command ...",
  usages: [
    "[--yes] [--force] [--slot N] [flags] --name TEXT",
    "[--yes] [--force] [--slot N] [flags] -- command ...",
    "[--yes] [--force] [--slot N] [flags] --lock PREFIX",
  ],
  about: [
    "Shows who holds the lock of a command (its words as in a run, without the wait)",
    "or of a name, asks whether to end that holder, and does so. First it asks the",
    "holder's sera, which stops its command (TERM, the grace period, KILL), releases",
    "the lock, and exits with 206, saying who asked. The holder notices at its next",
    "renewal, within a third of its ttl.",
    "",
    "--force takes the lock from a holder that does not answer, or that is not sera:",
    "it ends its session, takes over its lease, or, with file:, kills its process.",
    "Another sera may then run while the old one still stops its command; the last",
    "line says until when. It only ends the holder that was shown, never the next",
    "one. It takes the flags of a run that say where the lock is (see sera --help),",
    "--grace, and all variables. Anyone who may use the server's locks may ask.",
  ],
  flags: [
    LOCK_FLAG,
    {
      name: "slot",
      kind: "text",
      placeholder: "N",
      onRepeat: "refuse",
      help: ["the holder of this slot, from 0, if a lock has slots", "(SLOT in sera status)"],
    },
    YES_FLAG,
    {
      name: "force",
      kind: "boolean",
      help: ["if the holder does not end, take the lock from it"],
    },
    {
      name: "wait",
      kind: "text",
      placeholder: "DURATION",
      help: [
        "how long to wait for a holder that was asked (default:",
        "a third of the ttl, the grace period, and 2s); 0 does",
        "not ask at all (with --force)",
      ],
    },
    JSON_FLAG,
    HELP_FLAG,
  ],
  // How long to wait for the holder depends on the grace period.
  settings: [...SETTING_FLAGS.filter(({ name }) => name === "grace"), ...ONE_LOCK_FLAGS],
  takesCommand: true,
  statuses: [
    [0, "the holder that was shown no longer holds the lock, or nobody held it"],
    [1, "it still holds the lock: it did not end, or you did not confirm"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    [ExitCode.lockUnavailable, "the server could not be asked, or does not allow this user to do it"],
    NOT_PRINTED,
    BROKEN_PIPE,
    ["128+n", "signal n ended sera, which withdrew its request"],
  ],
};
