import type { Flag, FlagWords } from "./flag.ts";
import { SETTINGS, type SettingSpec } from "./table.ts";

/** What the help text, the manual and the completions say of each setting. */
const WORDS: Readonly<Record<string, FlagWords>> = {
  config: {
    placeholder: "FILE",
    help: ["the config file to read (default /etc/sera.json)"],
  },
  server: {
    placeholder: "SERVER",
    help: [
      "where the lock lives; no config file is needed then:",
      "user:password@tcp(host)/  MySQL or MariaDB (Go DSN)",
      "postgres://user@host/db   PostgreSQL (or its keywords)",
      "file: or file:/some/dir   this machine only",
    ],
  },
  "tls-ca": {
    placeholder: "FILE",
    help: ["PEM file of the CA of the server's certificate"],
  },
  name: {
    placeholder: "TEXT",
    help: ["lock on TEXT instead of the command's words"],
  },
  namespace: {
    placeholder: "TEXT",
    help: ["lock on the pair of TEXT and name, as heimdall does", "(PostgreSQL only)"],
  },
  "wait-and-skip": {
    help: ["the first one runs the command; the others wait until", "it has finished, then skip it"],
  },
  "detailed-exit-codes": {
    help: ["exit with 205 instead of 0 after skipping"],
  },
  once: {
    placeholder: "KEY",
    help: ["skip the command if a run for this key has ever", "succeeded (uses the ledger)"],
  },
  every: {
    placeholder: "DURATION",
    help: [
      "skip the command if a run that succeeded began less",
      "than this ago, by the server's clock; also --once-per",
      "(uses the ledger)",
    ],
  },
  "count-failures": {
    help: ["with --once or --every: failed and abandoned runs", "count, too"],
  },
  "min-hold": {
    placeholder: "DURATION",
    help: ["keep the lock for at least this long"],
  },
  label: {
    placeholder: "TEXT",
    help: [
      "what sera status shows of the command (default: the",
      "--name, else its first word, since the others may hold",
      "secrets)",
    ],
  },
  ledger: {
    help: ["record the run in the ledger beside the lock; the", "command gets a fencing token in SERA_TOKEN"],
  },
  "ledger-table": {
    placeholder: "NAME",
    help: ["the ledger's table, or schema.table (default", "sera_runs; not for file:)"],
  },
  "keep-history": {
    placeholder: "DURATION",
    help: ["how long the ledger keeps runs (default 90d; longer", "where --once or --every needs them)"],
  },
  "record-skips": {
    help: ["record skipped runs in the ledger, too"],
  },
  ttl: {
    placeholder: "DURATION",
    help: ["how soon the server frees the lock of a node that has", "vanished (default 30s, from 3s to 24h)"],
  },
  grace: {
    placeholder: "DURATION",
    help: [
      "time from TERM to KILL when the command is stopped",
      "(default 10s; at most a third of the ttl when the lock",
      "is lost)",
    ],
  },
  "on-lost": {
    placeholder: "WHAT",
    help: ["terminate (default) the command when its lock is lost,", "or only warn"],
  },
  "max-run": {
    placeholder: "DURATION",
    help: ["stop the command after this time (exit with 207)"],
  },
  "allow-unsafe-server": {
    help: ["lock also where that does not exclude everybody:", "Galera, a replica, a standby, a pooler"],
  },
  verbose: {
    placeholder: "[=stderr]",
    help: ["say what happens, on stdout (default) or stderr"],
  },
  syslog: {
    placeholder: "[=SOCKET]",
    help: ["report errors and failed attempts to syslog", "(through logger; its default socket is /dev/log)"],
  },
  "log-format": {
    placeholder: "FORMAT",
    help: ["text (default), or json: one object a line"],
  },
};

/** All settings as flags, in the order in which `--help` shows them. */
export const SETTING_FLAGS: readonly (SettingSpec & Flag)[] = SETTINGS.map((setting) => ({
  ...setting,
  ...WORDS[setting.name]!,
}));
