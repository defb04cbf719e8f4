import assert from "node:assert/strict";
import { identityOf } from "../../lib/lock/lock_identity.ts";

Deno.test("by default a lock belongs to the command's words, and is labelled by the first", () => {
  const identity = identityOf(["ls", "-ltra"], {});
  assert.deepEqual(identity, { key: "ls -ltra", name: "5373fa7de6f7dd54052abf86b3a53da4", title: "ls" });
});

Deno.test("a named lock is the same for all commands", () => {
  const named = identityOf(["ls", "-ltra"], { name: "nightly" });
  assert.deepEqual([named.key, named.title], ["nightly", "nightly"]);
  assert.deepEqual(identityOf([], { name: "nightly" }), named);
});

Deno.test("a namespace gives the same key another name", () => {
  const { key, name, title } = identityOf([], { namespace: "jobs", name: "nightly" });
  assert.deepEqual([key, title], ["nightly", "nightly"]);
  assert.match(name, /^-?\d+,-?\d+$/);
});
