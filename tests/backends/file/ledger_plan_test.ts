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
  { rule: { once: "key" }, index: "by_once" },
  { rule: { every: 1000 }, index: "by_every" },
] as const;

for (const { rule, index } of RULES) {
  for (const countFailures of [false, true]) {
    const name = `${Object.keys(rule)}${countFailures ? " with failures" : ""}: a run that counts is found ${index}`;
    Deno.test(name, () => {
      using database = new DatabaseSync(":memory:");
      for (const statement of createTable(dialect)) database.exec(statement.textFor(SQLITE));
      const whole = { once: undefined, every: undefined, keepHistory: 0, countFailures, ...rule };
      const found = findCounted(dialect, freshName(), whole)!;
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${found.textFor(SQLITE)}`).all().map(({ detail }) =>
        `${detail}`
      );
      const searches = plan.filter((line) => /\b(?:SEARCH|SCAN)\b/.test(line));
      assert.ok(
        searches.some((line) => line.includes(`USING INDEX ${index} (lock_name=? AND `)),
        searches.join("\n"),
      );
      // The rows of further slots are in a range of names; one of a lock without slots has none.
      const others = searches.filter((line) => !line.includes(`USING INDEX ${index} (lock_name=? AND `));
      assert.deepEqual(others.filter((line) => !/USING INDEX \w+ \(lock_name>\? AND lock_name<\?\)/.test(line)), []);
    });
  }
}
