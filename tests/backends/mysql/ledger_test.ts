import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later } from "../open.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { ledgerContract } from "../../ledger/contract.ts";
import { until } from "../../cli/wait.ts";
import { badRowTests } from "../../ledger/bad_rows.ts";
import { Holder } from "../../ledger/holder.ts";
import { findRunning } from "../../../lib/backends/sql/abandoned_runs.ts";
import { findCounted } from "../../../lib/backends/sql/counted_run.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { PLAIN } from "../../ledger/run_holder.ts";
import { type Bench, mySqlPlace } from "../../ledger/places.ts";
import { runBench } from "../../ledger/run_bench.ts";
import { givenBackTests } from "../../ledger/given_back.ts";
import { tableTests } from "../../ledger/tables.ts";
import { assertTextIsKept, KEYS, keysAreExact } from "../../ledger/texts.ts";
import { counting, troubleTests } from "../../ledger/trouble.ts";

/** Session settings in a DSN that must not affect a ledger. */
const SETTINGS = [
  "charset=latin1",
  "charset=utf8mb4&collation=utf8mb4_unicode_ci",
  "sql_mode=%27ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT%27",
  "sql_mode=%27%27",
  "time_zone=%27%2B09:00%27",
  "autocommit=0",
];

// So that a killed server has all that it has answered, which the tests' servers do without.
const DURABLE = "--innodb-flush-log-at-trx-commit=2";

/** The table as sera makes it. */
function definition(holder: Holder, { name }: Bench): string {
  const [create] = createTable(holder.store.dialect);
  return holder.asText(create!).replace(/`runs_\w+`/, name);
}

async function hasEngine({ sql }: Bench, engine: string): Promise<boolean> {
  const found = await sql(`SELECT 1 FROM information_schema.ENGINES WHERE ENGINE = '${engine}' AND SUPPORT <> 'NO'`);
  return found.length > 0;
}

