import assert from "node:assert/strict";
import { roundTripFinding, timeAnswers } from "../../lib/doctor/round_trip.ts";

Deno.test("a run's time in round trips is reported, as text and as numbers", () => {
  assert.deepEqual(roundTripFinding(0.4, { login: 3, run: 3, ledger: 2 }), {
    found: "0.40ms (median of 9); a run takes 6 round trips, about 2.4ms, and with the ledger 8, about 3.2ms",
    figures: { milliseconds: 0.4, round_trips: 6, round_trips_with_ledger: 8 },
  });
});

Deno.test("if the number of round trips is unknown, only their time is reported", () => {
  assert.deepEqual(roundTripFinding(12.34567, undefined), {
    found: "12.35ms (median of 9)",
    figures: { milliseconds: 12.346 },
  });
});

Deno.test("each answer is awaited before the next request", async () => {
  let [asked, open] = [0, 0];
  const { found } = await timeAnswers(async () => {
    asked++;
    assert.equal(++open, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    open--;
  }, undefined);
  assert.equal(asked, 9);
  assert.match(found, /^\d+\.\d\dms \(median of 9\)$/);
});
