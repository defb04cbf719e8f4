import type { FlagSpec } from "./go_flags.ts";

/** What a flag takes. */
export type FlagKind =
  | "text"
  /** The path of a file. */
  | "file"
  | "boolean"
  /** `true`, `false`, or one of the flag's `words`. */
  | "boolean-or-word"
  /** `true`, `false`, or an absolute path. */
  | "boolean-or-path"
  /** One of the flag's `words`. */
  | "word"
  /** Whole seconds, or a duration such as `1m30s` or `90d`. */
  | "duration";

/** What the parser has to know of a flag. */
export interface FlagSyntax {
  /** The name without dashes. */
  readonly name: string;
  /** Another name for it. */
  readonly alias?: string;
  readonly kind: FlagKind;
  /** The words that a `word` or `boolean-or-word` flag takes. */
  readonly words?: readonly string[];
}

/** What the help texts, the manual and the completions have to know of it besides. */
export interface Flag extends FlagSyntax {
  /** How the help text shows the value. */
  readonly placeholder?: string;
  /** What it does; one element is one line of the help text. */
  readonly help: readonly string[];
}

/** The flag that every subcommand has. */
export const HELP_FLAG: Flag = { name: "help", alias: "h", kind: "boolean", help: ["print this text"] };

/** The flag that sera has beside its settings. */
export const VERSION_FLAG: Flag = { name: "version", kind: "boolean", help: ["print the version"] };

/** Whether a flag stands alone; a value may still follow as `=value`. */
export function standsAlone({ kind }: FlagSyntax): boolean {
  return kind.startsWith("boolean");
}

/** What the parser has to know of flags. */
export function flagSpecs(flags: readonly FlagSyntax[]): readonly FlagSpec[] {
  return flags.flatMap((flag) => {
    const { name, alias } = flag;
    const boolean = standsAlone(flag);
    return [{ name, boolean }, ...(alias === undefined ? [] : [{ name: alias, boolean, meaning: name }])];
  });
}
