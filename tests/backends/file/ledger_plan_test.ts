/** By which index SQLite finds runs that count, or have not ended, however long the history is. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { sqliteDialect } from "../../../lib/backends/file/sqlite_dialect.ts";
import { findRunning } from "../../../lib/backends/sql/abandoned_runs.ts";
import { findCounted } from "../../../lib/backends/sql/counted_run.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { SQLITE } from "../../../lib/backends/sql/quoting.ts";
import type { Statement } from "../../../lib/backends/sql/statement.ts";
import { freshName } from "../open.ts";

const dialect = sqliteDialect("ledger");

const RULES = [
  { rule: { once: "key" }, indexes: ["by_once"] },
  { rule: { every: 1000 }, indexes: ["by_every"] },
  { rule: { once: "key", every: 1000 }, indexes: ["by_once", "by_every"] },
] as const;

/** What follows a lock's name in an index. */
const COLUMNS = { by_once: "run_key=?", by_every: "started>? AND started<?" } as const;
/** A range of names: of slots that the lock does not have any more, of which there are mostly no rows. */
const BETWEEN = "(lock_name>? AND lock_name<?)";

/** How SQLite searches the table for a statement, step by step. */
function searchesFor(statement: Statement): readonly string[] {
  using database = new DatabaseSync(":memory:");
  for (const create of createTable(dialect)) database.exec(create.textFor(SQLITE));
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${statement.textFor(SQLITE)}`).all();
  return plan.map(({ detail }) => `${detail}`)
    .filter((line) => /\b(?:SEARCH|SCAN)\b/.test(line) && line !== "SCAN counted");
}

for (const slots of [1, 4]) {
  for (const { rule, indexes } of RULES) {
    for (const countFailures of [false, true]) {
      const name = `${Object.keys(rule).join(" and ")}${countFailures ? " with failures" : ""}, ${slots} slots: ` +
        `a run that counts is found ${indexes.join(" and ")}`;
      Deno.test(name, () => {
        const whole = { once: undefined, every: undefined, keepHistory: 0, countFailures, ...rule };
        const found = indexes.flatMap((index) => {
          const search = `SEARCH sera_runs USING COVERING INDEX ${index}`;
          return [`${search} (lock_name=? AND ${COLUMNS[index]})`, ...Array(slots).fill(`${search} ${BETWEEN}`)];
        });
        assert.deepEqual(
          searchesFor(findCounted(dialect, freshName(), whole, slots)!),
          [...found, "SEARCH sera_runs USING INTEGER PRIMARY KEY (rowid=?)"],
        );
      });
    }
  }

  Deno.test(`${slots} slots: runs that have not ended are found by_outcome`, () => {
    const [named, ...others] = searchesFor(findRunning(dialect, freshName(), slots));
    assert.equal(named, "SEARCH sera_runs USING INDEX by_outcome (lock_name=? AND outcome=?)");
    // By which of the indexes does not matter.
    assert.deepEqual(
      others.map((line) => line.replace(/by_\w+/, "…")),
      Array(slots).fill(`SEARCH sera_runs USING INDEX … ${BETWEEN}`),
    );
  });
}
