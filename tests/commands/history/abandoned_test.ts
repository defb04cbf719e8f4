/** Whether a run that is recorded as running still runs, by what can be seen of its lock's holder. */

import assert from "node:assert/strict";
import type { Observer } from "../../../lib/backends/backend.ts";
import { isHolderOf, MAX_LOCKS, withAbandoned } from "../../../lib/commands/history/abandoned.ts";
import type { RecordedRun } from "../../../lib/ledger/run.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { NEVER } from "../../../lib/waiting.ts";
import type { LockFilter, Sighting } from "../../../lib/who/sighting.ts";

const LOCK = lockName("backup");

const RUN: RecordedRun = {
  id: 7n,
  lock: LOCK,
  label: "backup",
  host: "web1",
  pid: 4711,
  user: "root",
  outcome: "running",
  session: 12,
};

const HOLDER: Sighting = { lock: LOCK, state: "held", host: "web1", pid: 4711, session: 12 };

/** The shown outcomes of runs, and the locks whose holders were looked up. */
async function outcomesOf(
  runs: readonly RecordedRun[],
  sightings: readonly Sighting[],
  elsewhere?: string,
): Promise<{ readonly outcomes: readonly string[]; readonly looked: readonly LockFilter[] }> {
  const looked: LockFilter[] = [];
  const observer: Observer = {
    elsewhere,
    sightings: (filter) => {
      looked.push(filter);
      return Promise.resolve({ sightings, otherSessions: [] });
    },
    handleOf: () => assert.fail("nothing is ended"),
    ledger: () => assert.fail("the runs have been read"),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const shown = await withAbandoned(runs, observer, { name: "sera_runs" }, NEVER);
  return { outcomes: shown.map(({ outcome }) => outcome), looked };
}

Deno.test("a holder is matched to a run by its session, or else by host and process", () => {
  const cases: [change: Partial<Sighting>, is: boolean][] = [
    [{}, true],
    [{ state: "waiting" }, false],
    [{ session: 13 }, false],
    // The process alone does not tell where the server numbers its sessions.
    [{ session: 13, pid: RUN.pid }, false],
    [{ host: undefined, pid: undefined }, true],
    [{ session: undefined }, true],
    [{ session: undefined, pid: 4712 }, false],
    [{ session: undefined, host: "web2" }, false],
    [{ session: undefined, host: undefined }, true],
    [{ session: undefined, pid: undefined }, false],
  ];
  for (const [change, is] of cases) assert.equal(isHolderOf(RUN)({ ...HOLDER, ...change }), is, JSON.stringify(change));
  // A run without a process does not match a holder without one.
  assert.equal(isHolderOf({ ...RUN, pid: undefined })({ ...HOLDER, session: undefined, pid: undefined }), false);
});

Deno.test("a run is abandoned once nobody, or somebody else, holds its lock", async () => {
  assert.deepEqual(await outcomesOf([RUN], [HOLDER]), { outcomes: ["running"], looked: [{ lock: LOCK }] });
  assert.deepEqual((await outcomesOf([RUN], [])).outcomes, ["abandoned"]);
  assert.deepEqual((await outcomesOf([RUN], [{ ...HOLDER, session: 13 }])).outcomes, ["abandoned"]);
});

Deno.test("runs in slots are looked up once by their lock, and each has its own holder", async () => {
  const slots = [1, 2, 3].map((slot) => ({ ...RUN, lock: `${LOCK}.${slot}`, session: 12 + slot }));
  const held = [0, 2].map((slot): Sighting => ({ ...HOLDER, slot, session: 12 + slot }));
  assert.deepEqual(await outcomesOf([RUN, ...slots], held), {
    outcomes: ["running", "abandoned", "running", "abandoned"],
    looked: [{ lock: LOCK }],
  });
});

Deno.test("a run that has ended is shown as recorded, without looking at its lock", async () => {
  const ended = ["succeeded", "failed", "skipped", "what a later sera has written"];
  const runs = ended.map((outcome) => ({ ...RUN, outcome }));
  assert.deepEqual(await outcomesOf(runs, []), { outcomes: ended, looked: [] });
  // Nor does it count that another run under the same lock was looked for.
  assert.deepEqual((await outcomesOf([RUN, ...runs], [])).outcomes, ["abandoned", ...ended]);
});

Deno.test("each lock is looked at once, or not at all if locks are on another server", async () => {
  const others = ["a", "b"].map((key) => ({ ...RUN, lock: lockName(key) }));
  const { looked } = await outcomesOf([RUN, ...others, RUN], []);
  assert.deepEqual(looked, [{ lock: LOCK }, ...others.map(({ lock }) => ({ lock }))]);
  assert.deepEqual(await outcomesOf([RUN], [], "the locks are elsewhere"), { outcomes: ["running"], looked: [] });
});

Deno.test("beyond the maximum number of locks, runs are shown as recorded", async () => {
  const runs = Array.from({ length: MAX_LOCKS + 1 }, (_, n) => ({ ...RUN, lock: lockName(String(n)) }));
  const { outcomes, looked } = await outcomesOf(runs, []);
  assert.equal(looked.length, MAX_LOCKS);
  assert.deepEqual([outcomes[MAX_LOCKS - 1], outcomes[MAX_LOCKS]], ["abandoned", "running"]);
});
