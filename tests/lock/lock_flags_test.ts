import assert from "node:assert/strict";
import { lockFlagsOf } from "../../lib/lock/lock_flags.ts";

Deno.test("a named lock is described by its flags; an unnamed one has none", () => {
  assert.equal(lockFlagsOf({ name: "n" }), "--name n");
  assert.equal(lockFlagsOf({ namespace: "a b", name: "it's" }), `--namespace 'a b' --name 'it'\\''s'`);
  assert.equal(lockFlagsOf({}), undefined);
  assert.equal(lockFlagsOf({ namespace: "a" }), undefined);
});
