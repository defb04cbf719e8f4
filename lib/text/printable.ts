/** Printable ASCII, which most texts consist of. */
const PLAIN = /^[ -~]*$/;

/**
 * Characters that could control a terminal or deceive a reader, by their Unicode properties: control characters, invisible
 * ones (marks that reverse the direction of text, zero-width characters, tags), line breaks, half surrogate pairs. The
 * first group captures the characters that join an emoji, which are kept.
 */
const UNPRINTABLE = String.raw`((?<=\p{ExtPict}[\p{EMod}\ufe0f]?)\u200d(?=\p{ExtPict})|(?<=\p{ExtPict})\ufe0f)` +
  String.raw`|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]`;

/** Compiled only when needed, since that takes a third of a millisecond. */
let unprintable: RegExp | undefined;

/** The text with unprintable characters replaced by blanks, several in a row by one. */
export function printable(text: string): string {
  return replaced(text, () => "\0").replaceAll(/\0+/g, " ");
}

/** A value as JSON on one line, with escapes for all unprintable characters. */
export function printableJson(value: unknown): string {
  return replaced(JSON.stringify(value), escaped);
}

function replaced(text: string, substitute: (character: string) => string): string {
  if (PLAIN.test(text)) return text;
  unprintable ??= new RegExp(UNPRINTABLE, "gu");
  return text.replace(unprintable, (character, joins?: string) => joins ?? substitute(character));
}

/** A JSON escape; a character beyond 16 bits becomes a surrogate pair. */
function escaped(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
