import type { Flag } from "../settings/flag.ts";
import type { Setting } from "../settings/table.ts";
import type { ExitStatus } from "./exit_statuses.ts";

/** What the command line and its help know of a command that is no run: `sera status`. */
export interface CommandWords {
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
  readonly statuses: readonly ExitStatus[];
}

/** Loads the words of all commands but the run, which only some calls need. */
export type LoadWords = () => Promise<readonly CommandWords[]>;
