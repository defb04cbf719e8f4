import type { Flag, FlagHelp } from "./flag.ts";
import { type Setting, SETTING_KEYS, type SettingKey, TABLE } from "./table.ts";

/** What the help text, the manual and the completions say about each setting, in lines of the help text. */
const WORDS: Readonly<Record<SettingKey, FlagHelp>> = {
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
      "etcd://host:2379          etcd (etcds:// with TLS)",
      "file: or file:/some/dir   this machine only",
    ],
  },
  serverFile: {
    placeholder: "FILE",
    help: ["read the server from a file such as /run/secrets/sera"],
  },
  tlsCa: {
    placeholder: "FILE",
    help: ["PEM file of the CA of the server's certificate"],
  },
  name: {
    placeholder: "TEXT",
    help: ["lock on TEXT instead of the command line; given", "several times: hold all these locks, or none"],
  },
  namespace: {
    placeholder: "TEXT",
    help: ["lock on the pair of TEXT and name, as heimdall does", "(PostgreSQL and etcd only)"],
  },
  slots: {
    placeholder: "N",
    help: [
      "let up to N (from 1 to 256) hold the lock at once, in",
      "the whole cluster; the command's slot is in SERA_SLOT",
    ],
  },
  maxWaiters: {
    placeholder: "N",
    help: ["exit with 204 instead of waiting if N (from 0 to 256)", "already wait"],
  },
  replace: {
    help: ["ask the holder of the lock to end, and wait for that"],
  },
  waitAndSkip: {
    help: ["the first one runs the command; the others wait until", "it has finished, then skip it"],
  },
  detailedExitCodes: {
    help: ["exit with 205 instead of 0 after skipping"],
  },
  once: {
    placeholder: "KEY",
    help: ["skip the command if a run for this key has ever", "succeeded (uses the ledger)"],
  },
  every: {
    placeholder: "DURATION",
    help: [
      "skip the command if a successful run began less than",
      "this ago, by the server's clock; also --once-per (uses",
      "the ledger)",
    ],
  },
  countFailures: {
    help: ["with --once or --every: count failed and abandoned", "runs, too"],
  },
  minHold: {
    placeholder: "DURATION",
    help: ["keep the lock for at least this long"],
  },
  splay: {
    placeholder: "DURATION",
    help: [
      "pause for up to this long before asking for the lock,",
      "to spread a fleet; a host always pauses for the same",
      "time, which is not part of the wait",
    ],
  },
  label: {
    placeholder: "TEXT",
    help: [
      "how sera status shows the command (default: the",
      "--name, else its first word, since the others may hold",
      "secrets)",
    ],
  },
  ledger: {
    help: ["record the run in the ledger, next to the lock; the", "command gets a fencing token in SERA_TOKEN"],
  },
  ledgerTable: {
    placeholder: "NAME",
    help: ["the ledger's table, or schema.table (default", "sera_runs; not for file: and etcd)"],
  },
  keepHistory: {
    placeholder: "DURATION",
    help: ["how long the ledger keeps runs (default 90d; longer", "if --once or --every needs them)"],
  },
  recordSkips: {
    help: ["record skipped runs in the ledger, too"],
  },
  lease: {
    help: [
      "keep the lock as a lease: a row in a table, which",
      "survives the loss of its connection (also for Galera",
      "and poolers)",
    ],
  },
  leaseTable: {
    placeholder: "NAME",
    help: ["the table of leases, or schema.table (default", "sera_leases)"],
  },
  ttl: {
    placeholder: "DURATION",
    help: ["how soon the server frees the lock of a node that has", "vanished (default 30s, from 3s to 24h)"],
  },
  grace: {
    placeholder: "DURATION",
    help: [
      "time from TERM to KILL when sera stops the command",
      "(default 10s; at most a third of the ttl when the lock",
      "is lost)",
    ],
  },
  onLost: {
    placeholder: "WHAT",
    help: ["terminate (default) the command when its lock is lost,", "or only warn"],
  },
  maxRun: {
    placeholder: "DURATION",
    help: ["stop the command after this time (exit with 207)"],
  },
  allowUnsafeServer: {
    help: ["allow servers whose locks are not cluster-wide:", "Galera, a replica, a standby, a pooler"],
  },
  quiet: {
    help: ["at a terminal, print only errors, as elsewhere"],
  },
  verbose: {
    placeholder: "[=stderr]",
    help: ["print progress messages, on stdout (default) or stderr"],
  },
  syslog: {
    placeholder: "[=SOCKET]",
    help: [
      "send errors and failed attempts to syslog, each with",
      "the full command line (through logger; its default",
      "socket is /dev/log)",
    ],
  },
  logFormat: {
    placeholder: "FORMAT",
    help: ["text (default), or json: one object per line"],
  },
};

/** All settings as flags, in the order in which `--help` shows them. */
export const SETTING_FLAGS: readonly (Setting & Flag)[] = SETTING_KEYS.map((key) => ({ ...TABLE[key], ...WORDS[key] }));
