import assert from "node:assert/strict";
import { localTime, timeFormatAt, utcTime } from "../../lib/text/time.ts";
import { inZone } from "./zone.ts";

/** A moment in the European winter. */
const WINTER = Date.UTC(2026, 10, 26, 5, 4, 3, 999);
const SUMMER = Date.UTC(2026, 5, 30, 23, 59, 59);

Deno.test("a moment is shown in UTC, truncated to the second", () => {
  assert.equal(utcTime(0), "1970-01-01 00:00:00Z");
  assert.equal(utcTime(WINTER), "2026-11-26 05:04:03Z");
});

for (
  const [zone, winter, summer] of [
    ["Europe/Berlin", "2026-11-26 06:04:03+01", "2026-07-01 01:59:59+02"],
    ["America/New_York", "2026-11-26 00:04:03-05", "2026-06-30 19:59:59-04"],
    ["Asia/Kolkata", "2026-11-26 10:34:03+05:30", "2026-07-01 05:29:59+05:30"],
    ["America/St_Johns", "2026-11-26 01:34:03-03:30", "2026-06-30 21:29:59-02:30"],
    ["UTC", "2026-11-26 05:04:03Z", "2026-06-30 23:59:59Z"],
  ] as const
) {
  Deno.test(`a moment in the zone ${zone}`, () => {
    using _ = inZone(zone);
    assert.equal(localTime(WINTER), winter);
    assert.equal(localTime(SUMMER), summer);
  });
}

Deno.test("moments are local at a terminal only", () => {
  using _ = inZone("Asia/Kolkata");
  assert.equal(timeFormatAt(80)(WINTER), "2026-11-26 10:34:03+05:30");
  assert.equal(timeFormatAt(undefined)(WINTER), "2026-11-26 05:04:03Z");
});
