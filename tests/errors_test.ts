import assert from "node:assert/strict";
import {
  LockLostEarlyError,
  LockUnavailableError,
  messageOf,
  troubleOf,
  UnfitServerError,
  UnsafeServerError,
  UsageError,
} from "../lib/errors.ts";

Deno.test("an error's message joins what is wrong and what to do, which stay separate fields", () => {
  const error = new UsageError("Cannot use it: a; b", "leave it out; or not");
  assert.equal(error.message, "Cannot use it: a; b; leave it out; or not");
  assert.equal(error.what, "Cannot use it: a; b");
  assert.equal(error.cure, "leave it out; or not");
  assert.equal(new UsageError("wrong").message, "wrong");
  assert.equal(new UsageError("wrong").cure, undefined);
});

Deno.test("the reason of a server error contains neither the failed action nor the cure", () => {
  const cause = new Error("full");
  const error = UnsafeServerError.on("Server at place", { what: "a; b", cure: "c" }, { transient: true, cause });
  assert.ok(error instanceof UnsafeServerError && error instanceof UnfitServerError);
  assert.equal(error.message, "Cannot lock on Server at place: a; b; c");
  assert.equal(error.reason, "Server at place: a; b");
  assert.equal(error.cure, "c");
  assert.equal(error.transient, true);
  assert.equal(error.cause, cause);
  assert.equal(LockUnavailableError.on("Server", { what: "a" }).transient, false);
  assert.equal(error.where, "Server at place");
  assert.equal(new LockUnavailableError("a", "b").reason, "a");
  assert.equal(new LockLostEarlyError("a", "b").transient, true);
});

Deno.test("anything thrown has a description, and a cure if known", () => {
  const error = new UsageError("wrong", "correct it");
  assert.equal(troubleOf(error), error);
  assert.deepEqual(troubleOf(new Error("a; b")), { what: "a; b" });
});

const SYSTEM_WORDS: readonly (readonly [error: unknown, words: string])[] = [
  [new Error("Not a directory (os error 20): stat '/a/b'"), "Not a directory"],
  [new Error("Not a directory (os error 20): stat '/a\n(b)'"), "Not a directory"],
  [new Error("Failed to spawn '/a': x': Exec format error (os error 8)"), "Exec format error"],
  [new Error("ENOENT: no such file or directory, open '/a, b'"), "no such file or directory"],
  [new Error("EACCES: permission denied, rename '/a\nb' -> '/c'"), "permission denied"],
  [new Error("unknown column, table 'x'"), "unknown column, table 'x'"],
  [new Deno.errors.NotCapable('Requires all access to "/dev/shm"'), "sera cannot open files in /dev, /proc or /sys"],
  ["text", "text"],
];

Deno.test("of a system error the text is shown, but neither its number nor its path", () => {
  for (const [error, words] of SYSTEM_WORDS) assert.equal(messageOf(error), words);
});
