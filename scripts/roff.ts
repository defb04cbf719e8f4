/**
 * The little of roff that a manual page needs, made from lines of plain text.
 *
 * @module
 */

/** What a text mentions that is to be typed as it stands: flags, sera's variables, paths. */
const TYPED = /--(?:[a-z][a-z-]*)?|\bSERA_[A-Z_]+\b|(?<![\w:/])~?(?:\/[\w.-]*\w)+/;

/** What stands for a value. */
const VALUE = /<[a-z]+>/;

/** Text without anything that roff would take for an escape, or print as another character. */
function plain(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "\\": "\\e", "~": "\\[ti]", "^": "\\[ha]", "`": "\\[ga]" };
  return text.replace(/[\\~^`]/g, (character) => escapes[character]!);
}

/** What is to be typed as it stands, in bold; its hyphens and quotes are those of the keyboard. */
export function typed(text: string): string {
  return `\\fB${plain(text).replaceAll("-", "\\-").replaceAll("'", "\\[aq]")}\\fR`;
}

/** What stands for a value, in italics. */
export function value(text: string): string {
  return `\\fI${plain(text)}\\fR`;
}

/** A line of text; what it mentions of flags, variables, paths and values stands out. */
export function prose(line: string): string {
  const parts = line.split(new RegExp(`(${TYPED.source}|${VALUE.source})`));
  const roff = parts.map((part, index) => {
    // Every second part is what the others were split by.
    if (index % 2 === 0) return plain(part);
    return VALUE.test(part) ? value(part.slice(1, -1)) : typed(part);
  }).join("");
  // At the beginning of a line these begin a request.
  return roff.replace(/^[.']/, "\\&$&");
}

/** A command line: what begins with dashes is typed, the other words stand for values. */
export function usage(text: string): string {
  return text.replace(/--[a-z-]*|<?[A-Za-z]+>?/g, (word) => {
    return word.startsWith("--") ? typed(word) : value(word.replace(/[<>]/g, ""));
  });
}

/** A paragraph with a tag that sticks out on its left. */
export function tagged(tag: string, body: readonly string[]): readonly string[] {
  return [".TP", tag, ...body];
}

/**
 * Text in paragraphs, from lines with blank ones between. A line in two columns, with two blanks or more between them, is
 * one of a list.
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
