/** Which runs keep another from happening. */

import assert from "node:assert/strict";
import type { Outcome, Rule } from "../../lib/ledger/run.ts";
import { freshName } from "../backends/open.ts";
import { DAY, Holder, PLAIN, RUNNER } from "./holder.ts";
import type { Bench, LedgerPlace } from "./places.ts";

/** What a run may come to, and whether it counts, plainly and with failures. */
const ENDS: [outcome: Exclude<Outcome, "running">, plain: boolean, withFailures: boolean][] = [
  ["succeeded", true, true],
  ["failed", false, true],
  ["abandoned", false, true],
  ["unstarted", false, false],
  ["skipped", false, false],
];

const HOUR = 3600 * 1000;

/** Lets a run come to this end, and gives its id. */
async function endAs(holder: Holder, outcome: Exclude<Outcome, "running">, rule: Partial<Rule>): Promise<bigint> {
  if (outcome === "skipped") {
    await holder.ledger.skip(holder.lock, RUNNER, { ...PLAIN, ...rule });
    return (await holder.ids()).at(-1)!;
  }
  if (outcome !== "abandoned") return await holder.ran(outcome, rule);
  const id = await holder.started(rule);
  await holder.ledger.abandon(holder.lock);
  return id;
}

/** Moves a run's start by so many milliseconds from now. */
async function startAt({ sql, name }: Bench, holder: Holder, id: bigint, milliseconds: number): Promise<void> {
  await sql(`UPDATE ${name} SET started = ${holder.after(milliseconds)} WHERE id = ${id}`);
}

export function ruleTests({ test, bench: makeBench }: LedgerPlace): void {
  for (const [outcome, plain, withFailures] of ENDS) {
    test(`once: ${outcome} counts ${plain ? "" : withFailures ? "as a failure only" : "never"}`.trim(), async () => {
      await using bench = await makeBench();
      await using holder = await Holder.start(bench);
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
        await using holder = await Holder.start(bench);
        const rule = { every: HOUR, countFailures };
        const id = await endAs(holder, outcome, rule);
        if (counts) assert.equal((await holder.refused(rule)).id, id);
        else await holder.started(rule);
      }
    });
  }

  test("once: a run counts for ever, but for its own key and lock only", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await using another = await Holder.start(bench, freshName());
    const id = await holder.ran("succeeded", { once: "v1" });
    await startAt(bench, holder, id, -40_000 * DAY);
    await holder.ran("succeeded", { once: "v2" });
    await another.ran("succeeded", { once: "v1" });
    await holder.ledger.prune();
    assert.equal((await holder.refused({ once: "v1" })).id, id);
    await holder.started();
  });

  test("every: a run counts from its start on, for its own lock only", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.started({ every: HOUR });
    await startAt(bench, holder, id, 1000 - HOUR);
    await holder.finish(id, "succeeded", { every: HOUR });
    assert.equal((await holder.refused({ every: HOUR })).id, id);
    await startAt(bench, holder, id, -1000 - HOUR);
    await holder.ran("succeeded", { every: HOUR });
    await using another = await Holder.start(bench);
    await another.started({ every: HOUR });
  });

  test("every: a run ahead of the clock counts as long as its span, and beyond it only with a word", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.ran("succeeded", { every: HOUR });
    await startAt(bench, holder, id, HOUR / 2);
    const near = await holder.begin({ every: HOUR });
    assert.deepEqual(near.granted || [near.because.id, near.isAhead], [id, true]);
    for (const ahead of [HOUR + 60_000, DAY, 300 * DAY]) {
      await startAt(bench, holder, id, ahead);
      const far = await holder.begin({ every: HOUR });
      assert.deepEqual(far.granted && far.ignored?.id, id, `${ahead} ms ahead`);
    }
    // What is beyond any clock is worth no word.
    await startAt(bench, holder, id, 400 * DAY);
    const beyond = await holder.begin({ every: HOUR });
    assert.deepEqual(beyond.granted && beyond.ignored, undefined);
    // A run that counts is what is told of, not one that is far ahead.
    await startAt(bench, holder, id, DAY);
    const last = await holder.ran("succeeded");
    const counted = await holder.begin({ every: HOUR });
    assert.deepEqual(counted.granted || [counted.because.id, counted.isAhead], [last, false]);
  });

  test("once: a run counts however far ahead of the clock it is", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.ran("succeeded", { once: "v1" });
    await startAt(bench, holder, id, 30 * DAY);
    for (const rule of [{ once: "v1" }, { once: "v1", every: HOUR }]) {
      const permission = await holder.begin(rule);
      assert.deepEqual(permission.granted || [permission.because.id, permission.isAhead], [id, false]);
    }
  });

  test("every: spans from a millisecond to a century", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.ran("succeeded", { every: 36_500 * DAY });
    assert.equal((await holder.refused({ every: 36_500 * DAY })).id, id);
    await startAt(bench, holder, id, -10);
    await holder.started({ every: 1 });
  });

  test("every: the clock is the server's, not the node's", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const { now } = Date;
    let id;
    try {
      Date.now = () => now() - 30 * DAY;
      id = await holder.ran("succeeded", { every: HOUR });
      Date.now = () => now() + 30 * DAY;
      assert.equal((await holder.refused({ every: HOUR })).id, id);
    } finally {
      Date.now = now;
    }
    const { started, finished } = await holder.recorded(id);
    assert.ok(Math.abs(started! - Date.now()) < DAY, `started ${started}`);
    assert.ok(finished! >= started! && finished! - started! < DAY, `finished ${finished}`);
  });

  test("once and every together: either keeps a run from happening", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const first = await holder.ran("succeeded", { once: "v1", every: HOUR });
    assert.equal((await holder.refused({ once: "v2", every: HOUR })).id, first);
    await startAt(bench, holder, first, -2 * HOUR);
    assert.equal((await holder.refused({ once: "v1", every: HOUR })).id, first);
    const second = await holder.ran("succeeded", { once: "v2", every: HOUR });
    assert.equal((await holder.refused({ once: "v3", every: HOUR })).id, second);
  });
}
