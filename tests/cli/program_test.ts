import assert from "node:assert/strict";
import { PERMISSIONS } from "./program.ts";

Deno.test("scripts/sera gives the program the permissions that it is tested with", async () => {
  const script = await Deno.readTextFile(`${import.meta.dirname}/../../scripts/sera`);
  assert.deepEqual(script.match(/--(no-prompt|(allow|deny|unstable)-[a-z-]+)/g), PERMISSIONS);
});
