/** The ledger of a lock with slots: each holder writes under the name of its slot. */

import assert from "node:assert/strict";
import { MAX_SLOTS, slotName } from "../../lib/lock/slot_name.ts";
import type { Rule } from "../../lib/ledger/run.ts";
import { freshName } from "../backends/open.ts";
import type { RunPlace } from "./run_bench.ts";
import { DAY, PLAIN, type RunHolder, RUNNER } from "./run_holder.ts";

const HOUR = 3600 * 1000;

/** Begins a run in a slot. */
async function startedIn(holder: RunHolder, slot: number, rule: Partial<Rule> = {}): Promise<bigint> {
  const permission = await holder.ledger.begin(slotName(holder.lock, slot), RUNNER, { ...PLAIN, ...rule });
  assert.ok(permission.granted);
  return permission.id;
}

/** Whether a run in a slot is refused, and for which. */
async function refusedIn(
  holder: RunHolder,
  slot: number,
  rule: Partial<Rule>,
  slots = MAX_SLOTS,
): Promise<bigint | undefined> {
  const asked = { ...PLAIN, ...rule };
  const lock = slotName(holder.lock, slot);
  await holder.ledger.abandon(lock, asked, slots);
  const permission = await holder.ledger.begin(lock, RUNNER, asked, slots);
  if (!permission.granted) return permission.because.id;
  await holder.finish(permission.id, "unstarted", rule);
  return undefined;
}

