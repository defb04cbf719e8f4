import assert from "node:assert/strict";
import { formatDuration, parseDuration, parseWait } from "../../lib/text/duration.ts";
import { HANG } from "../cli/wait.ts";

const DURATIONS: readonly [text: string, ms: number][] = [
  ["0", 0],
  ["+0", 0],
  ["-0", 0],
  ["0s", 0],
  ["-0s", 0],
  ["5s", 5000],
  ["+5s", 5000],
  ["-5s", -5000],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1h", 3_600_000],
  ["1.5h", 5_400_000],
  ["1.1s", 1100],
  [".5s", 500],
  ["1.s", 1000],
  ["-.5s", -500],
  ["1s1s", 2000],
  ["3m2h", 7_380_000],
  ["12us", 0.012],
  ["12\u00b5s", 0.012],
  ["12\u03bcs", 0.012],
  ["1ns", 0.000001],
  ["39h9m14.425s", 140_954_425],
  ["0.3333333333333333333h", 1_200_000],
  ["0.100000000000000000000000s", 100],
  ["2562047h47m16s", 9_223_372_036_000],
];

for (const [text, ms] of DURATIONS) {
  Deno.test(`duration: ${text} → ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}

const NO_DURATIONS = [
  "",
  "5",
  "-",
  "+",
  "s",
  ".",
  ".s",
  "-.",
  "+.s",
  "1e3s",
  "0x1s",
  "1 s",
  " 1s",
  "1s ",
  "1s\n",
  "1S",
  "1d",
  "1s5",
  "00",
  "--1s",
  "1s-1s",
  "1,5s",
  "1.2.3s",
  "\u0661s",
  "NaN",
  "Infinity",
  // Beyond an int64 of nanoseconds.
  "3000000h",
  `${"9".repeat(400)}s`,
];

for (const text of NO_DURATIONS) {
  Deno.test(`duration: ${JSON.stringify(text.slice(0, 20))} is not a duration`, () =>
    assert.equal(parseDuration(text), undefined));
}

Deno.test("duration: a long row of digits without a unit is refused at once", () => {
  const start = performance.now();
  assert.equal(parseDuration("1".repeat(100_000)), undefined);
  assert.ok(performance.now() - start < HANG);
});

const FORMATTED: readonly [ms: number, text: string][] = [
  [0, "0s"],
  [0.000001, "0.000001ms"],
  [0.25, "0.25ms"],
  [0.9999, "1ms"],
  [1, "1ms"],
  [500, "500ms"],
  [500.4, "500ms"],
  [999.6, "1s"],
  [1200, "1.2s"],
  [1234.56, "1.235s"],
  [30_000, "30s"],
  [59_999.6, "1m"],
  [60_000, "1m"],
  [90_000, "1m30s"],
  [90_400, "1m30s"],
  [3_599_999, "1h"],
  [7_200_000, "2h"],
  [7_205_000, "2h0m5s"],
  [7_500_000, "2h5m"],
  [360_000_000, "100h"],
  [-1500, "-1.5s"],
  [Infinity, "forever"],
];

for (const [ms, text] of FORMATTED) {
  Deno.test(`format: ${ms} ms → ${text}`, () => assert.equal(formatDuration(ms), text));
}

Deno.test("format: a formatted duration can be parsed", () => {
  for (const ms of [0, 0.000001, 0.25, 1, 999, 1000, 1001, 59_999, 60_000, 3_601_000, 86_400_000]) {
    assert.equal(parseDuration(formatDuration(ms)), ms);
  }
});

const WAITS: readonly [text: string, ms: number | undefined][] = [
  ["0", 0],
  ["10", 10_000],
  ["007", 7000],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1.5s", 1500],
  ["+5s", 5000],
  ["-0s", 0],
  ["forever", Infinity],
  ["9".repeat(400), Infinity],
  ["", undefined],
  ["-1", undefined],
  ["-1s", undefined],
  ["+5", undefined],
  ["1.5", undefined],
  ["1e3", undefined],
  ["0x10", undefined],
  [" 5", undefined],
  ["5\n", undefined],
  ["Forever", undefined],
  ["status", undefined],
];

for (const [text, ms] of WAITS) {
  const name = text.length > 20 ? `${text.length} digits` : JSON.stringify(text);
  Deno.test(`wait: ${name} → ${ms ?? "none"}`, () => assert.equal(parseWait(text), ms));
}
