/** Which runs keep another from happening. */

import assert from "node:assert/strict";
import type { Outcome, Rule } from "../../lib/ledger/run.ts";
import { freshName } from "../backends/open.ts";
import type { RunPlace } from "./run_bench.ts";
import { DAY, PLAIN, type RunHolder, RUNNER } from "./run_holder.ts";

/** A run's outcomes, and whether each counts, without and with failures. */
const ENDS: [outcome: Exclude<Outcome, "running" | "forgotten" | "forgot">, plain: boolean, withFailures: boolean][] = [
  ["succeeded", true, true],
  ["failed", false, true],
  ["abandoned", false, true],
  ["unstarted", false, false],
  ["skipped", false, false],
];

const HOUR = 3600 * 1000;

/** Lets a run come to this end, and gives its id. */
async function endAs(
  holder: RunHolder,
  outcome: Exclude<Outcome, "running" | "forgotten" | "forgot">,
  rule: Partial<Rule>,
): Promise<bigint> {
  if (outcome === "skipped") {
    await holder.ledger.skip(holder.lock, RUNNER, { ...PLAIN, ...rule });
    return (await holder.ids()).at(-1)!;
  }
  if (outcome !== "abandoned") return await holder.ran(outcome, rule);
  const id = await holder.started(rule);
  await holder.ledger.abandon(holder.lock);
  return id;
}

export function ruleTests({ test, bench: makeBench }: RunPlace): void {
  for (const [outcome, plain, withFailures] of ENDS) {
    test(`once: ${outcome} counts ${plain ? "" : withFailures ? "as a failure only" : "never"}`.trim(), async () => {
      await using bench = await makeBench();
      await using holder = await bench.holder();
      for (const [countFailures, counts] of [[false, plain], [true, withFailures]] as const) {
        const rule = { once: `${countFailures}`, countFailures };
        const id = await endAs(holder, outcome, rule);
        assert.equal((await holder.recorded(id)).outcome, outcome);
        if (counts) assert.equal((await holder.refused(rule)).id, id);
        else await holder.started(rule);
      }
    });

    test(`every: ${outcome} counts ${plain ? "" : withFailures ? "as a failure only" : "never"}`.trim(), async () => {
      await using bench = await makeBench();
      for (const [countFailures, counts] of [[false, plain], [true, withFailures]] as const) {
        await using holder = await bench.holder();
        const rule = { every: HOUR, countFailures };
        const id = await endAs(holder, outcome, rule);
        if (counts) assert.equal((await holder.refused(rule)).id, id);
        else await holder.started(rule);
      }
    });
  }

  test("once: a run counts for ever, but only for its key and lock", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    await using another = await bench.holder(freshName());
    const id = await holder.ran("succeeded", { once: "v1" });
    await bench.startAt(id, -40_000 * DAY);
    await holder.ran("succeeded", { once: "v2" });
    await another.ran("succeeded", { once: "v1" });
    await holder.ledger.prune();
    assert.equal((await holder.refused({ once: "v1" })).id, id);
    await holder.started();
  });

  test("every: a run counts from its start, only for its lock", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.started({ every: HOUR });
    await bench.startAt(id, 1000 - HOUR);
    await holder.finish(id, "succeeded", { every: HOUR });
    assert.equal((await holder.refused({ every: HOUR })).id, id);
    await bench.startAt(id, -1000 - HOUR);
    await holder.ran("succeeded", { every: HOUR });
    await using another = await bench.holder();
    await another.started({ every: HOUR });
  });

  test("every: the clock is the server's, not the node's", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const { now } = Date;
    try {
      Date.now = () => now() - 30 * DAY;
      const id = await holder.ran("succeeded", { every: HOUR });
      Date.now = () => now() + 30 * DAY;
      assert.equal((await holder.refused({ every: HOUR })).id, id);
    } finally {
      Date.now = now;
    }
  });

  test("once and every together: either one makes a run skip", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const first = await holder.ran("succeeded", { once: "v1", every: HOUR });
    assert.equal((await holder.refused({ once: "v2", every: HOUR })).id, first);
    await bench.startAt(first, -2 * HOUR);
    assert.equal((await holder.refused({ once: "v1", every: HOUR })).id, first);
    const second = await holder.ran("succeeded", { once: "v2", every: HOUR });
    assert.equal((await holder.refused({ once: "v3", every: HOUR })).id, second);
  });
}
