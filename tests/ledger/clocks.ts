/** Which runs keep another from happening where the ledger has a clock that can be set, which counts milliseconds. */

import assert from "node:assert/strict";
import type { RunPlace } from "./run_bench.ts";
import { DAY } from "./run_holder.ts";

const HOUR = 3600 * 1000;

export function clockTests({ test, bench: makeBench }: RunPlace): void {
  test("every: a run ahead of the clock counts within the interval, and beyond it is reported", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.ran("succeeded", { every: HOUR });
    await bench.startAt(id, HOUR / 2);
    const near = await holder.begin({ every: HOUR });
    assert.deepEqual(near.granted || [near.because.id, near.isAhead], [id, true]);
    for (const ahead of [HOUR + 60_000, DAY, 300 * DAY]) {
      await bench.startAt(id, ahead);
      const far = await holder.begin({ every: HOUR });
      assert.deepEqual(far.granted && far.ignored?.id, id, `${ahead} ms ahead`);
    }
    // A time beyond any clock is not reported.
    await bench.startAt(id, 400 * DAY);
    const beyond = await holder.begin({ every: HOUR });
    assert.deepEqual(beyond.granted && beyond.ignored, undefined);
    // The run that counts is reported, not the one far ahead.
    await bench.startAt(id, DAY);
    const last = await holder.ran("succeeded");
    const counted = await holder.begin({ every: HOUR });
    assert.deepEqual(counted.granted || [counted.because.id, counted.isAhead], [last, false]);
  });

  test("once: a run counts, however far ahead of the clock", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.ran("succeeded", { once: "v1" });
    await bench.startAt(id, 30 * DAY);
    for (const rule of [{ once: "v1" }, { once: "v1", every: HOUR }]) {
      const permission = await holder.begin(rule);
      assert.deepEqual(permission.granted || [permission.because.id, permission.isAhead], [id, false]);
    }
  });

  test("every: spans from a millisecond to a century", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.ran("succeeded", { every: 36_500 * DAY });
    assert.equal((await holder.refused({ every: 36_500 * DAY })).id, id);
    await bench.startAt(id, -10);
    await holder.started({ every: 1 });
  });

  test("a run's times come from the server's clock", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const { now } = Date;
    let id;
    try {
      Date.now = () => now() - 30 * DAY;
      id = await holder.ran("succeeded");
    } finally {
      Date.now = now;
    }
    const { started, finished } = await holder.recorded(id);
    assert.ok(Math.abs(started! - Date.now()) < DAY, `started ${started}`);
    assert.ok(finished! >= started! && finished! - started! < DAY, `finished ${finished}`);
  });
}