export function slotTests({ test, bench: makeBench }: RunPlace): void {
  for (
    const [ran, asks, slots] of [
      [0, 3, 4],
      [3, 0, 4],
      [3, 0, 1],
      [12, 1, 13],
      [12, 1, 12],
      [12, 1, 2],
      [255, 25, MAX_SLOTS],
      [255, 1, 3],
    ] as const
  ) {
    test(`slots: what ran in slot ${ran} counts in slot ${asks} of ${slots}, by key and by time`, async () => {
      await using bench = await makeBench();
      await using holder = await bench.holder();
      const refused = (rule: Partial<Rule>) => refusedIn(holder, asks, rule, slots);
      const failed = await startedIn(holder, ran, { once: "f" });
      await holder.finish(failed, "failed", { once: "f" });
      const id = await startedIn(holder, ran, { once: "v1" });
      await holder.finish(id, "succeeded", { once: "v1" });
      assert.equal(await refused({ once: "v1" }), id);
      assert.equal(await refused({ once: "v2" }), undefined);
      assert.equal(await refused({ once: "v2", every: HOUR }), id);
      assert.equal(await refused({ once: "f" }), undefined);
      assert.equal(await refused({ once: "f", countFailures: true }), failed);
      assert.equal(await refused({ every: HOUR }), id);
      await bench.startAt(id, -2 * HOUR);
      assert.equal(await refused({ every: HOUR }), undefined);
      assert.equal(await refused({ once: "v2", every: HOUR }), undefined);
      assert.equal(await refused({ once: "v1", every: HOUR }), id);
      const rule = { ...PLAIN, once: "v1", countFailures: true };
      assert.deepEqual((await holder.ledger.countingRuns(holder.lock, rule, 9)).map(({ id }) => id), [id]);
    });
  }

  test("slots: the newest run of any slot counts, by its start, not by its end", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const long = await startedIn(holder, 2);
    const short = await startedIn(holder, 1);
    await holder.finish(short, "succeeded");
    await holder.finish(long, "succeeded");
    assert.equal(await refusedIn(holder, 0, { every: HOUR }), short);
    await bench.startAt(long, -2 * HOUR);
    assert.equal(await refusedIn(holder, 0, { every: HOUR }), short);
  });

  test("slots: a lock whose name begins like another's has none of its runs", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    for (const other of [`${holder.lock}0`, `${holder.lock.slice(0, -1)}`, freshName()]) {
      for (const lock of [other, slotName(other, 1)]) {
        const permission = await holder.ledger.begin(lock, RUNNER, { ...PLAIN, once: "v1", every: HOUR });
        assert.ok(permission.granted);
      }
    }
    assert.equal(await refusedIn(holder, 1, { once: "v1", every: HOUR, countFailures: true }), undefined);
    assert.equal((await holder.ledger.latest(9, { outcomes: ["running"] })).length, 6);
    assert.deepEqual(await holder.ledger.latest(9, { lock: holder.lock, outcomes: ["running"] }), []);
  });

  test("slots: if failures count, an unfinished run in another slot counts", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await startedIn(holder, 1, { once: "v1" });
    for (const rule of [{ once: "v1" }, { every: HOUR }]) {
      assert.equal(await refusedIn(holder, 0, rule), undefined);
      assert.equal(await refusedIn(holder, 2, { ...rule, countFailures: true }), id);
    }
    assert.equal(await refusedIn(holder, 2, { once: "v2", countFailures: true }), undefined);
    // The holder of that slot decides.
    assert.equal(await refusedIn(holder, 1, { once: "v1" }), undefined);
    assert.equal((await holder.recorded(id)).outcome, "abandoned");
    assert.equal(await refusedIn(holder, 2, { once: "v1", countFailures: true }), id);
  });

  test("slots: a run marks unfinished runs of its own slot, and of slots that no longer exist", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const { ledger, lock } = holder;
    const left = new Map<number, bigint>();
    for (const slot of [0, 1, 2, 3, 9, 10, 20, 255]) left.set(slot, await startedIn(holder, slot));
    const elsewhere = await ledger.begin(slotName(freshName(), 9), RUNNER, PLAIN);
    assert.ok(elsewhere.granted);
    const abandon = async (slot: number, slots: number) => {
      const told = (await ledger.abandon(slotName(lock, slot), undefined, slots)).map(({ id }) => id);
      const slotsOf = [...left].filter(([, id]) => told.includes(id)).map(([slot]) => slot);
      assert.equal(slotsOf.length, told.length);
      for (const id of told) assert.equal((await holder.recorded(id)).outcome, "abandoned");
      return slotsOf;
    };
    assert.deepEqual(await abandon(2, 256), [2]);
    assert.deepEqual(await abandon(2, 10), [10, 20, 255]);
    assert.deepEqual(await abandon(3, 10), [3]);
    assert.deepEqual(await abandon(1, 10), [1]);
    // A plain run of the lock has the only slot.
    assert.deepEqual(await abandon(0, 1), [0, 9]);
    assert.deepEqual((await ledger.latest(9, { outcomes: ["running"] })).map(({ id }) => id), [elsewhere.id]);
  });

  test("slots: an attempt is withdrawn in its own slot only", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const [one, two] = [await startedIn(holder, 1), await startedIn(holder, 2)];
    await holder.ledger.takeBack(slotName(holder.lock, 2), RUNNER);
    assert.equal((await holder.recorded(one)).outcome, "running");
    assert.equal((await holder.recorded(two)).outcome, "unstarted");
  });

  test("slots: runs are found by lock, by prefix, and by slot", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const { ledger, lock } = holder;
    const ids = new Map<number, bigint>();
    for (const slot of [3, 0, 13, 1]) {
      ids.set(slot, await startedIn(holder, slot, { once: "v1" }));
      await holder.finish(ids.get(slot)!, "unstarted");
    }
    const asked = async (filter: Parameters<typeof ledger.latest>[1], limit = 9) => {
      const runs = await ledger.latest(limit, filter);
      return runs.map((run) => [...ids].find(([, id]) => id === run.id)?.[0]);
    };
    const newest = [...ids].toSorted(([, a], [, b]) => a < b ? 1 : -1).map(([slot]) => slot);
    const beginnings = [lock.slice(0, 12)];
    assert.deepEqual(await asked({ lock }), newest);
    assert.deepEqual(await asked({ lock }, 2), newest.slice(0, 2));
    assert.deepEqual(await asked({ lock, key: "v1" }), newest);
    assert.deepEqual(await asked({ lock: slotName(lock, 3) }), [3]);
    assert.deepEqual(await asked({ beginnings }), newest);
    assert.deepEqual(await asked({ lock, slot: 0 }), [0]);
    assert.deepEqual(await asked({ beginnings, slot: 3 }), [3]);
    assert.deepEqual(await asked({ beginnings, slot: 2 }), []);
  });

  test("slots: a summary covers the whole lock", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const { ledger, lock } = holder;
    const other = await bench.holder();
    await using _other = other;
    const last = await other.ran("succeeded");
    const done = await startedIn(holder, 7);
    await holder.finish(done, "succeeded");
    const [zero, two] = [await startedIn(holder, 0), await startedIn(holder, 2)];
    const failed = await startedIn(holder, 1);
    await holder.finish(failed, "failed");
    const summary = (await ledger.summaries(DAY, 2)).find((one) => one.lock === lock)!;
    assert.equal(summary.succeeded!.id, done);
    assert.equal(summary.ended!.id, failed);
    assert.deepEqual(summary.running.map(({ id }) => id).toSorted(), [zero, two].toSorted());
    assert.deepEqual(Object.fromEntries([...summary.counts].filter(([, count]) => count > 0).toSorted()), {
      failed: 1,
      running: 2,
      succeeded: 1,
    });
    assert.deepEqual(
      (await ledger.summaries(DAY, 2)).map(({ lock }) => lock).toSorted(),
      [lock, other.lock].toSorted(),
    );
    assert.equal((await ledger.summaries(DAY, 1)).length, 1);
    assert.equal((await other.recorded(last)).outcome, "succeeded");
  });

  test("slots: a run that is forgotten counts in no slot", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const rule = { once: "v1", every: HOUR };
    const id = await startedIn(holder, 2, rule);
    await holder.finish(id, "succeeded", rule);
    assert.equal(await refusedIn(holder, 0, rule), id);
    const [run] = await holder.ledger.countingRuns(holder.lock, { ...PLAIN, ...rule }, 9);
    await holder.ledger.forget(run!, RUNNER, DAY);
    assert.equal(await refusedIn(holder, 0, rule), undefined);
    assert.equal(await refusedIn(holder, 2, rule), undefined);
  });
}
