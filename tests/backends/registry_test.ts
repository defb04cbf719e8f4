import assert from "node:assert/strict";
import { addKind, hasNoPassword } from "../../lib/backends/registry.ts";

const KIND = { form: "new://", begins: /^new:/, load: () => Promise.reject(new Error("loaded")) };

Deno.test("the server setting of a new backend is treated as secret", () => {
  using _ = addKind(KIND);
  assert.equal(hasNoPassword("new://host"), false);
});

Deno.test("a new backend can declare which of its settings hold no password", () => {
  using _ = addKind({ ...KIND, withoutPassword: "^new://\\w+$" });
  assert.equal(hasNoPassword("new://HOST"), true);
  assert.equal(hasNoPassword("new://user:secret@host"), false);
});

Deno.test("one backend's pattern does not apply to another's settings", () => {
  using _ = addKind({ ...KIND, withoutPassword: "." });
  assert.equal(hasNoPassword("user:secret@tcp(host)/"), false);
});
