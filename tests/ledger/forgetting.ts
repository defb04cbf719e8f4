/** Runs that are forgotten, so that a command may run again. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../lib/errors.ts";
import { RunGoneError } from "../../lib/ledger/ledger.ts";
import type { Rule } from "../../lib/ledger/run.ts";
import type { RunPlace } from "./run_bench.ts";
import { DAY, PLAIN, type RunHolder, RUNNER } from "./run_holder.ts";

const HOUR = 3600 * 1000;
const STRICT = { countFailures: true };
const SOMEBODY = { label: "forget", host: "db1", pid: 7, user: "root" };

/** What counts by a rule, the newest first. */
async function counting(holder: RunHolder, rule: Partial<Rule>): Promise<bigint[]> {
  return (await holder.ledger.countingRuns(holder.lock, { ...PLAIN, ...rule }, 100)).map(({ id }) => id);
}

/** Forgets all that count by a rule. */
async function forget(holder: RunHolder, rule: Partial<Rule>): Promise<void> {
  for (const run of await holder.ledger.countingRuns(holder.lock, { ...PLAIN, ...rule }, 100)) {
    await holder.ledger.forget(run, SOMEBODY, 30 * DAY);
  }
}

export function forgettingTests({ test, bench: makeBench }: RunPlace): void {
  for (const rule of [{ once: "a key" }, { every: HOUR }, { once: "a key", every: HOUR }]) {
    test(`a run that counts by ${Object.keys(rule).join(" and ")} is forgotten, and who did it is recorded`, async () => {
      await using bench = await makeBench();
      await using holder = await bench.holder();
      await using other = await bench.holder();
      const kept = await other.ran("succeeded", rule);
      const id = await holder.ran("succeeded", rule);
      assert.deepEqual(await counting(holder, rule), [id]);
      await forget(holder, rule);
      assert.deepEqual(await counting(holder, rule), []);
      const [by, run] = await holder.ledger.latest(2, { lock: holder.lock });
      assert.deepEqual([run!.id, run!.outcome, run!.exitCode, run!.host], [id, "forgotten", 0, RUNNER.host]);
      const { key } = run!;
      assert.deepEqual({ ...by, id: 0n, session: 0, started: 0, finished: 0 }, {
        ...SOMEBODY,
        id: 0n,
        lock: holder.lock,
        key,
        session: 0,
        label: `run ${id}, by root`,
        started: 0,
        finished: 0,
        exitCode: undefined,
        outcome: "forgot",
      });
      assert.ok(Math.abs(by!.started! - Date.now()) < HOUR);
      const again = await holder.ran("succeeded", rule);
      assert.ok(again > by!.id);
      assert.equal((await holder.refused(rule)).id, again);
      assert.equal((await other.refused(rule)).id, kept);
    });
  }

  test("all runs that count are found, and can be forgotten one by one", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const first = await holder.ran("succeeded", { every: HOUR });
    await bench.startAt(first, -HOUR / 2);
    // By another rule, as from another crontab.
    const second = await holder.ran("succeeded", { once: "k" });
    await holder.ran("failed", { once: "l" });
    assert.deepEqual(await counting(holder, { every: HOUR }), [second, first]);
    assert.deepEqual(await counting(holder, { once: "k" }), [second]);
    await forget(holder, { once: "k" });
    assert.deepEqual(await counting(holder, { every: HOUR }), [first]);
    assert.equal((await holder.refused({ every: HOUR })).id, first);
    await forget(holder, { every: HOUR });
    await holder.started({ every: HOUR });
  });

  test("failures and unfinished runs are forgotten where they count", async () => {
    await using bench = await makeBench();
    for (const rule of [{ once: "k" }, { every: HOUR }]) {
      await using holder = await bench.holder();
      const id = await holder.ran("failed", { ...rule, ...STRICT });
      assert.deepEqual(await counting(holder, rule), []);
      assert.deepEqual(await counting(holder, { ...rule, ...STRICT }), [id]);
      await forget(holder, { ...rule, ...STRICT });
      const left = await holder.started({ ...rule, ...STRICT });
      assert.deepEqual(await counting(holder, rule), []);
      assert.deepEqual(await counting(holder, { ...rule, ...STRICT }), [left]);
      await holder.ledger.abandon(holder.lock);
      await forget(holder, { ...rule, ...STRICT });
      await holder.started({ ...rule, ...STRICT });
    }
  });

  test("a run that has changed since it was read is not forgotten", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    await holder.ran("succeeded", { once: "a" });
    const [run] = await holder.ledger.latest(1);
    await bench.mark(run!.id, "failed");
    await assert.rejects(holder.ledger.forget(run!, SOMEBODY, DAY), (error) => {
      assert.ok(error instanceof RunGoneError && error instanceof LockUnavailableError);
      assert.match(error.message, new RegExp(`: run ${run!.id} is marked as failed$`));
      return true;
    });
    assert.equal((await holder.recorded(run!.id)).outcome, "failed");
    await bench.remove(run!.id);
    await assert.rejects(holder.ledger.forget(run!, SOMEBODY, DAY), /has been deleted$/);
    assert.ok((await holder.ledger.latest(10)).every(({ outcome }) => outcome !== "forgot"));
  });

  test("a forgotten run is kept as long as other runs, no longer for ever", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    await holder.ran("succeeded", { once: "a" });
    await forget(holder, { once: "a" });
    await holder.ledger.prune();
    assert.equal((await holder.ids()).length, 2);
    const newest = await holder.ran("succeeded", { once: "a" });
    await bench.expire();
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [newest]);
    assert.equal((await holder.refused({ once: "a" })).id, newest);
  });
}
