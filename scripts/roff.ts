/**
 * The few parts of roff that a manual page needs, made from lines of plain text.
 *
 * @module
 */

/** Literal text: flags, sera's variables, paths. */
const TYPED = /--(?:[a-z][a-z-]*)?|\bSERA_[A-Z_]+\b|(?<![\w:/])~?(?:\/[\w.-]*\w)+/;

/** A placeholder for a value. */
const VALUE = /<[a-z]+>/;

/** Text in which what roff would take for an escape, or print as another character, is escaped. */
function plain(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "\\": "\\e", "~": "\\[ti]", "^": "\\[ha]", "`": "\\[ga]" };
  return text.replace(/[\\~^`]/g, (character) => escapes[character]!);
}

/** Literal text in bold, with ASCII hyphens and quotes. */
export function typed(text: string): string {
  return `\\fB${plain(text).replaceAll("-", "\\-").replaceAll("'", "\\[aq]")}\\fR`;
}

/** A placeholder for a value, in italics. */
export function value(text: string): string {
  return `\\fI${plain(text)}\\fR`;
}

/** A line of text, in which flags, variables, paths and placeholders stand out. */
export function prose(line: string): string {
  const parts = line.split(new RegExp(`(${TYPED.source}|${VALUE.source})`));
  const roff = parts.map((part, index) => {
    // Every second part is a match of the pattern that the line was split by.
    if (index % 2 === 0) return plain(part);
    return VALUE.test(part) ? value(part.slice(1, -1)) : typed(part);
  }).join("");
  // A line that begins with one of these would be a request.
  return roff.replace(/^[.']/, "\\&$&");
}

/** A command line: what begins with dashes is typed, the other words are placeholders. */
export function usage(text: string): string {
  return text.replace(/--[a-z-]*|<?[A-Za-z]+>?/g, (word) => {
    return word.startsWith("--") ? typed(word) : value(word.replace(/[<>]/g, ""));
  });
}

/** An indented paragraph, with a tag before it that is not indented. */
export function tagged(tag: string, body: readonly string[]): readonly string[] {
  return [".TP", tag, ...body];
}

/**
 * Text in paragraphs, from lines with empty ones between. A line in two columns, with two blanks or more between them,
 * is an item of a list.
 */
export function text(lines: readonly string[]): readonly string[] {
  let isInList = false;
  const roff = lines.flatMap((line) => {
    const [, tag, meaning] = /^ *(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
    const item = tag !== undefined && meaning !== undefined;
    const edge = item === isInList ? [] : [item ? ".RS" : ".RE"];
    isInList = item;
    if (item) return [...edge, ...tagged(typed(tag), [prose(meaning)])];
    return [...edge, line === "" ? ".PP" : prose(line)];
  });
  return isInList ? [...roff, ".RE"] : roff;
}
