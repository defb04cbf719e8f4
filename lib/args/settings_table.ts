import type { FlagSpec } from "./go_flags.ts";

/** What a setting takes. */
export type SettingKind =
  | "text"
  | "boolean"
  /** `true`, `false`, or one of the setting's `words`. */
  | "boolean-or-word"
  /** `true`, `false`, or an absolute path. */
  | "boolean-or-path"
  /** One of the setting's `words`. */
  | "word"
  /** Whole seconds, or a duration such as `1m30s` or `90d`. */
  | "duration";

/** One setting: the same name serves as flag, as environment variable and as key of the config file. */
export interface SettingSpec {
  /** The flag's name; the config key is the same, the variable `SERA_` and the name in capitals. */
  readonly name: string;
  /** Another name for the flag. */
  readonly alias?: string;
  readonly kind: SettingKind;
  /** The words that a `word` or `boolean-or-word` setting takes. */
  readonly words?: readonly string[];
  /** How the help text shows the value. */
  readonly placeholder?: string;
  /** What it does, for the help text; one array element is one line. */
  readonly help: readonly string[];
  /** Whether it makes sense in the config file; the rest says something about one run only. */
  readonly inConfig: boolean;
}

/** All settings, in the order in which `--help` shows them. The flags, the environment and the config file follow it. */
export const SETTINGS: readonly SettingSpec[] = [
  {
    name: "config",
    kind: "text",
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
    kind: "text",
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
  },
  {
    name: "detailed-exit-codes",
    kind: "boolean",
    help: ["exit with 205 instead of 0 after skipping"],
    inConfig: false,
  },
  {
    name: "once",
    kind: "text",
    placeholder: "KEY",
    help: ["run to success at most once for this key, ever; skip", "it afterwards (uses the ledger)"],
    inConfig: false,
  },
  {
    name: "every",
    alias: "once-per",
    kind: "duration",
    placeholder: "DURATION",
    help: [
      "at most one successful run begins in this time, by the",
      "server's clock; also --once-per (uses the ledger)",
    ],
    inConfig: false,
  },
  {
    name: "count-failures",
    kind: "boolean",
    help: ["failed and abandoned runs count for both, too"],
    inConfig: false,
  },
  {
    name: "min-hold",
    kind: "duration",
    placeholder: "DURATION",
    help: ["keep the lock for at least this long"],
    inConfig: true,
  },
  {
    name: "label",
    kind: "text",
    placeholder: "TEXT",
    help: ["what others see of the command (default: its first", "word, for the others may hold secrets)"],
    inConfig: false,
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
    help: ["how long the ledger keeps runs (default 90d; what", "--once and --every need is kept for as long)"],
    inConfig: true,
  },
  {
    name: "record-skips",
    kind: "boolean",
    help: ["record in the ledger also that a run was skipped"],
    inConfig: true,
  },
  {
    name: "ttl",
    kind: "duration",
    placeholder: "DURATION",
    help: ["how soon the server frees the lock of a node that has", "vanished (default 30s)"],
    inConfig: true,
  },
  {
    name: "grace",
    kind: "duration",
    placeholder: "DURATION",
    help: [
      "from TERM to KILL when a command is stopped (default",
      "10s; when the lock is lost at most a third of the ttl)",
    ],
    inConfig: true,
  },
  {
    name: "on-lost",
    kind: "word",
    words: ["terminate", "warn"],
    placeholder: "WHAT",
    help: ["terminate (default) the command when its lock is lost,", "or only warn"],
    inConfig: true,
  },
  {
    name: "max-run",
    kind: "duration",
    placeholder: "DURATION",
    help: ["stop the command after this time (exit with 207)"],
    inConfig: true,
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
    help: ["say what happens, on stdout or on stderr"],
    inConfig: true,
  },
  {
    name: "syslog",
    kind: "boolean-or-path",
    placeholder: "[=SOCKET]",
    help: ["report errors and failed attempts to syslog", "(through logger; its default socket is /dev/log)"],
    inConfig: true,
  },
  {
    name: "log-format",
    kind: "word",
    words: ["text", "json"],
    placeholder: "FORMAT",
    help: ["text or json: one object a line"],
    inConfig: true,
  },
];

/** The flags of all settings. */
export const SETTING_FLAGS: readonly FlagSpec[] = SETTINGS.flatMap(({ name, alias, kind }) => {
  const boolean = kind.startsWith("boolean");
  return [{ name, boolean }, ...(alias === undefined ? [] : [{ name: alias, boolean, meaning: name }])];
});

/** The environment variable of a setting, for example `SERA_WAIT_AND_SKIP`. */
export function environmentName(setting: string): string {
  return `SERA_${setting.toUpperCase().replaceAll("-", "_")}`;
}
