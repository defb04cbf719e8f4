/** The parts of the page of messages. */

import type { ExitCode } from "../../lib/exit_codes.ts";
import type { Message } from "./collect.ts";
import { HOLE } from "./values.ts";

/** Messages that belong together. */
export interface Group {
  readonly title: string;
  /** What sera exits with; none where the messages end nothing. */
  readonly codes: readonly (keyof typeof ExitCode)[];
  readonly about: string;
  /** Whether a message is one of them. */
  readonly has: (message: Message) => boolean;
}

const DOCTOR = /^lib\/doctor\/|check(s)?\.ts$|\/trial\.ts$|\/mixed_use\.ts$|\/clocks\.ts$/;
/** What `sera status` cannot show, and why. */
const HIDDEN = /sightings\.ts$|\/(replication|elsewhere|hidden|look_for)\.ts$/;
const LEDGER = /^lib\/ledger\/|\/backends\/.*(ledger|_run\.ts|sqlite|own_schema)/;
const LEASES = /\/backends\/.*lease/;
const TLS = /\/network\/(tls|cert|client_cert|trusted_files|default_trust|der)/;

/** How the lines of the log and notes are marked. */
const LINES = ["info", "notice", "note", "error"];

/** The first group that has a message keeps it. */
export const GROUPS: readonly Group[] = [
  {
    title: "The arguments",
    codes: ["badArguments"],
    about: "The command did not run. `sera --help` and `sera COMMAND --help` list all flags.",
    has: ({ exit, by, path, what }) =>
      exit === "badArguments" ||
      by === "reason" &&
        (path.startsWith("lib/args/") || path.endsWith("/without_effect.ts") && !what.startsWith(HOLE)),
  },
  {
    title: "Settings and the config file",
    codes: ["badConfig", "badArguments"],
    about: "The command did not run. A value from a file or a variable ends sera with 200, one from a flag with 201.",
    has: ({ exit, by, path }) =>
      by === "setting" || exit === "badConfig" && !path.startsWith("lib/backends/") ||
      /^lib\/settings\/(?!setting_warnings|other_writers|without_effect|resolve)|^lib\/system\/(file_trust|small_file)/
        .test(
          path,
        ),
  },
  {
    title: "The server setting: MySQL and MariaDB",
    codes: ["badConfig"],
    about: "The text that names the server cannot be read, see [MySQL and MariaDB](mysql.md).",
    has: ({ exit, path }) => exit === "badConfig" && path.includes("/mysql/"),
  },
  {
    title: "The server setting: PostgreSQL",
    codes: ["badConfig"],
    about: "The text that names the server cannot be read, see [PostgreSQL](postgresql.md).",
    has: ({ exit, path }) => exit === "badConfig" && path.includes("/postgres/"),
  },
  {
    title: "The server setting: etcd and files",
    codes: ["badConfig"],
    about: "The text that names the server cannot be read, see [etcd](etcd.md) and [files](file.md).",
    has: ({ exit, path }) => exit === "badConfig" && /\/(etcd|file)\//.test(path),
  },
  {
    title: "Certificate files",
    codes: ["badConfig"],
    about: "A file that a setting names for TLS cannot be used.",
    has: ({ exit, path }) => exit === "badConfig" && path.includes("/network/"),
  },
  {
    title: "The wait is over, or the run is skipped",
    codes: ["busy", "skipped"],
    about: "The command did not run. Shown with `--verbose`, to a person at a terminal, and in syslog if that is on. " +
      "A skipped run exits with 0 unless `--detailed-exit-codes` is set.",
    has: ({ by, path, what }) =>
      path === "lib/ledger/run_text.ts" || /^Lock not acquired|skipped the command|will be skipped/.test(what) ||
      /^(QueueFull|Replaced)Error$/.test(by),
  },
  {
    title: "Looking, unlocking, forgetting",
    codes: ["lockUnavailable", "busy"],
    about:
      "From `sera status`, `sera unlock`, `sera forget`, `sera history` and the other subcommands. Also what is missing in a list, and why.",
    has: ({ exit, path }) =>
      (exit === "lockUnavailable" || exit === "busy") && /^lib\/commands\/(?!run\/)/.test(path) ||
      /_handle\.ts$/.test(path) || HIDDEN.test(path),
  },
  {
    title: "What sera doctor finds",
    codes: [],
    about: "Warnings and failures of `sera doctor`, in addition to those of a run.",
    has: ({ path }) => DOCTOR.test(path) || path.endsWith("/config_checks.ts"),
  },
  {
    title: "The lock is lost",
    codes: ["lockLost"],
    about: "sera stops the command, see [206](trouble.md#206-the-command-was-stopped).",
    has: ({ exit, by }) => exit === "lockLost" || by === "LockLostEarlyError",
  },
  {
    title: "The command cannot be started",
    codes: ["commandNotStarted"],
    about: "sera had the lock, and has released it.",
    has: ({ exit, by, path }) => exit === "commandNotStarted" || by === "reason" && path.startsWith("lib/child/"),
  },
  {
    title: "Stopped for another reason, and output that fails",
    codes: ["maxRun", "seraFailed", "notPrinted"],
    about: "The command ran past `--max-run`, or sera itself failed.",
    has: ({ exit, path }) =>
      exit === "maxRun" || exit === "seraFailed" || exit === "notPrinted" || path === "lib/log/verdict.ts",
  },
  {
    title: "The ledger",
    codes: ["lockUnavailable"],
    about: "Before the command has started, these end sera with 202; afterwards they are a warning.",
    has: ({ by, path }) => !LINES.includes(by) && LEDGER.test(path),
  },
  {
    title: "Leases",
    codes: ["lockUnavailable"],
    about: "With `--lease`, see [leases](leases.md). The command did not run.",
    has: ({ by, path }) => !LINES.includes(by) && LEASES.test(path),
  },
  {
    title: "TLS",
    codes: ["lockUnavailable"],
    about: "The connection cannot be encrypted or the server's certificate is rejected. The command did not run.",
    has: ({ path }) => TLS.test(path) || /\/etcd\/tls_/.test(path),
  },
  {
    title: "The lock: MySQL and MariaDB",
    codes: ["lockUnavailable"],
    about:
      "The command did not run. The server's own words, in its language, come first; a number is the server's error.",
    has: ({ by, path }) => !LINES.includes(by) && path.includes("/mysql/"),
  },
  {
    title: "The lock: PostgreSQL",
    codes: ["lockUnavailable"],
    about: "The command did not run. The server's own words, in its language, come first; a code is its SQLSTATE.",
    has: ({ by, path }) => !LINES.includes(by) && path.includes("/postgres/"),
  },
  {
    title: "The lock: etcd",
    codes: ["lockUnavailable"],
    about: "The command did not run.",
    has: ({ by, path }) => !LINES.includes(by) && path.includes("/etcd/"),
  },
  {
    title: "The lock: files",
    codes: ["lockUnavailable"],
    about: "The command did not run.",
    has: ({ by, path }) => !LINES.includes(by) && path.includes("/backends/file/"),
  },
  {
    title: "The lock: any server",
    codes: ["lockUnavailable"],
    about: "The command did not run. Also the reasons that follow the colon in messages about a network or the system.",
    has: ({ exit, by, path }) =>
      exit === "lockUnavailable" || !LINES.includes(by) && /^lib\/(backends|lock|system|errors)/.test(path),
  },
  {
    title: "Notes and warnings",
    codes: [],
    about: "The run goes on. Most are shown with `--verbose` only.",
    has: () => true,
  },
];
