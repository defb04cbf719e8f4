import assert from "node:assert/strict";
import { limitOf, systemCure } from "../../lib/system/limits.ts";

const errorWith = (code: unknown) => Object.assign(new Error("/home/u/secret"), { code });

Deno.test("a system limit is reported in sera's words, with a cure", () => {
  for (const code of ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS", "ESTALE"]) {
    const trouble = limitOf(errorWith(code));
    assert.ok(trouble?.what && trouble.cure, code);
    assert.doesNotMatch(`${trouble.what} ${trouble.cure}`, /secret/);
    assert.equal(systemCure(errorWith(code)), trouble.cure);
  }
});

Deno.test("an error of unclear origin gets only a cure; others, and values that are not errors, get none", () => {
  assert.equal(limitOf(errorWith("EIO")), undefined);
  assert.ok(systemCure(errorWith("EIO")));
  for (
    const error of [errorWith("ENOENT"), errorWith(7), errorWith("toString"), new Error("x"), undefined, null, "EMFILE"]
  ) {
    assert.equal(limitOf(error), undefined);
    assert.equal(systemCure(error), undefined);
  }
});
