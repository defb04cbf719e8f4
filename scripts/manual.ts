/**
 * Writes the manual page, sera(1), from the tables that `--help` is made from: `scripts/manual.ts [FILE]`.
 *
 * @module
 */
import { type ExitStatus, RUN_STATUSES } from "../lib/args/exit_statuses.ts";
import { ABOUT_RUN, EXAMPLES, RUN_FLAGS, RUN_USAGE } from "../lib/args/run_help.ts";
import type { Flag } from "../lib/settings/flag.ts";
import { environmentName, SETTINGS, TABLE } from "../lib/settings/table.ts";
import type { Subcommand } from "../lib/args/subcommand.ts";
import { COMMANDS } from "../lib/commands/table.ts";
import { VERSION } from "../lib/version.ts";
import { prose, tagged, text, typed, usage, value } from "./roff.ts";
import { sourceDate } from "./source_date.ts";

/** A description of a run, longer than in `--help`. */
const MORE_ABOUT_RUN = [
  "Commands with the same words share a lock, whichever node they run on; --name",
  "lets other commands share it. If the lock is lost while the command runs, the command",
  "is stopped. Signals are passed on to the command, which has the standard input,",
  "output and error of sera itself.",
];

const ABOUT_OPTIONS = [
  "A flag may have one dash or two. Its value follows as =value or as the next",
  "word. A flag without a value takes =true or =false. The flags end at the first",
  "word that is not a flag, or at --.",
  "",
  "A setting may also come from a variable, and some from the config file. Flags",
  "win over variables, and variables win over the config file.",
];

/** The variables that sera sets for the command, see lib/commands/run/variables.ts. */
const COMMAND_VARIABLES: readonly (readonly [name: string, ...meaning: readonly string[]])[] = [
  ["SERA_LOCK_NAME", "the lock's name; of several locks, all names separated by spaces"],
  [
    "SERA_LOCK_KEY",
    "what the name was made of; of several locks, one a line; not set if longer than",
    "4096 characters",
  ],
  ["SERA_SLOT", "with --slots: the slot that the run holds, from 0"],
  ["SERA_HOST", "the host that the command runs on, as others see it"],
  ["SERA_RUN_ID", "the number of the run, if there is a ledger"],
  [
    "SERA_TOKEN",
    "with a ledger, a lease or etcd: a fencing token, which grows with every run of the",
    "lock. It is the number of the run, or with a lease that of the holder; of several",
    "locks with leases, all tokens separated by spaces",
  ],
  [
    "SERA_HELD_LOCKS",
    "the locks of this sera and of those above it, so that a sera in the command can",
    "tell that it would wait for itself",
  ],
  ["SERA_SERVER_REMOVED", "true if sera removed SERA_SERVER, which may contain a password"],
];

const FILES: readonly (readonly [path: string, ...meaning: readonly string[]])[] = [
  [TABLE.config.default, "the config file, a JSON object; if it holds a password, let only its users read it"],
  ["/run/sera", "the locks of root with --server file:"],
  ["/var/lib/sera", "their ledger, ledger.sqlite, which must survive a reboot"],
  ["~/.local/state/sera", "locks and ledger of other users, below the home that the system has for them"],
];

const DIAGNOSTICS = [
  "An error is one line on standard error: what failed, the value, what to do.",
  "sera doctor, run as the user of the job and with its flags, checks the setup.",
  "The pages docs/trouble.md and docs/messages.md, which come with the program, say",
  "what to do about each exit status and each message.",
];

const MORE_EXAMPLES: readonly (readonly [line: string, ...meaning: readonly string[]])[] = [
  ["0 3 * * *  root  sera 0 /usr/local/bin/report", "in the crontab of every node: one of them runs it"],
  [
    '{"server": "sera:secret@tcp(db.example.com:3306)/", "syslog": true}',
    `in ${TABLE.config.default}: lock in MySQL or MariaDB, and report failures to syslog`,
  ],
];

/** Around what can be typed: lines without stretched gaps and without hyphens, then lines as before. */
const RAGGED = [".nh", ".na"];
const JUSTIFIED = [".ad", ".hy"];

const SEE_ALSO = ["flock(1)", "logger(1)", "crontab(5)", "systemd.timer(5)"];

/**
 * The page, for man(1).
 *
 * @param date The date in its footer.
 */
