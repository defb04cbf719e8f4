import assert from "node:assert/strict";
import { printable, printableJson } from "../../lib/text/printable.ts";

/** One of each kind that Unicode knows of what controls a terminal or deceives a reader. */
const DECEPTIVE: Record<string, string> = {
  "a control character": "\x1b",
  "a control character of Latin-1": "\x9b",
  "a left-to-right mark": "\u200e",
  "a right-to-left mark": "\u200f",
  "an Arabic letter mark": "\u061c",
  "an embedding": "\u202a",
  "an override": "\u202e",
  "an isolate": "\u2067",
  "a line separator": "\u2028",
  "a paragraph separator": "\u2029",
  "a soft hyphen": "\u00ad",
  "a zero-width space": "\u200b",
  "a zero-width joiner between letters": "\u200d",
  "a word joiner": "\u2060",
  "an invisible plus": "\u2064",
  "a byte order mark": "\ufeff",
  "an interlinear annotation": "\ufff9",
  "a Hangul filler": "\u3164",
  "a combining grapheme joiner": "\u034f",
  "a variation selector behind a letter": "\ufe0f",
  "a variation selector beyond 16 bits": "\u{e0100}",
  "a tag": "\u{e0041}",
  "the first half of a surrogate pair": "\ud800",
  "the second half of a surrogate pair": "\udc00",
};

for (const [what, character] of Object.entries(DECEPTIVE)) {
  Deno.test(`${what} becomes a blank in text, and an escape in JSON`, () => {
    const text = `a${character}b`;
    assert.equal(printable(text), "a b");
    assert.equal(printable(`${text}${character}${character}c`), "a b c");
    const json = printableJson({ text });
    assert.match(json, /^[ -~]*$/);
    assert.deepEqual(JSON.parse(json), { text });
  });
}

Deno.test("letters, signs and emoji of all scripts are unchanged", () => {
  const texts = [
    "",
    "plain text",
    "Grüße",
    "日本語",
    "हिन्दी",
    "עברית",
    "e\u0301",
    "€ £",
    "👍🏽",
    "👩‍🚀",
    "👩🏽‍🚀",
    "👨‍👩‍👧‍👦",
    "❤️",
    "❤️‍🔥",
  ];
  for (const text of texts) {
    assert.equal(printable(text), text);
    assert.equal(printableJson(text), JSON.stringify(text));
  }
});
