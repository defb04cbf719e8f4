import { ExitCode } from "../exit_codes.ts";
import { BAD_ARGUMENTS, BAD_CONFIG, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import { PLACE_FLAGS, type Subcommand } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera metrics`. */
export const METRICS: Subcommand = {
  name: "metrics",
  summary: "locks and runs, for Prometheus",
  usage: "[flags]",
  usages: ["[--since DURATION] [--limit N] [flags]"],
  about: [
    "Prints who holds and waits for locks, and how their runs ended, in the text",
    "format that Prometheus and node_exporter's textfile collector read. The runs",
    "are those of the ledger, if there is one. It takes the flags of a run that say",
    "where the locks are (see sera --help), and all variables. It only reads.",
    "",
    "Series are labelled with the lock, as in sera status, and the label of its last",
    "run; each lock has some 15. Last start, end, duration, exit code and success are",
    "known for as long as the ledger keeps these runs. sera_runs counts those that",
    "began within --since, by outcome. sera_locks_complete is 0 if a lock, a holder",
    "or a waiter may be missing: there are more than --limit locks, or sera status",
    "says why.",
    "",
    "node_exporter must not read half a file, so rename it when it is complete:",
    "  cd /var/lib/prometheus/node-exporter",
    "  sera metrics > sera.prom.new && mv sera.prom.new sera.prom",
  ],
  flags: [
    {
      name: "since",
      kind: "duration",
      placeholder: "DURATION",
      help: ["count the runs that began less than this ago (default", "24h)"],
    },
    {
      name: "limit",
      kind: "text",
      placeholder: "N",
      help: ["the most locks to show, with the newest runs first", "(default 100)"],
    },
    HELP_FLAG,
  ],
  settings: PLACE_FLAGS.filter(({ name }) => name !== "name" && name !== "namespace"),
  takesCommand: false,
  statuses: [
    [0, "printed"],
    BAD_CONFIG,
    BAD_ARGUMENTS,
    [ExitCode.lockUnavailable, "the locks or the ledger could not be read"],
    NOT_PRINTED,
    BROKEN_PIPE,
  ],
};
