/** The filters for runs, and the summary of each lock. */

import assert from "node:assert/strict";
import type { RunFilter } from "../../lib/ledger/run.ts";
import type { RunPlace } from "./run_bench.ts";
import { DAY, PLAIN, RUNNER } from "./run_holder.ts";

const HOUR = 3600 * 1000;

export function viewTests({ test, bench: makeBench }: RunPlace): void {
  test("runs are filtered by key, outcome, host and time before the limit applies", async () => {
    await using bench = await makeBench();
    await using one = await bench.holder();
    await using other = await bench.holder();
    const web2 = { ...RUNNER, host: "web2" };
    const old = await one.ran("failed", { once: "a" });
    const failed = await one.ran("failed", { once: "a" }, web2);
    const done = await one.ran("succeeded", { once: "a" });
    const keyed = await other.ran("succeeded", { once: "b" }, web2);
    const unstarted = await other.ran("unstarted", {}, web2);
    for (let runs = 0; runs < 3; runs++) await one.ran("succeeded");
    await bench.startAt(old, -2 * DAY);
    const ids = async (filter: RunFilter, limit = 10) => (await one.ledger.latest(limit, filter)).map(({ id }) => id);
    // In etcd the first run under a lock has the number of the lock's acquisition.
    const newest = (...ids: bigint[]) => ids.toSorted((a, b) => a < b ? 1 : -1);
    const beginnings = [one.lock.slice(0, 20), other.lock];
    assert.deepEqual(await ids({ key: "a" }), [done, failed, old]);
    assert.deepEqual(await ids({ key: "A" }), []);
    assert.deepEqual(await ids({ key: "a", lock: other.lock }), []);
    assert.deepEqual(await ids({ outcomes: ["failed", "unstarted"] }), newest(unstarted, failed, old));
    assert.deepEqual(await ids({ outcomes: ["failed", "unstarted"] }, 2), newest(unstarted, failed, old).slice(0, 2));
    assert.deepEqual(await ids({ outcomes: ["failed"], beginnings }), [failed, old]);
    assert.deepEqual(await ids({ outcomes: ["failed"], beginnings }, 1), [failed]);
    assert.deepEqual(await ids({ host: "web2" }), newest(unstarted, keyed, failed));
    assert.deepEqual(await ids({ host: "web" }), []);
    assert.deepEqual(await ids({ host: "web2", lock: one.lock }), [failed]);
    assert.deepEqual(await ids({ key: "a", startedWithin: DAY }), [done, failed]);
    assert.deepEqual(await ids({ outcomes: ["failed"], startedWithin: 3 * DAY }), [failed, old]);
    assert.deepEqual(await ids({ key: "a", endedWithin: HOUR }), [done, failed, old]);
    const running = await other.started();
    assert.deepEqual(await ids({ outcomes: ["running"] }), [running]);
    assert.deepEqual(await ids({ outcomes: ["running"], endedWithin: DAY }), []);
  });

  test("a summary has each lock's last runs, and counts of recent outcomes", async () => {
    await using bench = await makeBench();
    await using one = await bench.holder();
    await using other = await bench.holder();
    assert.deepEqual(await one.ledger.summaries(DAY, 10), []);
    const old = await one.ran("succeeded");
    await bench.startAt(old, -40 * DAY);
    const failed = await one.ran("failed", { once: "a" });
    await one.ran("unstarted");
    await one.ledger.skip(one.lock, RUNNER, PLAIN);
    const running = await one.started();
    await other.ran("succeeded");
    const done = await other.ran("succeeded");
    const forgotten = await other.ran("succeeded", { once: "b" });
    await other.ledger.forget(await other.recorded(forgotten), RUNNER, DAY);
    const summaries = async (within: number, limit: number) =>
      (await one.ledger.summaries(within, limit)).map(({ lock, started, ended, succeeded, counts }) => ({
        lock,
        ids: [started?.id, ended?.id, succeeded?.id],
        counts: Object.fromEntries([...counts].filter(([, count]) => count > 0).toSorted()),
      }));
    const [first, second, ...more] = await summaries(DAY, 10);
    assert.deepEqual(more, []);
    assert.deepEqual(second, {
      lock: one.lock,
      ids: [running, failed, old],
      counts: { failed: 1, running: 1, skipped: 1, unstarted: 1 },
    });
    assert.deepEqual(first, {
      lock: other.lock,
      ids: [forgotten, forgotten, done],
      counts: { forgot: 1, forgotten: 1, succeeded: 2 },
    });
    assert.deepEqual((await summaries(DAY, 1)).map(({ lock }) => lock), [other.lock]);
    assert.deepEqual((await summaries(60 * DAY, 10))[1]!.counts, {
      failed: 1,
      running: 1,
      skipped: 1,
      succeeded: 1,
      unstarted: 1,
    });
    await one.finish(running, "succeeded");
    await one.started();
    assert.deepEqual((await summaries(DAY, 1))[0]!.ids.slice(1), [running, running]);
  });
}
