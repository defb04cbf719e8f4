/** Which runs are deleted, and which never are. */

import assert from "node:assert/strict";
import { until } from "../cli/wait.ts";
import type { RunPlace } from "./run_bench.ts";
import { DAY, PLAIN, RUNNER } from "./run_holder.ts";

export function expiryTests({ test, bench: makeBench }: RunPlace): void {
  test("only expired runs are deleted: never one that counts, that is running, or the newest", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    await using other = await bench.holder();
    const strict = { countFailures: true };
    await holder.ran("succeeded");
    await holder.ran("failed", { once: "a" });
    await holder.ran("unstarted", { once: "b", ...strict });
    await holder.ledger.skip(holder.lock, RUNNER, { ...PLAIN, once: "a" });
    await other.ran("failed", strict);
    const running = await other.started();
    const kept = [
      running,
      await holder.ran("succeeded", { once: "a" }),
      await holder.ran("failed", { once: "b", ...strict }),
      await holder.ran("succeeded"),
    ];
    const newest = await holder.ran("succeeded");
    await bench.expire(kept.at(-1)!);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [...kept, newest]);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [...kept, newest]);
    await other.finish(running, "succeeded");
  });

  test("with a history of 0 only needed runs are kept", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const keepHistory = 0;
    await using other = await bench.holder();
    const needed = [
      await holder.ran("succeeded", { keepHistory, once: "a" }),
      await other.ran("succeeded", { keepHistory, every: DAY }),
    ];
    for (const outcome of ["succeeded", "failed", "unstarted"] as const) await holder.ran(outcome, { keepHistory });
    const newest = await holder.ran("succeeded", { keepHistory });
    // A run of this millisecond is not yet over.
    await until("all have gone that are not needed", async () => {
      await holder.ledger.prune();
      return (await holder.ids()).length <= needed.length + 1;
    });
    assert.deepEqual(await holder.ids(), [...needed, newest]);
    assert.equal((await holder.refused({ once: "a" })).id, needed[0]);
    assert.equal((await other.refused({ every: DAY })).id, needed[1]);
  });
}
