import assert from "node:assert/strict";
import { identityOf } from "../../lib/lock/lock_identity.ts";

Deno.test("a lock is that of a command's words, and is called by the first of them", () => {
  const identity = identityOf(["ls", "-ltra"], {});
  assert.deepEqual(identity, { key: "ls -ltra", name: "5373fa7de6f7dd54052abf86b3a53da4", title: "ls" });
});

Deno.test("a lock that is named is the same for all words", () => {
  const named = identityOf(["ls", "-ltra"], { name: "nightly" });
  assert.deepEqual([named.key, named.title], ["nightly", "nightly"]);
  assert.deepEqual(identityOf([], { name: "nightly" }), named);
});

Deno.test("a namespace makes another name of the same key", () => {
  const { key, name, title } = identityOf([], { namespace: "jobs", name: "nightly" });
  assert.deepEqual([key, title], ["nightly", "nightly"]);
  assert.match(name, /^-?\d+,-?\d+$/);
});
