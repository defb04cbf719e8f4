import assert from "node:assert/strict";
import { historyJson } from "../../lib/ledger/history.ts";
import { historyTable } from "../../lib/ledger/history_table.ts";
import { inZone } from "../text/zone.ts";
import type { RecordedRun } from "../../lib/ledger/run.ts";

const STARTED = Date.UTC(2030, 0, 1);

const RUN: RecordedRun = {
  id: 7n,
  lock: "0123",
  label: "rotate-logs",
  host: "web1",
  pid: 4711,
  user: "ops",
  started: STARTED,
  finished: STARTED + 90_500,
  exitCode: 0,
  outcome: "succeeded",
};

/** The table's cells. */
function cells(runs: readonly RecordedRun[]): string[][] {
  return historyTable(runs).trimEnd().split("\n").map((line) => line.split(/ {2,}/));
}

Deno.test("a run is one line, without empty columns", () => {
  const running = { ...RUN, id: 8n, finished: undefined, exitCode: undefined, outcome: "running" };
  const skipped = { ...RUN, id: 9n, exitCode: undefined, finished: STARTED, outcome: "skipped" };
  assert.deepEqual(cells([RUN, running, skipped]), [
    ["RUN", "STARTED", "TOOK", "OUTCOME", "CODE", "HOST", "LABEL"],
    ["7", "2030-01-01 00:00:00Z", "1m31s", "succeeded", "0", "web1", "rotate-logs"],
    ["8", "2030-01-01 00:00:00Z", "-", "running", "-", "web1", "rotate-logs"],
    ["9", "2030-01-01 00:00:00Z", "-", "skipped", "-", "web1", "rotate-logs"],
  ]);
});

Deno.test("a run in a slot is one of its lock; a column says which slot where one is not the first", () => {
  const second = { ...RUN, id: 8n, lock: "0123.2" };
  assert.deepEqual(cells([second, RUN]).map((row) => [row[0], row.at(-1)]), [["RUN", "SLOT"], ["8", "2"], ["7", "0"]]);
  const keyed = cells([{ ...second, key: "v1" }, RUN]);
  assert.deepEqual(keyed.map((row) => row.slice(-2)), [["KEY", "SLOT"], ["v1", "2"], ["-", "0"]]);
  const { runs: [one, other] } = JSON.parse(historyJson([second, RUN]));
  assert.deepEqual([one.lock, one.slot, other.lock, other.slot], ["0123", 2, "0123", 0]);
});

Deno.test("on a terminal times are local", () => {
  using _ = inZone("Asia/Kolkata");
  assert.match(historyTable([RUN], 80), /^7 +2030-01-01 05:30:00\+05:30 /m);
  assert.match(historyTable([RUN]), /^7 +2030-01-01 00:00:00Z /m);
});

Deno.test("keys are shown if there are any", () => {
  assert.deepEqual(cells([RUN, { ...RUN, key: "v1" }]).map((row) => row[7]), ["KEY", "-", "v1"]);
});

Deno.test("a clock that was set back during a run does not give a negative duration", () => {
  const back = { ...RUN, finished: STARTED - 5000 };
  assert.equal(cells([back])[1]![2], "0s");
  assert.equal(JSON.parse(historyJson([back])).runs[0].duration, 0);
});

Deno.test("for programs a run is an object with every field, null where nothing is known", () => {
  assert.deepEqual(JSON.parse(historyJson([RUN])).runs, [{
    run_id: 7,
    lock: "0123",
    slot: 0,
    key: null,
    label: "rotate-logs",
    host: "web1",
    pid: 4711,
    user: "ops",
    started: "2030-01-01T00:00:00.000Z",
    finished: "2030-01-01T00:01:30.500Z",
    duration: 90.5,
    exit_code: 0,
    outcome: "succeeded",
  }]);
  const little = { id: 2n ** 60n, lock: "", label: "", host: "", user: "", outcome: "unknown" };
  const [{ run_id, pid, started, duration, exit_code }] = JSON.parse(historyJson([little])).runs;
  assert.deepEqual([pid, started, duration, exit_code], [null, null, null, null]);
  // Larger than what JavaScript counts to, and exact.
  assert.equal(run_id, String(2n ** 60n));
});

Deno.test("at a terminal a run's start has its age beside it, if all of the table fits", () => {
  const at = (width: number | undefined) => historyTable([RUN], width, RUN.started! + 3 * 60_000 + 5000);
  assert.match(at(120), /^7 +2030-01-01 \S+ \(3 min ago\) /m);
  const whole = at(120).split("\n").reduce((width, line) => Math.max(width, line.length), 0);
  assert.match(at(whole), / \(3 min ago\) /);
  assert.doesNotMatch(at(whole - 1), /ago/);
  assert.doesNotMatch(at(undefined), /ago/);
});
