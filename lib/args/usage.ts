import { type ExitStatus, RUN_STATUSES } from "./exit_statuses.ts";
import { ABOUT_RUN, EXAMPLES, RUN_FLAGS, RUN_USAGE } from "./run_help.ts";
import type { Flag } from "../settings/flag.ts";
import { SETTINGS } from "../settings/table.ts";
import type { Subcommand } from "./subcommand.ts";

/** The columns in which explanations begin. */
const FLAG_COLUMN = 26;
const STATUS_COLUMN = 10;
const EXAMPLE_COLUMN = 37;

/** The longest line of a list, in characters without the indentation. */
const MAX_LINE_LENGTH = 74;

const FLAGS_HEADING = "Flags (-flag and --flag are the same; a value follows as =value or next word):";

/**
 * What `sera --help` prints; no line is longer than 80 columns.
 *
 * @param commands All but the run.
 */
export function helpText(commands: readonly Subcommand[]): string {
  const others = commands.map(({ name, usage }) => [`       sera ${name} ${usage}`, `(sera ${name} --help)`]);
  const column = Math.max(...others.map(([usage]) => usage!.length)) + 1;
  return [
    `Usage: sera ${RUN_USAGE}`,
    ...others.map(([usage, where]) => usage!.padEnd(column) + where),
    "",
    ...ABOUT_RUN,
    "",
    FLAGS_HEADING,
    ...RUN_FLAGS.flatMap(flagLines),
    "",
    "All flags but the last four can also be set by variables, for example",
    "SERA_SERVER or SERA_WAIT_AND_SKIP=true. Flags override variables, which",
    "override the config file, which may contain these keys:",
    ...configKeys(),
    "",
    "Exit status:",
    ...RUN_STATUSES.flatMap(statusLines),
    "",
    "Examples:",
    ...EXAMPLES.map(([command, meaning]) => `  ${command}`.padEnd(EXAMPLE_COLUMN) + meaning),
    "",
  ].join("\n");
}

/** What `sera NAME --help` prints. */
export function subcommandHelp({ name, usages, about, flags, settings, statuses }: Subcommand): string {
  return [
    ...usages.map((usage, index) => `${index === 0 ? "Usage:" : "      "} sera ${name} ${usage}`),
    "",
    ...about,
    "",
    settings.length > 0 ? "Flags:" : FLAGS_HEADING,
    ...flags.flatMap(flagLines),
    "",
    "Exit status:",
    ...statuses.flatMap(statusLines),
    "",
  ].join("\n");
}

/** A flag and its value as the help shows them: `--server SERVER`, `--verbose[=stderr]`. */
export function flagAndValue({ name, placeholder = "" }: Flag): string {
  return `--${name}${placeholder === "" || placeholder.startsWith("[") ? placeholder : ` ${placeholder}`}`;
}

function flagLines(flag: Flag): readonly string[] {
  const label = `  ${flagAndValue(flag)}`;
  return label.length < FLAG_COLUMN - 1
    ? inColumn(label, FLAG_COLUMN, flag.help)
    : [label, ...inColumn("", FLAG_COLUMN, flag.help)];
}

function statusLines([status, ...meaning]: ExitStatus): readonly string[] {
  return inColumn(`  ${status}`, STATUS_COLUMN, meaning);
}

function inColumn(label: string, column: number, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => (index === 0 ? label : "").padEnd(column) + line);
}

function configKeys(): readonly string[] {
  const lines = [""];
  for (const { name } of SETTINGS.filter((setting) => setting.inConfig)) {
    const line = lines.pop()!;
    if (line === "") lines.push(name);
    else if (line.length + name.length < MAX_LINE_LENGTH) lines.push(`${line}, ${name}`);
    else lines.push(`${line},`, name);
  }
  return lines.map((line) => `  ${line}`);
}
