/** What is forgotten, and what never is. */

import assert from "node:assert/strict";
import { COLUMNS } from "../../lib/backends/sql/schema.ts";
import { sql } from "../../lib/backends/sql/statement.ts";
import { until } from "../cli/wait.ts";
import { DAY, Holder, PLAIN, RUNNER } from "./holder.ts";
import type { Bench, LedgerPlace } from "./places.ts";

/** Lets the time of all runs be over that have one, but for those named. */
async function expire({ sql, name }: Bench, holder: Holder, ...but: bigint[]): Promise<void> {
  await sql(
    `UPDATE ${name} SET expires = ${holder.after(-1000)} WHERE expires IS NOT NULL ` +
      `AND id NOT IN (0${but.map((id) => `, ${id}`).join("")})`,
  );
}

export function expiryTests({ test, bench: makeBench }: LedgerPlace): void {
  test("only runs whose time is over are forgotten: never one that counts, that runs, or the newest", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await using other = await Holder.start(bench);
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
    await expire(bench, holder, kept.at(-1)!);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [...kept, newest]);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [...kept, newest]);
    await other.finish(running, "succeeded");
  });

  test("runs are remembered for as long as asked, from their start, or from the end of a keyed one that failed", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const read = (column: "started" | "expires") =>
      holder.asText(sql`${holder.store.dialect.readTime(COLUMNS[column])} AS ${COLUMNS[column]}`);
    const keptFor = async (id: bigint) => {
      const [row] = await bench.sql(
        `SELECT ${read("expires")}, ${read("started")} FROM ${bench.name} WHERE id = ${id}`,
      );
      return row!.expires === null ? undefined : Math.round((Number(row!.expires) - Number(row!.started)) / DAY);
    };
    const keepHistory = 30 * DAY;
    assert.equal(await keptFor(await holder.ran("succeeded", { keepHistory })), 30);
    assert.equal(await keptFor(await holder.ran("failed", { keepHistory, once: "a" })), 30);
    assert.equal(await keptFor(await holder.ran("unstarted", { keepHistory, once: "b", countFailures: true })), 30);
    assert.equal(await keptFor(await holder.ran("failed", { keepHistory, once: "b", countFailures: true })), undefined);
    assert.equal(await keptFor(await holder.ran("succeeded", { keepHistory, once: "a" })), undefined);
    await using another = await Holder.start(bench);
    assert.equal(await keptFor(await another.ran("failed", { keepHistory, every: 1 })), 30);
    assert.equal(await keptFor(await another.ran("failed", { keepHistory, every: 365 * DAY })), 365);
    assert.equal(await keptFor(await another.ran("failed", { keepHistory: 36_500 * DAY })), 36_500);
  });

  test("with no time to remember, only what is needed stays", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const keepHistory = 0;
    await using other = await Holder.start(bench);
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

  test("no more than a thousand runs are forgotten at a time", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    const row = (index: number) => `('old', 'succeeded', ${holder.after(-DAY)}, ${holder.after(index - DAY)})`;
    const rows = Array.from({ length: 1500 }, (_, index) => row(index)).join(", ");
    await bench.sql(`INSERT INTO ${bench.name} (lock_name, outcome, started, expires) VALUES ${rows}`);
    for (const left of [501, 2, 2]) {
      await holder.ledger.prune();
      assert.equal((await holder.ids()).length, left);
    }
  });
}
