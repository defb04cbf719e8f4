import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { SqlLedger } from "../../../lib/backends/sql/ledger.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { administratorsSql, sql, type Statement } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { later } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { ledgerContract } from "../../ledger/contract.ts";
import { badRowTests } from "../../ledger/bad_rows.ts";
import { DAY, Holder, PLAIN, RUNNER } from "../../ledger/holder.ts";
import { postgresPlace } from "../../ledger/places.ts";
import { runBench } from "../../ledger/run_bench.ts";
import { givenBackTests } from "../../ledger/given_back.ts";
import { tableTests } from "../../ledger/tables.ts";
import { assertTextIsKept, KEYS, keysAreExact } from "../../ledger/texts.ts";
import { counting, troubleTests } from "../../ledger/trouble.ts";

/** Session settings in a URL that must not affect a ledger. */
const SETTINGS = [
  "-c standard_conforming_strings=off -c backslash_quote=on",
  "-c TimeZone=Asia/Tokyo -c DateStyle=German -c IntervalStyle=sql_standard",
  "-c bytea_output=escape -c extra_float_digits=-15",
  "-c default_transaction_isolation=serializable -c default_transaction_deferrable=on",
];

/** Text that a database in one of these encodings can hold. */
const PLAIN_RUNNER = { label: "rotate-logs 'a' \\b", host: "web1", pid: 1, user: "ops" };

