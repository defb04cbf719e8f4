/** What every terminal shows as it is; most texts are nothing else. */
const PLAIN = /^[ -~]*$/;

/**
 * What would control a terminal or deceive a reader, by what Unicode says of it: control characters, and what has no shape
 * of its own, such as a mark that turns text round, a zero-width character, a tag; what breaks lines; half a surrogate
 * pair. What joins an emoji is in the first group.
 */
const UNPRINTABLE = String.raw`((?<=\p{ExtPict}[\p{EMod}\ufe0f]?)\u200d(?=\p{ExtPict})|(?<=\p{ExtPict})\ufe0f)` +
  String.raw`|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]`;

/** Made when it is needed: the runtime takes a third of a millisecond for that. */
let unprintable: RegExp | undefined;

/** Text without what would control a terminal or deceive a reader. */
export function printable(text: string): string {
  return replaced(text, () => "\0").replaceAll(/\0+/g, " ");
}

/** A value as JSON in one line, with escapes for what JSON lets be and a terminal does not. */
export function printableJson(value: unknown): string {
  return replaced(JSON.stringify(value), escaped);
}

function replaced(text: string, substitute: (character: string) => string): string {
  if (PLAIN.test(text)) return text;
  unprintable ??= new RegExp(UNPRINTABLE, "gu");
  return text.replace(unprintable, (character, joins?: string) => joins ?? substitute(character));
}

/** As JSON has it: a character beyond 16 bits is a pair. */
function escaped(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
