import assert from "node:assert/strict";
import { UsageError, verdictOf } from "../lib/errors.ts";

/** Throws what nobody foresaw. */
function fails(error: unknown): never {
  throw error;
}

function thrown(error: () => unknown): unknown {
  try {
    return fails(error());
  } catch (error) {
    return error;
  }
}

const UNEXPECTED: readonly (() => unknown)[] = [
  () => new Error("u:secret@tcp(h)/"),
  () => new TypeError("secret\n    at secret (file:///secret.ts:1:2)\n    at secret"),
  () => new Deno.errors.InvalidData('environment variable was not valid unicode: "secret"'),
  () => Object.assign(new Error("open '/secret'"), { code: "EIO" }),
  () => Object.assign(new Error("x"), { code: "secret" }),
];

Deno.test("an unexpected error is told by its kind and its place, never by its message", () => {
  for (const error of UNEXPECTED) {
    const { message, exitCode } = verdictOf(thrown(error));
    assert.equal(exitCode, 202);
    assert.match(message, /^Unexpected error, please report it: \w+( \(EIO\))? at [^\n]*errors_test\.ts:\d+:\d+/);
    assert.doesNotMatch(message, /secret/);
  }
  assert.match(verdictOf(thrown(UNEXPECTED[3]!)).message, /: Error \(EIO\) at /);
});

Deno.test("what is no error is told by its type only", () => {
  assert.equal(verdictOf("secret").message, "Unexpected error, please report it: a string was thrown");
});

Deno.test("an error of sera's own is told as it is", () => {
  const error = new UsageError("wrong");
  assert.equal(verdictOf(error), error);
});
