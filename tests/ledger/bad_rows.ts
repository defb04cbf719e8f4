/** Rows of other programs: they hide no others, and stop no run. */

import assert from "node:assert/strict";
import { historyJson } from "../../lib/ledger/history.ts";
import { historyTable } from "../../lib/ledger/history_table.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import { DAY, Holder } from "./holder.ts";
import type { Bench, LedgerPlace } from "./places.ts";

/** The columns of a row, in SQL, besides `lock_name`, `started` and `outcome`, which it may have too. */
export type BadRow = Readonly<Record<string, string>>;

/** What must not reach a terminal. */
// deno-lint-ignore no-control-regex
const HARMFUL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** What each database takes, in SQL that is the same for all. */
const COMMON: readonly BadRow[] = [
  { lock_name: "'x''); DROP TABLE sera_runs; --'" },
  { lock_name: "'../../../../etc/passwd'" },
  { lock_name: "''" },
  { outcome: "''" },
  { outcome: "'RUNNING; DROP'" },
  { outcome: "'running'", pid: "-1", session_id: "-1" },
  { outcome: "'running'", pid: "9223372036854775807", session_id: "9223372036854775807" },
  { exit_code: "-32768", finished: "NULL" },
];

/** Adds a row to the table. The last of two columns counts. */
export async function insert({ sql, name }: Bench, holder: Holder, row: BadRow): Promise<void> {
  const values = { lock_name: `'${holder.lock}'`, started: holder.after(0), outcome: "'succeeded'", ...row };
  const columns = Object.keys(values).join(", ");
  await sql(`INSERT INTO ${name} (${columns}) VALUES (${Object.values(values).join(", ")})`);
}

/**
 * Defines the tests.
 *
 * @param rows What this database takes.
 * @param unreadable Times that no clock has for years to come, in SQL.
 */
export function badRowTests(place: LedgerPlace, rows: readonly BadRow[], unreadable: readonly string[]): void {
  const { test, bench: makeBench } = place;
  const times = unreadable.flatMap((time): BadRow[] => [
    { started: time },
    { started: time, outcome: "'running'" },
    { finished: time, outcome: "'failed'" },
    { expires: time },
  ]);

  test("invalid rows hide no others, and stop no run", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const first = await holder.ran("succeeded", { once: "first" }, { label: "good", host: "h", pid: 1, user: "u" });
    for (const row of [...COMMON, ...rows, ...times]) {
      const what = JSON.stringify(row);
      await insert(bench, holder, row);
      const runs = await holder.ledger.latest(10_000);
      assert.ok(runs.some(({ id, label }) => id === first && label === "good"), what);
      const shown = historyTable(runs);
      assert.doesNotMatch(shown, HARMFUL, what);
      for (const line of shown.split("\n")) assert.ok(line.length < 1500, what);
      assert.equal(JSON.parse(historyJson(runs)).runs.length, runs.length);
      const id = await holder.ran("succeeded", { once: what.slice(0, 190) });
      assert.equal((await holder.recorded(id)).outcome, "succeeded", what);
      assert.equal((await holder.refused({ once: what.slice(0, 190) })).id, id);
      await holder.ledger.prune();
    }
    assert.equal((await holder.refused({ once: "first" })).id, first);
  });

  test("a row with some unreadable columns counts by its readable ones", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await holder.ran("failed");
    for (const [index, started] of unreadable.entries()) {
      await insert(bench, holder, { run_key: `'k${index}'`, started });
      // It says that this was done for the key, but not when.
      const shown = (await holder.refused({ once: `k${index}` })).started;
      assert.ok(shown === undefined || shown > Date.now() + 366 * DAY, `${started}: ${shown}`);
      const id = await holder.started({ every: 36_500 * DAY });
      await holder.finish(id, "failed");
    }
  });

  test("ids beyond JavaScript's safe integers are exact", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const [over, kept, newest] = [2n ** 53n + 1n, 2n ** 53n, 2n ** 53n + 9n];
    const first = await holder.ran("succeeded");
    for (const id of [over, kept, newest]) {
      await insert(bench, holder, { id: `${id}`, expires: id === over ? holder.after(-1000) : "NULL" });
    }
    assert.deepEqual(await holder.ids(), [first, kept, over, newest]);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [first, kept, newest]);
    const { runs } = JSON.parse(historyJson(await holder.ledger.latest(10)));
    assert.deepEqual(runs.map(({ run_id }: { run_id: unknown }) => run_id), [`${newest}`, `${kept}`, Number(first)]);
  });

  for (const id of [2n ** 53n + 1n, 2n ** 63n - 1n]) {
    test(`a row with the id ${id} stops no run, and tokens go on growing`, async () => {
      await using bench = await makeBench();
      await using holder = await Holder.start(bench);
      const ids = [await holder.ran("succeeded")];
      await insert(bench, holder, { id: `${id}` });
      for (let round = 0; round < 3; round++) ids.push(await holder.ran("succeeded", { once: `${round}` }));
      assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => Number(a - b)));
      assert.equal((await holder.refused({ once: "2" })).id, ids.at(-1));
    });
  }

  test("a row with the next id stops no run", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.ran("succeeded");
    await insert(bench, holder, { id: `${id + 1n}` });
    assert.ok(await holder.ran("succeeded") > id + 1n);
  });

  test("of many rows that seem to be running only some are reported, but all are marked", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    const row = `('${holder.lock}', ${holder.after(0)}, 'running')`;
    const many = Array.from({ length: 250 }, () => row).join(", ");
    await bench.sql(`INSERT INTO ${bench.name} (lock_name, started, outcome) VALUES ${many}`);
    assert.equal((await holder.ledger.abandon(holder.lock)).length, 100);
    assert.equal((await holder.ledger.abandon(holder.lock)).length, 0);
  });

  test("a text of a megabyte is neither fetched nor shown whole", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    const long = `'${"x".repeat(1_000_000)}'`;
    const tooLong = await insert(bench, holder, { label: long, user_name: long }).then(() => false, () => true);
    // MySQL's columns are as long as sera's texts.
    if (tooLong) return assert.match(bench.server, /tcp\(/);
    const { run, dialect } = holder.store;
    let fetched = 0;
    const store = {
      dialect,
      async run(statement: Parameters<typeof run>[0]) {
        const rows = await run(statement);
        fetched += JSON.stringify(rows).length;
        return rows;
      },
    };
    const [latest] = await new SqlLedger(store).latest(1);
    assert.ok(latest!.label.startsWith("xxx") && latest!.label.length === 190, latest!.label);
    assert.ok(fetched < 5000, `${fetched} characters`);
  });
}
