import assert from "node:assert/strict";
import { wrapped, wrappedAt } from "../../lib/text/wrapped.ts";

Deno.test("a text is wrapped at blanks, and a word that is too long stays whole", () => {
  assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapped("one two three", 80), ["one two three"]);
  assert.deepEqual(wrapped("a /very/long/path b", 5), ["a", "/very/long/path", "b"]);
  assert.deepEqual(wrapped("報告 報告", 8), ["報告", "報告"]);
  assert.deepEqual(wrapped("報告 報告", 9), ["報告 報告"]);
  assert.deepEqual(wrapped("", 5), [""]);
});

Deno.test("a line is wrapped at a terminal only", () => {
  assert.equal(wrappedAt("one two three", 7), "one two\nthree");
  assert.equal(wrappedAt("one two three", undefined), "one two three");
});
