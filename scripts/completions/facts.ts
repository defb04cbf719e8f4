/** What the completions of all shells need, from the tables that the parser reads. */

import { standsAlone } from "../../lib/args/flag.ts";
import type { Flag } from "../../lib/settings/flag.ts";
import { RUN_FLAGS } from "../../lib/args/run_help.ts";
import { COMMANDS } from "../../lib/commands/table.ts";

/** A subcommand, or a run, which is called `run` here. */
export interface Scope {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly takesCommand: boolean;
}

export const RUN: Scope = { name: "run", summary: "", flags: RUN_FLAGS, takesCommand: true };

export const SUBSCOPES: readonly Scope[] = COMMANDS.map(({ name, summary, flags, settings, takesCommand }) => ({
  name,
  summary,
  flags: [...settings, ...flags],
  takesCommand,
}));

const ALL_FLAGS = [RUN, ...SUBSCOPES].flatMap(({ flags }) => flags);

/** The names of all flags that take the next word as their value. Those of the same name agree on that, see the tests. */
export const VALUED: readonly string[] = unique(
  ALL_FLAGS.filter((flag) => !standsAlone(flag)).flatMap(({ name, alias }) => [name, alias ?? name]),
);

/** The words that a flag takes as its value; none if it takes a path or any text. */
export function valuesOf(flag: Flag): readonly string[] {
  const { kind, words = [] } = flag;
  if (kind === "boolean-or-path") return [];
  return standsAlone(flag) ? [...words, "true", "false"] : words;
}

/** Whether a flag takes a path. */
export function takesPath({ kind }: Flag): boolean {
  return kind === "file" || kind === "boolean-or-path";
}

/** The names of all flags that take words, grouped by these words with blanks between them. */
export function namesByValues(): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(ALL_FLAGS, (flag) => valuesOf(flag).join(" "));
  groups.delete("");
  return new Map([...groups].map(([values, flags]) => [values, unique(flags.map(({ name }) => name))]));
}

/** The names of all flags that take a path. */
export const PATHS: readonly string[] = unique(ALL_FLAGS.filter(takesPath).map(({ name }) => name));

/** What a flag does, in one line. */
export function summaryOf({ help }: Flag): string {
  return help.filter((line) => !line.includes("  ")).join(" ").replace(/:$/, "");
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
