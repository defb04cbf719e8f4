import { UsageError } from "../errors.ts";
import type { Repeated } from "../settings/flag.ts";
import { isPlain } from "../text/redaction.ts";

/** What the parser needs to know of a flag. */
export interface FlagSpec {
  /** The name without dashes. */
  readonly name: string;
  /** Whether the flag needs no value; `--flag=value` is still allowed. */
  readonly boolean: boolean;
  /** The name of the flag that this one is an alias of. */
  readonly aliasOf?: string | undefined;
  /** If given with different values: `refuse` is an error; else the last one counts, and `repeated` has all of them. */
  readonly onRepeat?: "collect" | "refuse" | undefined;
}

/** There is no flag of this name. */
export class UnknownFlagError extends UsageError {
  /**
   * @param word The flag with its dashes, as far as a message may repeat it.
   * @param flag Its name.
   * @param help The command that lists the flags.
   */
  constructor(readonly word: string, readonly flag: string, help: string) {
    super(`Unknown flag: ${word}`, `see ${help}`);
  }
}

/** The outcome of {@linkcode parseGoFlags}. */
export interface ParsedFlags {
  /** The last value of each flag; `"true"` for a boolean flag without one. A flag given by its alias is there under both names. */
  readonly flags: ReadonlyMap<string, string>;
  /** Every word after the flags, untouched. */
  readonly operands: readonly string[];
  readonly repeated: Repeated;
}

/**
 * Parses flags the way Go's `flag` package does, since existing scripts are written so: `-flag`, `--flag`,
 * `--flag=value`, `--flag value`; parsing stops at the first operand, at a lone `-`, or after `--`.
 *
 * @param help The command that lists the flags, for messages.
 * @throws {UsageError} For a flag that is unknown, malformed or lacks its value, or has two values where that is refused.
 */
export function parseGoFlags(
  words: readonly string[],
  specs: readonly FlagSpec[],
  help = "sera --help",
): ParsedFlags {
  const given = new GivenFlags(help);
  let next = 0;
  while (next < words.length) {
    const word = words[next]!;
    if (!word.startsWith("-") || word === "-") break;
    next++;
    if (word === "--") break;

    const { dashes, name, value } = parts(word);
    if (name === "" || name.startsWith("-")) {
      const rest = name === "" && value !== undefined ? `=${shown(value)}` : shown(name);
      throw new UsageError(`Cannot read the flag: ${dashes}${rest}`, `see ${help}`);
    }
    const spec = specs.find((spec) => spec.name === name);
    if (!spec) {
      throw new UnknownFlagError(`${dashes}${dashes === "-" ? shownAfterDash(name) : shown(name)}`, name, help);
    }
    if (value !== undefined) given.add(spec, value);
    else if (spec.boolean) given.add(spec, "true");
    else if (next < words.length) given.add(spec, words[next++]!);
    else throw new UsageError(`The flag needs a value: ${dashes}${name}`, `write --${name}=value`);
  }
  return { flags: given.flags, operands: words.slice(next), repeated: given.repeated };
}

/** The flags of a command line, as they are read. */
class GivenFlags {
  readonly flags = new Map<string, string>();
  readonly repeated = new Map<string, readonly string[]>();
  /** The name by which each flag was given last. */
  readonly #names = new Map<string, string>();

  /** @param help The command that lists the flags, for messages. */
  constructor(readonly help: string) {}

  /** @throws {UsageError} When the flag takes no further value, or was given by its other name, with another value. */
  add({ name, aliasOf: flag = name, onRepeat }: FlagSpec, value: string): void {
    const before = this.#names.get(flag);
    if (before !== undefined && this.flags.get(flag) !== value) {
      if (before !== name) {
        throw new UsageError(
          `Cannot use --${before} and --${name} together: they are the same flag, with two values`,
          "leave out one of them",
        );
      }
      if (onRepeat === "refuse") {
        throw new UsageError(`Cannot use --${name} twice here, with different values`, `give one, see ${this.help}`);
      }
      this.repeated.set(name, [...new Set([...this.repeated.get(name) ?? [this.flags.get(flag)!], value])]);
    }
    this.flags.set(name, value);
    this.flags.set(flag, value);
    this.#names.set(flag, name);
  }
}

/** Takes a flag apart; the value is what follows a `=`. */
function parts(word: string): { readonly dashes: string; readonly name: string; readonly value?: string } {
  const dashes = word.startsWith("--") ? "--" : "-";
  const [name = "", ...rest] = word.slice(dashes.length).split("=");
  return { dashes, name, ...rest.length > 0 ? { value: rest.join("=") } : {} };
}

/** A flag's name, or dots for what may be a password: somebody may have put dashes before a server. */
function shown(name: string): string {
  return /^[\w-]{0,24}$/.test(name) && isPlain(name, 24) ? name : "...";
}

/** As in `mysql -psecret`, a password may follow a single dash and a p. */
function shownAfterDash(name: string): string {
  return /^p./.test(name) ? "p..." : shown(name);
}
