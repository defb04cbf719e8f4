import assert from "node:assert/strict";
import { ago, roughSpan } from "../../lib/text/age.ts";

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3600_000, 24 * 3600_000];

const SPANS: readonly (readonly [number, string, string])[] = [
  [0, "0 s", "0 s ago"],
  [999, "0 s", "0 s ago"],
  [-5 * SECOND, "0 s", "0 s ago"],
  [SECOND, "1 s", "1 s ago"],
  [MINUTE - 1, "59 s", "59 s ago"],
  [MINUTE, "1 min", "1 min ago"],
  [3 * MINUTE + 20 * SECOND, "3 min 20 s", "3 min ago"],
  [HOUR - 1, "59 min 59 s", "59 min ago"],
  [HOUR + 59 * SECOND, "1 h", "1 h ago"],
  [2 * HOUR + 5 * MINUTE, "2 h 5 min", "2 h ago"],
  [DAY - 1, "23 h 59 min", "23 h ago"],
  [DAY + 4 * HOUR + 30 * MINUTE, "1 d 4 h", "1 d ago"],
  [400 * DAY, "400 d", "400 d ago"],
];

for (const [ms, span, past] of SPANS) {
  Deno.test(`${ms} ms are shown as ${span}, and as ${past}`, () => {
    assert.equal(roughSpan(ms), span);
    assert.equal(ago(1_700_000_000_000, 1_700_000_000_000 + ms), past);
  });
}
