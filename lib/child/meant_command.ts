import { parseWait } from "../text/duration.ts";
import { isFile } from "./program_file.ts";

/** What only a shell understands; a blank before it or not. */
const SHELL_TEXT = /[;&|<>$`*?~\\()\n]|^[!{[]|^\[\[|(?:^|\s)#/;

/** Words that the shell itself knows. Some of them are programs on some systems, which then are started. */
const SHELL_WORDS = new Set(
  (". : alias bg bind break builtin case caller cd command compgen complete continue coproc declare dirs disown do done " +
    "elif else enable esac eval exec exit export fc fg fi for function getopts hash history if in jobs let local logout " +
    "mapfile popd pushd read readonly return select set shift shopt source suspend then time times trap type typeset " +
    "ulimit umask unalias unset until wait while").split(" "),
);

/** What a wait may be counted in, as people write it. */
const UNIT = /^(?:ns|us|ms|[smhd]|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?)$/i;

/** Only the shell makes several commands, or anything else, of such a text: without quotes a part would run without the lock. */
const ASK_SHELL = "run sh -c and the text";

/**
 * Why a word is the name of no program, where it looks like something else; undefined where it does not.
 *
 * @param word What was to be started, and is not there.
 */
export function whatWasMeant(word: string): string | undefined {
  if (word === "") return "not found; the word is empty: check the variable that it is from";
  if (SHELL_TEXT.test(word)) return `not found; it is text for a shell, ${ASK_SHELL}`;
  if (word.startsWith("-")) return "not found; flags of sera belong before the wait";
  if (/^(["']).*\1$/s.test(word)) return "not found; the quotes are a part of the word, leave them out";
  if (/^\w+=/.test(word)) return "not found; it sets a variable, set variables before sera";
  if (word.endsWith("\r")) {
    return "not found; it ends in a carriage return, as lines from Windows do: take it out of the script or crontab";
  }
  if (word.trim() !== word) return "not found; there is a blank around it, which is a part of the word: take that out";
  if (SHELL_WORDS.has(word.split(/\s/, 1)[0]!)) return `not found; it is a word of the shell, ${ASK_SHELL}`;
  if (/\s/.test(word)) return ofSeveral(word);
  if (UNIT.test(word)) return "not found; a unit belongs to the number of the wait, without a blank: 5s, 5m";
  return parseWait(word) === undefined ? undefined : "not found; it looks like a second wait, and one is enough";
}

/** A path may have blanks of its own. */
function ofSeveral(word: string): string | undefined {
  const [first] = word.split(/\s/, 1);
  if (!first!.includes("/") || isFile(first!)) {
    return `not found, with the arguments in one word; leave the quotes around them out, or ${ASK_SHELL}`;
  }
  const blanks = [...word.matchAll(/\s/g)].map(({ index }) => index);
  return blanks.some((end) => isFile(word.slice(0, end)))
    ? "not found, with the arguments in one word; put the quotes around the path only"
    : "no such file; check the path, and that its arguments are words of their own";
}
