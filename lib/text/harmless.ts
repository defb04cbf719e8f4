/** What may be repeated in a message: text that is known to hold no secret, however it came to where it stands. */

/** Words and numbers. What separates the parts of a server, of a URL or of a setting is not among them. */
const PLAIN = String.raw`^[\p{L}\p{N}\s_.,+;"\x60-]*$`;

/** No name of a user or of a database is longer on any server. */
export const LONGEST_NAME = 80;

/** Longer than a word that somebody mistypes; most tokens and keys are longer. */
const LONGEST_WORD = 16;

/** A path of plain names. A server has a colon, an @, a bracket or an equals sign, and in an odd spelling a percent sign. */
const PLAIN_PATH = String.raw`^(?:[A-Za-z]:(?=[\\/]))?[\p{L}\p{N}_.,+~ \\/-]+$`;

/** What stands in a message where the value does not. */
export const NOT_SHOWN = "(not shown, since it may hold a password)";

/** Whether a message may repeat the text. */
export function isPlain(text: string, longest = LONGEST_WORD): boolean {
  return text.length <= longest && matches(text, /^[\w .-]*$/, PLAIN);
}

/** The text, quoted if it is empty, or words in its place. */
export function plainOr(text: string, longest = LONGEST_WORD): string {
  if (!isPlain(text, longest)) return NOT_SHOWN;
  // Nothing, and blanks around something, cannot be seen.
  return text !== "" && text === text.trim() ? text : `"${text}"`;
}

/** A path, or words in its place where somebody may have written a server instead. */
export function pathOr(path: string, substitute = NOT_SHOWN): string {
  return matches(path, /^[\w ./-]+$/, PLAIN_PATH) || isPath(path) && !mayBeServer(path) && !/\p{C}/u.test(path)
    ? path
    : substitute;
}

/** Whether the text begins as a path does, and as no server. */
export function isPath(text: string): boolean {
  return /^(?:[./]|[A-Za-z]:[\\/])/.test(text) && !text.includes("://");
}

/** A Go DSN, a URL, and libpq's keywords, each with a password in it. */
const WITH_PASSWORD = [
  /^(?:[\w-]+=)?[^\s:@]*:[^@]*@(?:tcp|unix)?\(.*\)\//is,
  /^\w+:\/\/[^/@]*:[^/@]*@/i,
  /\bpassword\s*=\s*\S/i,
];

/** Whether the text can hardly be anything else than a server with a password in it. */
export function isServerWithPassword(text: string): boolean {
  return WITH_PASSWORD.some((form) => form.test(text));
}

/** Whether the text may be a server, or a piece of one, with a password in it. */
export function mayBeServer(text: string): boolean {
  // Most words have nothing of the kind.
  if (!/[:@=%]/.test(text)) return false;
  const decoded = text.replace(/%[0-9a-f]{2}/gi, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));
  return /:.*@|:\/\/|@\w*\(|pass\w*\s*=/is.test(decoded);
}

/**
 * Whether a text matches a pattern with letters of any script, which takes the runtime a third of a millisecond to make.
 *
 * @param common What most texts match, and all that do match the pattern too.
 */
export function matches(text: string, common: RegExp, pattern: string): boolean {
  return common.test(text) || new RegExp(pattern, "u").test(text);
}
