import type { Trouble } from "../errors.ts";
import { parseWait } from "../text/duration.ts";
import { isFile } from "./program_file.ts";

/** Shell syntax. */
const SHELL_TEXT = /[;&|<>$`*?~\\()\n]|^[!{[]|^\[\[|(?:^|\s)#/;

/** Keywords and built-ins of shells. Some are programs too on some systems, where they are simply started. */
const SHELL_WORDS = new Set(
  (". : alias bg bind break builtin case caller cd command compgen complete continue coproc declare dirs disown do done " +
    "elif else enable esac eval exec exit export fc fg fi for function getopts hash history if in jobs let local logout " +
    "mapfile popd pushd read readonly return select set shift shopt source suspend then time times trap type typeset " +
    "ulimit umask unalias unset until wait while").split(" "),
);

/** Units that people write after a wait. */
const UNIT = /^(?:ns|us|ms|[smhd]|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?)$/i;

/** The cure for shell syntax. Do not advise to remove the quotes: only the first command would then run under the lock. */
const ASK_SHELL = "run sh -c with the text";

/**
 * Guesses what was meant by a word that names no program, and tells how to write it; undefined if nothing fits.
 *
 * @param word The command's first word, for which no program was found.
 */
export function whatWasMeant(word: string): Trouble | undefined {
  if (word === "") return notFound("the word is empty: check the variable it comes from");
  if (SHELL_TEXT.test(word)) return notFound(`it is text for a shell, ${ASK_SHELL}`);
  if (word.startsWith("-")) return notFound("flags of sera belong before the wait");
  if (/^(["']).*\1$/s.test(word)) {
    return notFound("the quotes are part of the word; leave them out");
  }
  if (/^\w+=/.test(word)) return notFound("it sets a variable, set variables before sera");
  if (word.endsWith("\r")) {
    return notFound("it ends in a carriage return, as lines from Windows do: remove it from the script or crontab");
  }
  if (word.trim() !== word) {
    return notFound("there is a space around it, which is part of the word: remove it");
  }
  if (SHELL_WORDS.has(word.split(/\s/, 1)[0]!)) {
    return notFound(`it is a shell keyword or built-in, ${ASK_SHELL}`);
  }
  if (/\s/.test(word)) return withSpaces(word);
  if (UNIT.test(word)) {
    return notFound("a unit belongs directly after the number of the wait: 5s, 5m");
  }
  return parseWait(word) === undefined ? undefined : notFound("it looks like a second wait, and one is enough");
}

function notFound(cure: string): Trouble {
  return { what: "not found", cure };
}

/** For a word with spaces: arguments in the same word, unless the spaces are part of a path. */
function withSpaces(word: string): Trouble | undefined {
  const [first] = word.split(/\s/, 1);
  if (!first!.includes("/") || isFile(first!)) {
    return {
      what: "not found, with the arguments in one word",
      cure: `remove the quotes around them, or ${ASK_SHELL}`,
    };
  }
  const spaces = [...word.matchAll(/\s/g)].map(({ index }) => index);
  return spaces.some((end) => isFile(word.slice(0, end)))
    ? { what: "not found, with the arguments in one word", cure: "put the quotes around the path only" }
    : { what: "no such file", cure: "check the path, and that its arguments are words of their own" };
}
