/** How many rows a table may have, and until when they are kept. */

import assert from "node:assert/strict";
import { COLUMN_NAMES, COLUMNS } from "../../lib/backends/sql/schema.ts";
import { sql } from "../../lib/backends/sql/statement.ts";
import { DAY, Holder } from "./holder.ts";
import type { LedgerPlace } from "./places.ts";

export function rowTests({ test, bench: makeBench }: LedgerPlace): void {
  test("any number of runs can be read, also with the longest texts", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const long = "\u{1f511}".repeat(190);
    await holder.ran("succeeded", { once: long }, { label: long, host: long, pid: 1, user: long });
    const names = COLUMN_NAMES.join(", ");
    for (let rows = 1; rows < 300; rows *= 2) {
      await bench.sql(`INSERT INTO ${bench.name} (${names}) SELECT ${names} FROM ${bench.name}`);
    }
    const latest = await holder.ledger.latest(300);
    assert.equal(new Set(latest.map(({ id }) => id)).size, 300);
    assert.ok(latest.every(({ id }, index) => index === 0 || id < latest[index - 1]!.id));
    assert.equal((await holder.ledger.latest(1000)).length, 512);
  });

  test("runs are kept for the given time from their start, or from the end of a failed one with a key", async () => {
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

  test("no more than a thousand runs are deleted at a time", async () => {
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
