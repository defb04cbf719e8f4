/** What a flag takes. */
export type FlagKind =
  | "text"
  /** The path of a file. */
  | "file"
  | "boolean"
  /** `true`, `false`, or one of the flag's `choices`. */
  | "boolean-or-choice"
  /** `true`, `false`, or an absolute path. */
  | "boolean-or-path"
  /** One of the flag's `choices`. */
  | "choice"
  /** Whole seconds, or a duration such as `1m30s` or `90d`. */
  | "duration"
  /** A whole number. */
  | "number";

/** Flags that were given several times, with different values: all their values, each once, by the flags' names. */
export type Repeated = ReadonlyMap<string, readonly string[]>;

/** How a flag is written. */
export interface FlagSyntax {
  /** The name without dashes. */
  readonly name: string;
  /** Another name for it. */
  readonly alias?: string;
  readonly kind: FlagKind;
  /** The values that a `choice` or `boolean-or-choice` flag takes. */
  readonly choices?: readonly string[];
  /** What happens if it is given several times with different values. If absent, the last one counts. */
  readonly onRepeat?: "collect" | "refuse";
}

/** What the help texts, the manual and the completions say about a flag. */
export interface FlagHelp {
  /** How the help text shows the value. */
  readonly placeholder?: string;
  /** What it does; one element is one line of the help text. */
  readonly help: readonly string[];
}

/** A flag with all that the help texts, the manual and the completions need. */
export interface Flag extends FlagSyntax, FlagHelp {}
