import type { Flag } from "./flag.ts";

/** One setting: the same name serves as flag, as environment variable and as key of the config file. */
export interface SettingSpec extends Flag {
  /** Whether it makes sense in the config file; the rest says something about one run only. */
  readonly inConfig: boolean;
  /** Whether it only says how a run goes, so that a subcommand which looks at locks or runs has no use for it. */
  readonly ofRun?: true;
}

/** All settings, in the order in which `--help` shows them. The flags, the environment and the config file follow it. */
export const SETTINGS: readonly SettingSpec[] = [
  {
    name: "config",
    kind: "file",
    placeholder: "FILE",
    help: ["the config file to read (default /etc/sera.json)"],
    inConfig: false,
  },
  {
    name: "server",
    kind: "text",
    placeholder: "SERVER",
    help: [
      "where the lock lives; no config file is needed then:",
      "user:password@tcp(host)/  MySQL or MariaDB (Go DSN)",
      "postgres://user@host/db   PostgreSQL (or its keywords)",
      "file: or file:/some/dir   this machine only",
    ],
    inConfig: true,
  },
  {
    name: "tls-ca",
    kind: "file",
    placeholder: "FILE",
    help: ["PEM file of the CA of the server's certificate"],
    inConfig: true,
  },
  {
    name: "name",
    kind: "text",
    placeholder: "TEXT",
    help: ["lock on TEXT instead of the command's words"],
    inConfig: false,
  },
  {
    name: "namespace",
    kind: "text",
    placeholder: "TEXT",
    help: ["lock on the pair of TEXT and name, as heimdall does", "(PostgreSQL only)"],
    inConfig: true,
  },
  {
    name: "wait-and-skip",
    kind: "boolean",
    help: ["the first one runs the command; the others wait until", "it has finished, then skip it"],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "detailed-exit-codes",
    kind: "boolean",
    help: ["exit with 205 instead of 0 after skipping"],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "once",
    kind: "text",
    placeholder: "KEY",
    help: ["skip the command if a run for this key has ever", "succeeded (uses the ledger)"],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "every",
    alias: "once-per",
    kind: "duration",
    placeholder: "DURATION",
    help: [
      "skip the command if a run that succeeded began less",
      "than this ago, by the server's clock; also --once-per",
      "(uses the ledger)",
    ],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "count-failures",
    kind: "boolean",
    help: ["with --once or --every: failed and abandoned runs", "count, too"],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "min-hold",
    kind: "duration",
    placeholder: "DURATION",
    help: ["keep the lock for at least this long"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "label",
    kind: "text",
    placeholder: "TEXT",
    help: [
      "what sera status shows of the command (default: the",
      "--name, else its first word, since the others may hold",
      "secrets)",
    ],
    inConfig: false,
    ofRun: true,
  },
  {
    name: "ledger",
    kind: "boolean",
    help: ["record the run in the ledger beside the lock; the", "command gets a fencing token in SERA_TOKEN"],
    inConfig: true,
  },
  {
    name: "ledger-table",
    kind: "text",
    placeholder: "NAME",
    help: ["the ledger's table, or schema.table (default", "sera_runs; not for file:)"],
    inConfig: true,
  },
  {
    name: "keep-history",
    kind: "duration",
    placeholder: "DURATION",
    help: ["how long the ledger keeps runs (default 90d; longer", "where --once or --every needs them)"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "record-skips",
    kind: "boolean",
    help: ["record skipped runs in the ledger, too"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "ttl",
    kind: "duration",
    placeholder: "DURATION",
    help: ["how soon the server frees the lock of a node that has", "vanished (default 30s, from 3s to 24h)"],
    inConfig: true,
  },
  {
    name: "grace",
    kind: "duration",
    placeholder: "DURATION",
    help: [
      "time from TERM to KILL when the command is stopped",
      "(default 10s; at most a third of the ttl when the lock",
      "is lost)",
    ],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "on-lost",
    kind: "word",
    words: ["terminate", "warn"],
    placeholder: "WHAT",
    help: ["terminate (default) the command when its lock is lost,", "or only warn"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "max-run",
    kind: "duration",
    placeholder: "DURATION",
    help: ["stop the command after this time (exit with 207)"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "allow-unsafe-server",
    kind: "boolean",
    help: ["lock also where that does not exclude everybody:", "Galera, a replica, a standby, a pooler"],
    inConfig: true,
  },
  {
    name: "verbose",
    kind: "boolean-or-word",
    words: ["stdout", "stderr"],
    placeholder: "[=stderr]",
    help: ["say what happens, on stdout (default) or stderr"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "syslog",
    kind: "boolean-or-path",
    placeholder: "[=SOCKET]",
    help: ["report errors and failed attempts to syslog", "(through logger; its default socket is /dev/log)"],
    inConfig: true,
    ofRun: true,
  },
  {
    name: "log-format",
    kind: "word",
    words: ["text", "json"],
    placeholder: "FORMAT",
    help: ["text (default), or json: one object a line"],
    inConfig: true,
  },
];

/** The other name of a setting, if it has one. */
export function aliasOf(setting: string): string | undefined {
  return SETTINGS.find(({ name }) => name === setting)?.alias;
}

/** The environment variable of a setting, for example `SERA_WAIT_AND_SKIP`. */
export function environmentName(setting: string): string {
  return `SERA_${setting.toUpperCase().replaceAll("-", "_")}`;
}
