import assert from "node:assert/strict";
import { LockUnavailableError, SeraFailedError, UsageError } from "../../lib/errors.ts";
import { afterTheEnd, failedWhileRunning, verdictOf } from "../../lib/log/verdict.ts";

/** Throws an unexpected error. */
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

Deno.test("an unexpected error is described by its class and place, never by its message", () => {
  for (const error of UNEXPECTED) {
    const { message, exitCode } = verdictOf(thrown(error));
    assert.equal(exitCode, 202);
    assert.match(message, /^Unexpected error, please report it: \w+( \(EIO\))? at [^\n]*verdict_test\.ts:\d+:\d+/);
    assert.doesNotMatch(message, /secret/);
  }
  assert.match(verdictOf(thrown(UNEXPECTED[3]!)).message, /: Error \(EIO\) at /);
});

Deno.test("a thrown value that is not an error is described by its type only", () => {
  assert.equal(verdictOf("secret").message, "Unexpected error, please report it: a string was thrown");
});

Deno.test("sera's own errors are passed on unchanged", () => {
  const error = new UsageError("wrong");
  assert.equal(verdictOf(error), error);
});

const LIMITS: Readonly<Record<string, RegExp>> = {
  EMFILE: /^Cannot go on: too many open files; raise /,
  ENFILE: /^Cannot go on: too many open files in the system; raise /,
  EAGAIN: /^Cannot go on: no process can be started; raise /,
  ENOMEM: /^Cannot go on: no memory is left; raise /,
  ENOSPC: /^Cannot go on: no space is left on the disk; free some space /,
  EDQUOT: /^Cannot go on: the disk quota is used up; free some space/,
  EROFS: /^Cannot go on: the file system is read-only; name /,
  ESTALE: /^Cannot go on: a network file system has lost the file; mount /,
};

Deno.test("a system limit is reported as such, without the error's message", () => {
  for (const [code, says] of Object.entries(LIMITS)) {
    const error = Object.assign(new Error("open '/secret'"), { code });
    const { message, exitCode } = verdictOf(error);
    assert.equal(exitCode, 202);
    assert.match(message, says);
    const failed = failedWhileRunning(error).message;
    assert.match(failed, /^Cannot go on while the command runs: [^;]+; [^;]+$/);
    assert.doesNotMatch(message + failed, /secret|report it/);
  }
});

Deno.test("sera's own failure while the command ran keeps its cure, and counts as unexpected", () => {
  const error = failedWhileRunning(new LockUnavailableError("Server: gone", "check it"));
  assert.ok(error instanceof SeraFailedError);
  assert.equal(error.exitCode, 208);
  assert.equal(error.what, "Unexpected error while the command ran, please report it: Server: gone");
  assert.equal(error.cure, "check it");
});

Deno.test("an error after the command's end is reported in full", () => {
  assert.equal(afterTheEnd(new UsageError("wrong", "correct it")), "wrong; correct it; the command had already ended");
});
