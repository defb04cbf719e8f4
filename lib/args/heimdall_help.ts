import { HELP_FLAG } from "./flag.ts";
import type { Subcommand } from "./subcommand.ts";

/** What the help texts, the manual and the completions say about `sera heimdall`. */
export const HEIMDALL: Subcommand = {
  name: "heimdall",
  summary: "heimdall's own command line",
  usage: "[flags] PROGRAM [argument ...]",
  usages: ["[flags] PROGRAM [argument ...]"],
  about: [
    "heimdall's own command line: tries once to get an advisory lock in PostgreSQL,",
    "and runs PROGRAM while holding it. heimdall itself and sera --namespace use the",
    "same lock.",
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
    // The one flag that heimdall lacks: for servers that heimdall accepts and sera refuses.
    {
      name: "allow-unsafe-server",
      kind: "boolean",
      help: ["also allow a standby, or any pooler"],
    },
    { name: "debug", kind: "boolean", help: ["print progress messages, on stderr"] },
    HELP_FLAG,
  ],
  settings: [],
  takesCommand: true,
  runsCommand: true,
  statuses: [
    ["any", "PROGRAM's own; 128+n if signal n ended it"],
    [
      1,
      "somebody else holds the lock, sera could not ask for it, PROGRAM could",
      "not be started or ran out of time, or the lock was lost meanwhile",
    ],
    [143, "SIGTERM ended it; 130: SIGINT"],
  ],
};