for (
  const [shared, label] of [
    // So that a commit that is not flushed at once is not flushed soon either.
    [sharedPostgres("--wal-writer-delay=10s"), "PostgreSQL"],
    [sharedPostgres18("--wal-writer-delay=10s"), "PostgreSQL 18"],
  ] as const
) {
  const place = postgresPlace(shared, label);
  const { test } = place;
  ledgerContract(place);
  tableTests(place);
  givenBackTests(place);

  for (const options of SETTINGS) {
    test(`text, keys and times are the same with ${options}`, async () => {
      await using bench = await place.bench(`options=${encodeURIComponent(options)}`);
      await assertTextIsKept(runBench(bench));
      await keysAreExact(runBench(bench), KEYS);
    });
  }

  test("a row in a WIN1252 database may hold bytes that are not a character", async () => {
    await shared.server.query(
      "CREATE DATABASE win1252 OWNER sera ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    await using bench = await place.bench();
    const url = new URL(bench.server);
    url.pathname = "win1252";
    await using holder = await Holder.start({ ...bench, server: url.href });
    await holder.ran("succeeded", { once: "€é" });
    assert.equal((await holder.refused({ once: "€é" })).key, "€é");
    const bytes = `convert_from('\\x41818d42'::bytea, 'WIN1252')`;
    await shared.server.query(
      `INSERT INTO ${bench.name} (lock_name, label, run_key, started, outcome)
       VALUES ('${holder.lock}', ${bytes}, 'bad', now(), 'running'), ('${holder.lock}', ${bytes}, 'done', now(), 'succeeded')`,
      "win1252",
    );
    await holder.started({ once: "next" });
    assert.match((await holder.refused({ once: "done" })).label, /^A..B$/);
    await keysAreExact(
      runBench({ ...bench, server: url.href }),
      KEYS.filter((key) => /^[\x20-\x7e\xa0-\xff]*$/.test(key)),
    );
  });

  for (const encoding of ["SQL_ASCII", "LATIN1"]) {
    test(`a database in ${encoding} keeps the text that it can hold, and refuses other keys`, async () => {
      const database = encoding.toLowerCase();
      await shared.server.query(
        `CREATE DATABASE ${database} OWNER sera ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
      );
      await using bench = await place.bench();
      const url = new URL(bench.server);
      url.pathname = database;
      const address = { ...bench, server: url.href };
      await using holder = await Holder.start(address);
      const id = await holder.ran("succeeded", { once: "v1" }, PLAIN_RUNNER);
      const { label, key } = await holder.recorded(id);
      assert.deepEqual({ label, key }, { label: PLAIN_RUNNER.label, key: "v1" });
      if (encoding === "SQL_ASCII") {
        const bytes = `convert_from('\\xff27c3'::bytea, 'SQL_ASCII')`;
        await shared.server.query(
          `INSERT INTO ${bench.name} (lock_name, label, started, outcome) VALUES ('x', ${bytes}, now(), 'succeeded')`,
          database,
        );
        assert.deepEqual((await holder.ledger.latest(2)).map(({ label }) => label), [
          "\ufffd'\ufffd",
          PLAIN_RUNNER.label,
        ]);
        return await keysAreExact(runBench(address), KEYS);
      }
      await keysAreExact(runBench(address), KEYS.filter((key) => /^[\x20-\xff]*$/.test(key)));
      await assert.rejects(holder.begin({ once: "😀" }), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(
          error.message,
          /^Cannot use the ledger runs_\w+: [^\n]* has no equivalent in encoding "LATIN1"; use a key of plain ASCII [^\n]+$/,
        );
        return true;
      });
      // Text that is only shown is replaced.
      const foreign = { label: "日誌 é", host: "wéb😀", pid: 1, user: "ø" };
      const replaced = await holder.recorded(await holder.ran("succeeded", { once: "é" }, foreign));
      assert.deepEqual([replaced.label, replaced.host, replaced.user, replaced.key], ["?? é", "wéb?", "ø", "é"]);
    });
  }

  for (const [kind, cure] of [["UNLOGGED", "SET LOGGED"], ["TEMPORARY", "--ledger-table"]]) {
    test(`a table that is ${kind} is refused, and its run is not begun`, async () => {
      await using bench = await place.bench();
      await using holder = await Holder.start(bench);
      const [create] = createTable(holder.store.dialect);
      const text = holder.asText(create!).replace("CREATE TABLE", `CREATE ${kind} TABLE`);
      if (kind === "TEMPORARY") await holder.session.queryAll(administratorsSql(text));
      else {
        await bench.sql(text);
        await bench.sql(`GRANT ALL ON ${bench.name} TO sera`);
      }
      await assert.rejects(holder.begin({ once: "v1" }), (error) => {
        assert.ok(error instanceof LockUnavailableError && !error.transient);
        assert.match(error.message, new RegExp(`^Cannot use the ledger runs_\\w+: the table is [^\n]*${cure}[^\n]*$`));
        return true;
      });
      assert.deepEqual((await holder.ledger.latest(9)).map(({ outcome }) => outcome), ["unstarted"]);
      if (kind === "TEMPORARY") return;
      await bench.sql(`ALTER TABLE ${bench.name} SET LOGGED`);
      await holder.started({ once: "v1" });
    });
  }

  test("a view on the table can be used as the table", async () => {
    await using bench = await place.bench();
    await using owner = await Holder.start(bench);
    await owner.ran("succeeded");
    const view = { name: `${bench.name}_view` };
    await bench.sql(`CREATE VIEW ${view.name} AS SELECT * FROM ${bench.name}`);
    await bench.sql(`GRANT ALL ON ${view.name} TO sera`);
    await using holder = await Holder.start({ ...bench, table: view });
    const id = await holder.ran("succeeded", { once: "v1" });
    assert.equal((await holder.refused({ once: "v1" })).id, id);
    await bench.sql(`DROP VIEW ${view.name}`);
  });

  test("a role that is read-only by default gets an error that says so", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    const id = await holder.ran("succeeded", { once: "v1" });
    const { address, grantee } = await place.user(bench);
    await bench.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${bench.name} TO ${grantee}`);
    await bench.sql(`ALTER ROLE ${grantee} SET default_transaction_read_only = on`);
    await using reader = await Holder.start(address);
    assert.deepEqual(await reader.ids(), [id]);
    await assert.rejects(reader.begin(), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /^Cannot use the ledger runs_\w+: [^\n]*read-only transaction; [^\n]+$/);
      return true;
    });
  });

  test("runs are found by an index, so that a long history costs nothing", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    await holder.ran("succeeded");
    const now = holder.asText(holder.store.dialect.now);
    await bench.sql(
      `INSERT INTO ${bench.name} (lock_name, run_key, outcome, started, expires)
       SELECT 'lock' || number % 100, 'key' || number, 'succeeded', ${now}, ${
        holder.after(DAY)
      } FROM generate_series(1, 5000) number`,
    );
    await bench.sql(`ANALYZE ${bench.name}`);
    const plans: string[] = [];
    const run = async (statement: Statement) => {
      if (!holder.asText(statement).includes("INSERT")) {
        const plan = await holder.store.run(sql`EXPLAIN ${statement}`);
        plans.push(plan.map((row) => row["QUERY PLAN"]).join("\n"));
      }
      return await holder.store.run(statement);
    };
    const ledger = new SqlLedger({ ...holder.store, run });
    await ledger.abandon("lock7");
    await ledger.begin("lock7", RUNNER, { ...PLAIN, once: "new" });
    await ledger.begin("lock7", RUNNER, { ...PLAIN, once: "newer", every: 1 });
    await ledger.prune();
    assert.equal(plans.length, 4);
    const both = plans.splice(2, 1)[0]!;
    for (const plan of plans) assert.match(plan, /Index Cond: \(+(lock_name = .*(outcome|run_key)|expires <)/);
    assert.match(both, /Index Cond: \(+lock_name = .*run_key/);
    assert.match(both, /Index Cond: \(+lock_name = .*started/);
    assert.doesNotMatch(both, /Seq Scan/);
  });

  test("a statement that fails because of a concurrent change is repeated", async () => {
    await using bench = await place.bench("options=-c%20default_transaction_isolation%3Dserializable");
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    await using admin = await place.admin();
    const { ledger, asked } = counting(holder);
    await admin.query("BEGIN");
    await admin.query(`UPDATE ${bench.name} SET pid = 1 WHERE id = ${id}`);
    const abandoned = later(ledger.abandon(holder.lock));
    await until("blocked", async () => await place.blocked() === 1);
    assert.equal(asked(), 2);
    await admin.query("COMMIT");
    assert.equal((await abandoned).length, 1);
    assert.equal(asked(), 3);
    const { pid, outcome } = await holder.recorded(id);
    assert.deepEqual({ pid, outcome }, { pid: 1, outcome: "abandoned" });
  });

  test("sessions with asynchronous commits wait for the ledger's commits, and keep stricter settings", async () => {
    const { query } = shared.server;
    const setting = async (value: string) => {
      await query(`ALTER ROLE sera SET synchronous_commit = ${value}`);
      await using bench = await place.bench();
      await using holder = await Holder.start(bench);
      await holder.ledger.abandon(holder.lock);
      return (await holder.session.query(sql`SHOW synchronous_commit`)).synchronous_commit;
    };
    assert.equal(await setting("remote_apply"), "remote_apply");
    assert.equal(await setting("local"), "local");
    // And so for the tests that follow, which let the server crash.
    assert.equal(await setting("off"), "on");
  });

  troubleTests(place);
  badRowTests(
    place,
    [
      { label: "E'\\x1b[31m\\r\\n\u202e'", host: "repeat('h', 1000000)", run_key: "repeat('k', 100000)" },
      { lock_name: "repeat('l', 100000)", outcome: "'running'" },
      { outcome: "repeat('o', 100000)" },
    ],
    ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59'", "'4713-01-01 BC'", "'9999-12-31 24:00:00+00'"],
  );
}
