import assert from "node:assert/strict";
import {
  exactFrom,
  MAX_TEXT_LENGTH,
  numberForJson,
  pidFrom,
  textFrom,
  timeFrom,
  wholeFrom,
} from "../../lib/text/untrusted.ts";

/** Values that no reader accepts. */
const INVALID = [undefined, null, true, {}, [], NaN, Infinity, Symbol("s"), () => 1];

Deno.test("a text is unchanged up to the maximum length", () => {
  for (const text of ["", "a", "é漢😀", "x".repeat(MAX_TEXT_LENGTH), "😀".repeat(MAX_TEXT_LENGTH)]) {
    assert.equal(textFrom(text), text);
    assert.equal(textFrom(new TextEncoder().encode(text)), text);
  }
  for (const letter of ["x", "😀"]) {
    const text = textFrom(letter.repeat(1_000_000))!;
    assert.equal(text, `${letter.repeat(MAX_TEXT_LENGTH - 3)}...`);
  }
  assert.equal(textFrom(7), "7");
  assert.equal(textFrom(7n), "7");
  assert.equal(textFrom("a\ud800b"), "a\ufffdb");
  assert.equal(textFrom(new Uint8Array([97, 0xff])), "a\ufffd");
  for (const value of [undefined, null, true, {}, []]) assert.equal(textFrom(value), undefined);
});

Deno.test("a number is whole and exact, or rejected", () => {
  for (const value of [0, 7, "7", 7n, "0007"]) assert.equal(wholeFrom(value), Number(value));
  for (const value of [...INVALID, -1, "-1", 0.5, "0.5", "", " 7", "7a", "1e3", 2 ** 53, "9007199254740993"]) {
    assert.equal(wholeFrom(value), undefined, String(value));
  }
  assert.equal(exactFrom("9007199254740993"), 9007199254740993n);
  assert.equal(exactFrom("-7"), -7n);
  for (const value of [...INVALID, 2 ** 53, "1".repeat(21), "7.0"]) {
    assert.equal(exactFrom(value), undefined, String(value));
  }
  assert.deepEqual([1, 2 ** 32 - 1, 0, 2 ** 32].map(pidFrom), [1, 2 ** 32 - 1, undefined, undefined]);
});

Deno.test("a moment is between 1970 and the year 9999, in milliseconds", () => {
  const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  for (const [value, time] of [[0, 0], ["0", 0], [1.6, 2], ["1764000000000.4", 1_764_000_000_000], [latest, latest]]) {
    assert.equal(timeFrom(value), time);
  }
  for (const value of [...INVALID, "", -1, latest + 1, "soon", 7n]) {
    assert.equal(timeFrom(value), undefined, String(value));
  }
});

Deno.test("in JSON a number stays a number as long as every program reads it exactly", () => {
  assert.equal(numberForJson(9007199254740991n), 9007199254740991);
  assert.equal(numberForJson(9007199254740992n), "9007199254740992");
  assert.equal(numberForJson(-1n), "-1");
});