export function manual(date: Date): string {
  return [
    `.TH SERA 1 "${date.toISOString().slice(0, 10)}" "sera ${VERSION}" "User Commands"`,
    ".SH NAME",
    "sera \\- run a command while holding a lock that all nodes share",
    ".SH SYNOPSIS",
    ...RAGGED,
    `.B sera\n${usage(RUN_USAGE)}`,
    ...COMMANDS.flatMap(({ name, usages }) => usages.map((words) => `.br\n.B sera ${name}\n${usage(words)}`)),
    ...JUSTIFIED,
    ".SH DESCRIPTION",
    ...text([...ABOUT_RUN, "", ...MORE_ABOUT_RUN]),
    ".SH OPTIONS",
    ...text(ABOUT_OPTIONS),
    ...RUN_FLAGS.flatMap(setting),
    ".SH SUBCOMMANDS",
    ...COMMANDS.flatMap(subcommand),
    ".SH ENVIRONMENT",
    ...text(["Each setting can be set by the variable that is named with it above. libpq's", "variables, such as"]),
    `${typed("PGHOST")}, set what the address of a PostgreSQL server leaves out.`,
    ".PP",
    "What sera sets for the command:",
    ...list(COMMAND_VARIABLES),
    ".SH FILES",
    ...list(FILES),
    ".SH EXIT STATUS",
    ...statuses(RUN_STATUSES),
    ".SH DIAGNOSTICS",
    ...text(DIAGNOSTICS),
    ".SH EXAMPLES",
    ...list([...EXAMPLES, ...MORE_EXAMPLES]),
    ".SH SEE ALSO",
    SEE_ALSO.map(reference).join(",\n"),
    "",
  ].join("\n");
}

function setting(flag: Flag): readonly string[] {
  const setting = SETTINGS.find(({ name }) => name === flag.name);
  if (!setting) return option(flag);
  const key = setting.inConfig ? `; key ${typed(setting.name)} of the config file` : "";
  const lines = option(flag);
  // Behind a list .br would lose the indentation.
  const next = lines.at(-1) === ".RE" ? ".IP" : ".br";
  const variables = [setting.name, ...setting.alias === undefined ? [] : [setting.alias]].map(environmentName);
  return [...lines, next, `Variable ${variables.map(typed).join(" or ")}${key}.`];
}

function option({ name, alias, placeholder, help }: Flag): readonly string[] {
  const names = [name, ...alias === undefined ? [] : [alias]].map((name) =>
    typed(name.length > 1 ? `--${name}` : `-${name}`)
  );
  // A value that may be left out, such as [=SOCKET].
  const [, optional] = /^\[=(.*)\]$/.exec(placeholder ?? "") ?? [];
  const shown = optional !== undefined ? `[=${value(optional)}]` : placeholder ? ` ${value(placeholder)}` : "";
  return tagged(names.join(", ") + shown, text(help));
}

function subcommand({ name, usages, about, flags, settings, statuses: own }: Subcommand): readonly string[] {
  const heads = usages.map((words) => `.B sera ${name}\n${usage(words)}`);
  return [
    `.SS sera ${name}`,
    ...RAGGED,
    heads.join("\n.br\n"),
    ...JUSTIFIED,
    ".PP",
    ...text(about),
    ".PP",
    flagsHeading(settings),
    ...flags.flatMap(option),
    ".PP",
    "Exit status:",
    ...statuses(own),
  ];
}

function flagsHeading(settings: readonly Flag[]): string {
  if (settings.length === 0) return "Flags:";
  if (settings.length === SETTINGS.length) return "Flags in addition to those of a run:";
  return `Flags in addition to these of a run: ${settings.map(({ name }) => typed(`--${name}`)).join(", ")}.`;
}

function statuses(all: readonly ExitStatus[]): readonly string[] {
  return list(all.map(([status, ...meaning]) => [`${status}`, ...meaning]));
}

function list(items: readonly (readonly [string, ...(readonly string[])])[]): readonly string[] {
  return items.flatMap(([tag, ...meaning]) => tagged(typed(tag), meaning.map(prose)));
}

function reference(page: string): string {
  const [, name, section] = /^(.*)(\(\d\))$/.exec(page)!;
  return `${typed(name!)}${section}`;
}

if (import.meta.main) {
  const [path, ...rest] = Deno.args;
  if (rest.length > 0) {
    console.error("Usage: scripts/manual.ts [FILE]");
    Deno.exit(2);
  }
  const page = manual(new Date(1000 * await sourceDate()));
  if (path === undefined) await Deno.stdout.write(new TextEncoder().encode(page));
  else await Deno.writeTextFile(path, page);
}
