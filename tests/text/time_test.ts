import assert from "node:assert/strict";
import { timeOf } from "../../lib/text/time.ts";

Deno.test("a moment is told in UTC, to the second, cut off", () => {
  assert.equal(timeOf(0), "1970-01-01 00:00:00Z");
  assert.equal(timeOf(Date.UTC(2026, 10, 26, 5, 4, 3, 999)), "2026-11-26 05:04:03Z");
});
