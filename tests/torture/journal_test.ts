import assert from "node:assert/strict";
import { check } from "./journal.ts";

/** How long after a fault a command may begin that it concerns, in milliseconds. */
const REACH = 500;

function overlaps(...lines: string[]) {
  return check(lines.map((line) => `${line}\n`).join(""), REACH).overlaps;
}

Deno.test("consecutive runs do not overlap, even if the clock cannot tell them apart", () => {
  assert.deepEqual(overlaps("begin a 1.00", "beat a 1.01", "end a 1.02", "begin b 1.02", "end b 1.03"), []);
});

Deno.test("a journal counts the runs, and those that ended by themselves", () => {
  const { runs, finished, faults, maxSilence } = check(
    "begin a 1.00\nbeat a 1.01\nfault kill a 1.02\nbegin b 1.50\nbeat b 1.54\nend b 1.55\n",
    REACH,
  );
  assert.deepEqual({ runs, finished, maxSilence }, { runs: 2, finished: 1, maxSilence: 40 });
  assert.deepEqual(faults, [{ kind: "kill", run: "a", at: 1020 }]);
});

Deno.test("an overlap is found, with its length and without a fault", () => {
  assert.deepEqual(overlaps("begin a 1.00", "begin b 1.01", "beat a 1.05", "end a 1.06", "end b 1.20"), [
    { first: "a", second: "b", length: 50, fault: undefined },
  ]);
});

Deno.test("an overlap is found by the order of the lines if the clock does not show it", () => {
  assert.deepEqual(overlaps("begin a 1.00", "begin b 1.00", "end a 1.00", "end b 1.00"), [
    { first: "a", second: "b", length: 0, fault: undefined },
  ]);
});

Deno.test("a run that begins and ends within another overlaps as long as it lasts", () => {
  assert.deepEqual(overlaps("begin a 1.00", "begin b 1.01", "end b 1.03", "end a 1.50"), [
    { first: "a", second: "b", length: 20, fault: undefined },
  ]);
});

Deno.test("three at once are three overlaps", () => {
  const found = overlaps("begin a 1", "begin b 1.01", "begin c 1.02", "end a 1.03", "end b 1.04", "end c 1.05");
  assert.deepEqual(found.map(({ first, second }) => first + second), ["ab", "ac", "bc"]);
});

Deno.test("an overlap is found although a run that does not overlap lies between the two begins", () => {
  const found = overlaps("begin a 1", "begin b 1.01", "end b 1.02", "begin c 1.03", "end a 1.04", "end c 1.05");
  assert.deepEqual(found.map(({ first, second }) => first + second), ["ab", "ac"]);
});

Deno.test("the last line of a killed run is its end", () => {
  assert.deepEqual(overlaps("begin a 1.00", "beat a 1.01", "begin b 1.02", "end b 1.03"), []);
});

Deno.test("a fault explains an overlap: of its own run, or of any, before the second begins", () => {
  for (const fault of ["fault kill a 1.01", "fault server - 1.01", "fault server - 0.60"]) {
    const lines = ["begin a 1.00", fault, "begin b 1.02", "beat a 1.20", "end b 1.30"];
    assert.equal(overlaps(...lines)[0]!.fault?.at, fault.startsWith("fault server - 0") ? 600 : 1010);
  }
});

Deno.test("a fault explains nothing when it was another run's, came later, or long before", () => {
  for (
    const lines of [
      ["begin a 1.00", "fault kill b 1.01", "begin b 1.02", "end a 1.20", "end b 1.30"],
      ["begin a 1.00", "begin b 1.02", "fault server - 1.03", "end a 1.20", "end b 1.30"],
      ["fault server - 0.40", "begin a 1.00", "begin b 1.02", "end a 1.20", "end b 1.30"],
    ]
  ) {
    assert.deepEqual(overlaps(...lines), [{ first: "a", second: "b", length: 180, fault: undefined }]);
  }
});

Deno.test("runs overlap in their own slot only", () => {
  assert.deepEqual(
    overlaps("begin a 0 1.00", "begin b 1 1.01", "begin c 0 1.02", "end a 1.06", "end b 1.20", "end c 1.30"),
    [
      { first: "a", second: "c", length: 40, fault: undefined },
    ],
  );
  const { slots } = check("begin a 0 1.00\nbegin b 11 1.01\n", REACH);
  assert.deepEqual([...slots], ["0", "11"]);
});

Deno.test("an impossible journal is refused, with the line", () => {
  for (
    const [text, why] of [
      ["begin a soon", /line 1 .*no time/],
      ["begin a 1\nbegin a 2", /line 2 .*a second begin/],
      ["beat a 1", /line 1 .*no begin/],
      ["begin a 1\nend a 2\nbeat a 3", /line 3 .*after its end/],
      ["start a 1", /line 1 .*unknown/],
      ["begin a b 1", /line 1 .*unknown/],
      ["beat a 0 1", /line 1 .*unknown/],
      ["fault kill 1", /line 1 .*unknown/],
    ] as const
  ) {
    assert.throws(() => check(text, REACH), why);
  }
});