for (const [shared, label] of [[sharedMariaDb(DURABLE), "MariaDB"], [sharedMySql56(DURABLE), "MySQL 5.6"]] as const) {
  const place = mySqlPlace(shared, label);
  const { test } = place;
  ledgerContract(place);
  tableTests(place);
  givenBackTests(place);
  troubleTests(place);
  badRowTests(
    place,
    [
      { label: "'\\x1b[31m\\r\\n\u202e'", host: "'it\\\\''s'" },
      { lock_name: "'x\\\\'' OR 1=1 -- '", outcome: "'running'" },
    ],
    ["'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999'", "'0001-01-01'"],
  );

  test("a statement that fails in a deadlock is repeated", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const now = holder.asText(holder.store.dialect.now);
    await holder.ran("succeeded");
    const row = (lock: string) => `('${lock}', ${now}, 'running')`;
    // The server lets the one fall who has changed less.
    const rows = [row(holder.lock), row(holder.lock), ...Array.from({ length: 20 }, () => row("others"))].join(", ");
    await bench.sql(`INSERT INTO ${bench.name} (lock_name, started, outcome) VALUES ${rows}`);
    const [first, second] = (await holder.ids()).slice(1);
    await using admin = await place.admin();
    const { ledger, asked } = counting(holder);
    await admin.query("BEGIN");
    await admin.query(`UPDATE ${bench.name} SET pid = 1 WHERE id >= ${second}`);
    const abandoned = later(ledger.abandon(holder.lock));
    await until("blocked", async () => await place.blocked() === 1);
    await admin.query(`UPDATE ${bench.name} SET pid = 1 WHERE id = ${first}`);
    await until("asked again", () => asked() === 3);
    await admin.query("COMMIT");
    assert.deepEqual((await abandoned).map(({ id }) => id), [first, second]);
    for (const id of [first, second]) assert.equal((await holder.recorded(id!)).outcome, "abandoned");
  });

  for (const params of SETTINGS) {
    test(`text, keys and times are the same with ${decodeURIComponent(params)}`, async () => {
      await using bench = await place.bench(params);
      await assertTextIsKept(runBench(bench));
      await keysAreExact(runBench(bench), KEYS);
    });
  }

  for (const engine of ["MEMORY", "BLACKHOLE"]) {
    test(`a table of the engine ${engine} is refused, and its run is not begun`, async () => {
      await using bench = await place.bench();
      if (!await hasEngine(bench, engine)) return;
      await using holder = await Holder.start(bench);
      await bench.sql(definition(holder, bench).replace("InnoDB", engine));
      for (const rule of [{ once: "v1" }, { every: 1000 }, {}]) {
        await assert.rejects(holder.begin(rule), (error) => {
          assert.ok(error instanceof LockUnavailableError && !error.transient);
          assert.match(
            error.message,
            new RegExp(
              `^Cannot use the ledger runs_\\w+: the table keeps nothing \\(engine ${engine}\\), [^\n]*; ALTER TABLE runs_\\w+ ENGINE=InnoDB$`,
            ),
          );
          return true;
        });
      }
      assert.ok((await holder.ledger.latest(9)).every(({ outcome }) => outcome === "unstarted"));
      await bench.sql(`ALTER TABLE ${bench.name} ENGINE=InnoDB`);
      await holder.started({ once: "v1" });
    });
  }

  for (const charset of ["latin1", "ascii", "utf8"]) {
    for (const mode of ["", "STRICT_ALL_TABLES"]) {
      test(`a table in ${charset}, sql_mode '${mode}': a label is replaced, a key is exact or refused`, async () => {
        await using bench = await place.bench(`sql_mode=%27${mode}%27`);
        await using holder = await Holder.start(bench);
        const text = definition(holder, bench).replaceAll(
          "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
          `CHARACTER SET ${charset} COLLATE ${charset}_bin`,
        );
        await bench.sql(text);
        const foreign = { label: "log 😀", host: "w😀", pid: 1, user: "u😀" };
        const id = await holder.ran("succeeded", { once: "v1" }, foreign);
        const { label, host, user } = await holder.recorded(id);
        for (const [kept, given] of [[label, foreign.label], [host, foreign.host], [user, foreign.user]]) {
          assert.match(kept!, /^[\w ]+\?{1,4}$/);
          assert.equal(kept![0], given![0]);
        }
        if (charset !== "ascii") {
          const known = await holder.ran("succeeded", { once: "é" });
          const { id, key } = await holder.refused({ once: "é" });
          assert.deepEqual([id, key], [known, "é"]);
        }
        for (const key of ["😀", "😁"]) {
          await assert.rejects(holder.begin({ once: key }), (error) => {
            assert.ok(error instanceof LockUnavailableError);
            assert.match(error.message, /^Cannot use the ledger runs_\w+: [^\n]+; use a key of plain ASCII [^\n]+$/);
            return true;
          });
        }
      });
    }
  }

  test("keys are exact even in a case-insensitive table", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    await bench.sql(definition(holder, bench).replaceAll("utf8mb4_bin", "utf8mb4_unicode_ci"));
    await keysAreExact(runBench(bench), KEYS);
  });

  test("runs are recorded even if sessions begin with a transaction", async () => {
    await using bench = await place.bench();
    await bench.sql("SET GLOBAL init_connect = 'SET autocommit = 0'");
    let id;
    try {
      await using holder = await Holder.start(bench);
      id = await holder.started();
      holder.held.session!.destroy();
    } finally {
      await bench.sql("SET GLOBAL init_connect = ''");
    }
    await using next = await Holder.start(bench);
    assert.equal((await next.recorded(id)).outcome, "running");
  });

  test("a run that counts, or has not ended, is found by an index, however many there are in the slots", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    const { lock, store } = holder;
    const run = (number: number) =>
      `('${slotName(lock, number % 4)}', 'key${number}', 'succeeded', UTC_TIMESTAMP() - INTERVAL ${number} MINUTE)`;
    const runs = Array.from({ length: 4000 }, (_, number) => run(number + 1));
    await bench.sql(`INSERT INTO ${bench.name} (lock_name, run_key, outcome, started) VALUES ${runs}`);
    await bench.sql(`ANALYZE TABLE ${bench.name}`);
    const rules = [{ once: "new" }, { every: 1000 }, { once: "new", every: 1000 }];
    const queries = rules.map((rule) => findCounted(store.dialect, lock, { ...PLAIN, ...rule }, 4)!);
    for (const query of [...queries, findRunning(store.dialect, lock, 4)]) {
      const plan = await store.run(sql`EXPLAIN ${query}`);
      // By the server's own estimate.
      assert.ok(plan.every(({ rows }) => Number(rows) < 100), JSON.stringify(plan));
    }
  });

  test("a row lock timeout of the server ends in one line", async () => {
    await using bench = await place.bench("innodb_lock_wait_timeout=1");
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    await using admin = await place.admin();
    await admin.query("BEGIN");
    await admin.query(`UPDATE ${bench.name} SET pid = 1 WHERE id = ${id}`);
    using clock = new FakeClock();
    let over = false;
    const finished = later(holder.finish(id, "succeeded").finally(() => over = true));
    // The server takes its second each time; that those who wait have waited for long enough is the clock's to say.
    await clock.until("it waits", async () => await place.blocked() === 1);
    await clock.to(10_000);
    await clock.until("it gives up", async () => {
      await clock.to(clock.now + 0.1);
      return over;
    });
    await assert.rejects(finished, (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /^Cannot use the ledger runs_\w+: [^\n]*Lock wait timeout exceeded[^\n]*$/);
      return true;
    });
    await admin.query("ROLLBACK");
    await holder.finish(id, "succeeded");
  });
}
