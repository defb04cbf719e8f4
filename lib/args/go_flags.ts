import { UsageError } from "../errors.ts";
import { isPlain } from "../text/harmless.ts";

/** What the parser has to know of a flag. */
export interface FlagSpec {
  /** The name without dashes. */
  readonly name: string;
  /** Whether the flag needs no value; one may still be given as `--flag=value`. */
  readonly boolean: boolean;
  /** The flag that it is another name for. */
  readonly meaning?: string | undefined;
}

/** There is no flag of this name. */
export class UnknownFlagError extends UsageError {
  /**
   * @param word The flag, as far as a message may repeat it.
   * @param flag Its name, without dashes and value.
   */
  constructor(readonly word: string, readonly flag: string, help: string) {
    super(`Unknown flag: ${word}`, `see ${help}`);
  }
}

/** The outcome of {@linkcode parseGoFlags}. */
export interface ParsedFlags {
  /**
   * The last value given for each flag; `"true"` for a boolean flag without one. One that was given by another name is
   * there by both.
   */
  readonly flags: ReadonlyMap<string, string>;
  /** Every word after the flags, untouched. */
  readonly operands: readonly string[];
  /** The flags that were given several times, with different values. */
  readonly repeated: readonly string[];
}

/**
 * Parses flags the way Go's `flag` package does, since existing scripts are written so: `-flag`, `--flag`,
 * `--flag=value`, `--flag value`; parsing stops at the first operand, at a lone `-`, or after `--`.
 *
 * @param help The command that tells which flags there are.
 * @throws {UsageError} For a flag that is unknown, malformed or lacks its value, and for two values by two names of it.
 */
export function parseGoFlags(
  words: readonly string[],
  specs: readonly FlagSpec[],
  help = "sera --help",
): ParsedFlags {
  const flags = new Map<string, string>();
  const names = new Map<string, string>();
  const repeated: string[] = [];
  const set = (flag: string, value: string, name: string) => {
    if ((flags.get(flag) ?? value) !== value) {
      if (names.get(flag) !== name) {
        throw new UsageError(
          `Cannot use --${names.get(flag)} and --${name} at once: they are one flag, with two values`,
          "leave one out",
        );
      }
      repeated.push(name);
    }
    flags.set(name, value);
    flags.set(flag, value);
    names.set(flag, name);
  };
  let next = 0;
  while (next < words.length) {
    const word = words[next]!;
    if (!word.startsWith("-") || word === "-") break;
    next++;
    if (word === "--") break;

    const text = word.slice(word.startsWith("--") ? 2 : 1);
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    const dashes = word.slice(0, word.length - text.length);
    if (name === "" || name.startsWith("-")) {
      const rest = name === "" && equals === 0 ? `=${shown(text.slice(1))}` : shown(name);
      throw new UsageError(`Cannot read the flag: ${dashes}${rest}`, `see ${help}`);
    }
    const spec = specs.find((spec) => spec.name === name);
    if (!spec) {
      throw new UnknownFlagError(`${dashes}${dashes === "-" ? shownAfterDash(name) : shown(name)}`, name, help);
    }

    const meant = spec.meaning ?? name;
    if (equals >= 0) set(meant, text.slice(equals + 1), name);
    else if (spec.boolean) set(meant, "true", name);
    else if (next < words.length) set(meant, words[next++]!, name);
    else throw new UsageError(`The flag needs a value: -${name}`, `write --${name}=value`);
  }
  return { flags, operands: words.slice(next), repeated };
}

/** A flag's name, as far as it is one: a server may stand there as well. */
function shown(name: string): string {
  return /^[\w-]{0,24}$/.test(name) && isPlain(name, 24) ? name : "...";
}

/** Clients of databases take a password right behind their -p. */
function shownAfterDash(name: string): string {
  return /^p./.test(name) ? "p..." : shown(name);
}
