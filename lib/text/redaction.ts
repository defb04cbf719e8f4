/** Which texts a message may repeat: those without a password, even if a user has put a server in the wrong place. */

/** Words and numbers, without the characters that separate the parts of a DSN, a URL or a setting. */
const PLAIN = String.raw`^[\p{L}\p{N}\s_.,+;"\x60-]*$`;

/** The longest name of a user or a database that any server allows, in characters. */
export const MAX_NAME_LENGTH = 80;

/** The longest word that a message repeats: long enough for a mistyped word, shorter than most tokens and keys. */
const MAX_WORD_LENGTH = 16;

/** A path of plain names. A server contains a colon, an @, a bracket or an equals sign, or these as percent escapes. */
const PLAIN_PATH = String.raw`^(?:[A-Za-z]:(?=[\\/]))?[\p{L}\p{N}_.,+~ \\/-]+$`;

/** What a message says in place of such a text. */
export const NOT_SHOWN = "(not shown, since it may hold a password)";

/** Whether a message may repeat the text. */
export function isPlain(text: string, longest = MAX_WORD_LENGTH): boolean {
  return text.length <= longest && matches(text, /^[\w .-]*$/, PLAIN);
}

/** The text if a message may repeat it, in quotes if blanks would be overlooked; otherwise {@linkcode NOT_SHOWN}. */
export function plainOr(text: string, longest = MAX_WORD_LENGTH): string {
  if (!isPlain(text, longest)) return NOT_SHOWN;
  // An empty text, and blanks around one, cannot be seen.
  return text !== "" && text === text.trim() ? text : `"${text}"`;
}

/** A path, or the substitute if it may be a server that somebody put in its place. */
export function pathOr(path: string, substitute = NOT_SHOWN): string {
  return matches(path, /^[\w ./-]+$/, PLAIN_PATH) || isPath(path) && !mayBeServer(path) && !/\p{C}/u.test(path)
    ? path
    : substitute;
}

/** Whether the text begins like a path, and is not a URL. */
export function isPath(text: string): boolean {
  return /^(?:[./]|[A-Za-z]:[\\/])/.test(text) && !text.includes("://");
}

/** A Go DSN, a URL, and libpq keywords, each with a password. */
const WITH_PASSWORD = [
  /^(?:[\w-]+=)?[^\s:@]*:[^@]*@(?:tcp|unix)?\(.*\)\//is,
  /^\w+:\/\/[^/@]*:[^/@]*@/i,
  /\bpassword\s*=\s*\S/i,
];

/** Whether the text is almost certainly a server with a password. */
export function isServerWithPassword(text: string): boolean {
  return WITH_PASSWORD.some((form) => form.test(text));
}

/** Whether the text may be a server, or part of one, with a password. */
export function mayBeServer(text: string): boolean {
  // A quick test that is enough for most words.
  if (!/[:@=%]/.test(text)) return false;
  const decoded = text.replace(/%[0-9a-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  return /:.*@|:\/\/|@\w*\(|pass\w*\s*=/is.test(decoded);
}

/**
 * Whether a text matches a Unicode pattern. To compile one takes a third of a millisecond, so a simpler one is tried first.
 *
 * @param common A pattern that most texts match; it must match nothing that `pattern` does not.
 */
export function matches(text: string, common: RegExp, pattern: string): boolean {
  return common.test(text) || new RegExp(pattern, "u").test(text);
}
