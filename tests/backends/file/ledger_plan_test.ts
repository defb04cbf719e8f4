/** By which index SQLite finds the run that counts, however long the history is. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { sqliteDialect } from "../../../lib/backends/file/sqlite_dialect.ts";
import { findCounted } from "../../../lib/backends/sql/counted_run.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { SQLITE } from "../../../lib/backends/sql/quoting.ts";
import { freshName } from "../open.ts";

const dialect = sqliteDialect("ledger");

const RULES = [
  { rule: { once: "key" }, indexes: ["by_once"] },
  { rule: { every: 1000 }, indexes: ["by_every"] },
  { rule: { once: "key", every: 1000 }, indexes: ["by_once", "by_every"] },
] as const;

/** What follows a lock's name in an index. */
const COLUMNS = { by_once: "run_key=?", by_every: "started>? AND started<?" } as const;
/** A range of names. */
const BETWEEN = "(lock_name>? AND lock_name<?)";

for (const { rule, indexes } of RULES) {
  for (const countFailures of [false, true]) {
    for (const slots of [1, 4]) {
      const name = `${Object.keys(rule).join(" and ")}${countFailures ? " with failures" : ""}, ${slots} slots: ` +
        `a run that counts is found ${indexes.join(" and ")}`;
      Deno.test(name, () => {
        using database = new DatabaseSync(":memory:");
        for (const statement of createTable(dialect)) database.exec(statement.textFor(SQLITE));
        const whole = { once: undefined, every: undefined, keepHistory: 0, countFailures, ...rule };
        const found = findCounted(dialect, freshName(), whole, slots)!;
        const plan = database.prepare(`EXPLAIN QUERY PLAN ${found.textFor(SQLITE)}`).all().map(({ detail }) =>
          `${detail}`
        );
        const searches = plan.filter((line) => /\b(?:SEARCH|SCAN)\b/.test(line) && !/^SCAN counted$/.test(line));
        assert.deepEqual(
          searches,
          [
            ...indexes.flatMap((index) => {
              const found = `SEARCH sera_runs USING COVERING INDEX ${index}`;
              // Of slots that the lock does not have any more, there are mostly no rows.
              return [`${found} (lock_name=? AND ${COLUMNS[index]})`, ...Array(slots).fill(`${found} ${BETWEEN}`)];
            }),
            "SEARCH sera_runs USING INTEGER PRIMARY KEY (rowid=?)",
          ],
        );
      });
    }
  }
}
