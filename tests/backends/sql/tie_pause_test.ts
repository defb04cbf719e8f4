import assert from "node:assert/strict";
import { tiePause } from "../../../lib/backends/sql/tie_pause.ts";
import { fixedRandom } from "../../fixed_random.ts";

Deno.test("pauses after ties get longer, up to two seconds", () => {
  using _random = fixedRandom(0.5);
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 10].map(tiePause), [50, 100, 200, 400, 800, 1000, 1000, 1000]);
});
