/** What the completions of all shells need, from the tables that the parser reads. */

import { needsNoValue } from "../args/flag.ts";
import { RUN_FLAGS } from "../args/run_help.ts";
import type { Subcommand } from "../args/subcommand.ts";
import type { Flag } from "../settings/flag.ts";

/** A subcommand, or a run, which is called `run` here. */
export interface Scope {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly takesCommand: boolean;
  /** The words that may be its one operand. */
  readonly operands: readonly string[];
}

/** The scopes, and what their flags have in common. */
export interface Facts {
  /** All but the run. */
  readonly subscopes: readonly Scope[];
  /** The run first. */
  readonly scopes: readonly Scope[];
  /** The names of all flags that take the next word as their value. Those of the same name agree on that, see the tests. */
  readonly valued: readonly string[];
  /** The names of all flags that take words, grouped by these words with blanks between them. */
  readonly namesByValues: ReadonlyMap<string, readonly string[]>;
  /** The names of all flags that take a path. */
  readonly paths: readonly string[];
}

const RUN: Scope = { name: "run", summary: "", flags: RUN_FLAGS, takesCommand: true, operands: [] };

/** @param commands All but the run. */
export function factsOf(commands: readonly Subcommand[]): Facts {
  const subscopes = commands.map(({ name, summary, flags, settings, takesCommand, operands = [] }) => ({
    name,
    summary,
    flags: [...settings, ...flags],
    takesCommand,
    operands,
  }));
  const scopes = [RUN, ...subscopes];
  const all = scopes.flatMap(({ flags }) => flags);
  const groups = Map.groupBy(all, (flag) => valuesOf(flag).join(" "));
  groups.delete("");
  return {
    subscopes,
    scopes,
    valued: unique(
      all.filter((flag) => !needsNoValue(flag)).flatMap(({ name, alias }) => [name, alias ?? name]),
    ),
    namesByValues: new Map([...groups].map(([values, flags]) => [values, unique(flags.map(({ name }) => name))])),
    paths: unique(all.filter(takesPath).map(({ name }) => name)),
  };
}

/** The words that a flag takes as its value; none if it takes a path or any text. */
export function valuesOf(flag: Flag): readonly string[] {
  const { kind, choices = [] } = flag;
  if (kind === "boolean-or-path") return [];
  return needsNoValue(flag) ? [...choices, "true", "false"] : choices;
}

/** Whether a flag takes a path. */
export function takesPath({ kind }: Flag): boolean {
  return kind === "file" || kind === "boolean-or-path";
}

/** What a flag does, in one line. */
export function summaryOf({ help }: Flag): string {
  return help.filter((line) => !line.includes("  ")).join(" ").replace(/:$/, "");
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
