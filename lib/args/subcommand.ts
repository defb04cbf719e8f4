import type { Flag } from "../settings/flag.ts";
import { SETTING_FLAGS } from "../settings/setting_help.ts";
import type { Setting } from "../settings/table.ts";
import type { ExitStatus } from "./exit_statuses.ts";

/** A subcommand: what sera does besides running a command under a lock. */
export interface Subcommand {
  readonly name: string;
  /** What it is for, in a few words. */
  readonly summary: string;
  /** What follows its name on the command line, as `sera --help` shows it. */
  readonly usage: string;
  /** The same at length, one for each way to use it. */
  readonly usages: readonly string[];
  /** What it does, in the lines of its help text. */
  readonly about: readonly string[];
  /** The flags of its own. */
  readonly flags: readonly Flag[];
  /** The settings that it takes as flags. */
  readonly settings: readonly (Setting & Flag)[];
  /** Whether a command's words may follow its flags. */
  readonly takesCommand: boolean;
  /** Whether it runs that command, and does not only look for its lock. */
  readonly runsCommand?: true;
  /** Whether its one operand may also stand before the flags. */
  readonly operandFirst?: true;
  /** Whether its `--json` asks for lines of JSON, as `--log-format json` does, so that errors are such lines, too. */
  readonly jsonLines?: true;
  /** The words that its one operand can be, where these can be listed. */
  readonly operands?: readonly string[];
  readonly statuses: readonly ExitStatus[];
}

/** Loads all of them, which only some calls need. */
export type LoadSubcommands = () => Promise<readonly Subcommand[]>;

/** The settings that say where a lock and its ledger are, and what it is called. */
export const PLACE_FLAGS = SETTING_FLAGS.filter(({ runOnly }) => !runOnly);

/** The same for subcommands that handle one lock at a time. */
export const ONE_LOCK_FLAGS = PLACE_FLAGS.map((flag) =>
  flag.onRepeat === undefined ? flag : { ...flag, onRepeat: "refuse" as const }
);

/** Selects locks by their names. */
export const LOCK_FLAG: Flag = {
  name: "lock",
  kind: "text",
  placeholder: "PREFIX",
  onRepeat: "refuse",
  help: ["only locks whose LOCK, as sera status shows it, begins", "with PREFIX"],
};

/** The output for programs. */
export const JSON_FLAG: Flag = { name: "json", kind: "boolean", help: ["print one JSON object instead"] };

/** The rule by which past runs count. */
export const RULE_FLAGS = SETTING_FLAGS.filter(({ name }) => ["once", "every", "count-failures"].includes(name))
  .map((flag) => ({ ...flag, onRepeat: "refuse" as const }));

/** Skips the confirmation. */
export const YES_FLAG: Flag = {
  name: "yes",
  kind: "boolean",
  help: ["do not ask at the terminal; needed without one"],
};
