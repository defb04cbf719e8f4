import assert from "node:assert/strict";
import { addKind, hasNoPassword } from "../../lib/backends/registry.ts";

const KIND = { form: "new://", begins: /^new:/, load: () => Promise.reject(new Error("loaded")) };

Deno.test("the settings of a new place may hold a password", () => {
  using _ = addKind(KIND);
  assert.equal(hasNoPassword("new://host"), false);
});

Deno.test("a new place says which of its settings surely hold no password", () => {
  using _ = addKind({ ...KIND, withoutPassword: "^new://\\w+$" });
  assert.equal(hasNoPassword("new://HOST"), true);
  assert.equal(hasNoPassword("new://user:secret@host"), false);
});

Deno.test("a place's pattern says nothing of the settings of others", () => {
  using _ = addKind({ ...KIND, withoutPassword: "." });
  assert.equal(hasNoPassword("user:secret@tcp(host)/"), false);
});
