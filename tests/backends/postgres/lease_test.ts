/** Tables of leases on PostgreSQL. */

import assert from "node:assert/strict";
import type { TableName } from "../../../lib/ledger/table_name.ts";
import { createTable } from "../../../lib/backends/postgres/lease_sql.ts";
import { postgresDialect } from "../../../lib/backends/postgres/ledger.ts";
import type { Ending } from "../../../lib/backends/sql/ending.ts";
import { createTable as createLedger } from "../../../lib/backends/sql/schema.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { administratorsSql, identifier, sql, word } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { freshName, later } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { leaseTableContract } from "../sql/lease/contract.ts";
import { claimOf, Desk, HOUR, ownerOf } from "../sql/lease/desk.ts";
import { isRefusedWhileLocked, refusal } from "../sql/lease/trouble.ts";
import { decoysIn } from "./decoys.ts";
import { leasedSession, postgresLeasePlace } from "./lease_place.ts";

/** Session settings in a URL that must not affect leases. */
const SETTINGS = [
  "-c standard_conforming_strings=off -c backslash_quote=on",
  "-c TimeZone=Asia/Tokyo -c DateStyle=German -c IntervalStyle=sql_standard",
  "-c bytea_output=escape -c extra_float_digits=-15",
  "-c default_transaction_isolation=serializable -c default_transaction_deferrable=on",
  "-c default_transaction_isolation=repeatable\\ read -c synchronous_commit=off",
];

for (const [shared, label] of [[sharedPostgres(), "PostgreSQL"], [sharedPostgres18(), "PostgreSQL 18"]] as const) {
  const place = postgresLeasePlace(shared, label);
  const { test } = place;
  leaseTableContract(place);

  /** Resolves when a session waits for another's row lock. */
  const blocked = () => until("blocked", async () => await place.blocked() === 1);

  /** The table as sera makes it, changed by the test. */
  const make = async ({ bench, leases }: Desk, change: (definition: string) => string) => {
    const definition = leases.schema().replaceAll(/^--.*\n/gm, "").replace(/"runs_\w+"/, bench.name);
    const changed = change(definition);
    assert.notEqual(changed, definition);
    await bench.sql(changed);
  };

  for (const options of SETTINGS) {
    test(`leases are the same with ${options}`, async () => {
      await using desk = await Desk.open(place, `options=${encodeURIComponent(options)}`);
      const mine = await desk.hold("a");
      assert.equal(await desk.claim("a"), 1n);
      const { left, ...lease } = await desk.held();
      assert.ok(left > HOUR / 2 && left <= HOUR, `${left}`);
      assert.deepEqual([lease.host, lease.label, lease.owner], ["weba", "rotate-logs", mine.owner]);
      assert.equal(await desk.claim("b", { slack: 0, ttls: 0 }), undefined);
      assert.ok(await desk.leases.renew(desk.session, desk.lock, mine, HOUR));
      await desk.write(`expires = ${place.ago(1.5 * HOUR)}`);
      assert.equal(await desk.claim("b", { slack: HOUR, ttls: 1 }), undefined);
      assert.equal(await desk.claim("b", { slack: HOUR / 4, ttls: 1 }), 2n);
      assert.deepEqual((await desk.leases.list(desk.session, "all")).leases.map(({ owner }) => owner), [ownerOf("b")]);
      const { owner, fence, beat } = await desk.held();
      assert.equal(await desk.claim("c", { seen: { owner, fence, beat } }), 3n);
      assert.equal(await desk.leases.release(desk.session, desk.lock, { owner: ownerOf("c"), fence: 3n }), true);
    });
  }

  test("a takeover that waits for a renewal comes too late", async () => {
    for (const from of ["by the clock", "as seen"] as const) {
      await using desk = await Desk.open(place);
      await desk.hold("a");
      await desk.write(`expires = ${place.ago(HOUR)}`);
      const { owner, fence, beat } = await desk.held();
      await using holder = await place.admin();
      await holder.query("BEGIN");
      await holder.query(
        `UPDATE ${desk.bench.name} SET beat = beat + 1, expires = clock_timestamp() + interval '1 hour'`,
      );
      const taken = later(
        desk.claim("b", from === "as seen" ? { seen: { owner, fence, beat } } : { slack: 0, ttls: 0 }),
      );
      await blocked();
      await holder.query("COMMIT");
      assert.equal(await taken, undefined, from);
      assert.deepEqual((await desk.held()).beat, beat + 1n);
    }
  });

  test("a token taken after a wait is the next one, and above the given minimum", async () => {
    for (const [above, fence] of [[1, 12n], [40, 41n]] as const) {
      await using desk = await Desk.open(place);
      await desk.leases.release(desk.session, desk.lock, await desk.hold("a"));
      await using other = await place.admin();
      await other.query("BEGIN");
      await other.query(`UPDATE ${desk.bench.name} SET fence = 11, beat = beat + 2`);
      const claimed = later(desk.claim("b", "nobody", sql`(SELECT MAX(n) FROM (VALUES (${above})) AS numbers(n))`));
      await blocked();
      await other.query("COMMIT");
      assert.equal(await claimed, fence);
    }
  });

  test("a release that waits for a late renewal succeeds, together with the end of the run", async () => {
    await using desk = await Desk.open(place);
    await using bench = await place.bench();
    const ending = await runningIn(desk, bench.table);
    const mine = await desk.hold("a");
    await using late = await place.admin();
    await late.query("BEGIN");
    await late.query(`UPDATE ${desk.bench.name} SET beat = beat + 1`);
    const released = later(desk.leases.release(desk.session, desk.lock, mine, ending));
    await blocked();
    await late.query("COMMIT");
    assert.equal(await released, true);
    assert.equal(await desk.read(), undefined);
    assert.deepEqual(await bench.sql(`SELECT outcome FROM ${bench.name}`), [{ outcome: "succeeded" }]);
  });

  test("a release that waits for a takeover fails, and so does the end of the run", async () => {
    await using desk = await Desk.open(place);
    await using bench = await place.bench();
    const ending = await runningIn(desk, bench.table);
    const mine = await desk.hold("a");
    await using other = await place.admin();
    await other.query("BEGIN");
    await other.query(`UPDATE ${desk.bench.name} SET beat = beat + 1, fence = fence + 1, owner = '${ownerOf("b")}'`);
    const released = later(desk.leases.release(desk.session, desk.lock, mine, ending));
    await blocked();
    await other.query("COMMIT");
    assert.equal(await released, false);
    assert.equal((await desk.held()).owner, ownerOf("b"));
    assert.deepEqual(await bench.sql(`SELECT outcome FROM ${bench.name}`), [{ outcome: "running" }]);
  });

  test("a row that others keep locked is retried, whatever the role's timeouts", async () => {
    for (const timeout of ["0", "1h"]) {
      await using desk = await Desk.open(place, `options=${encodeURIComponent(`-c lock_timeout=${timeout}`)}`);
      await isRefusedWhileLocked(place, desk);
    }
  });

  test("an UNLOGGED table is refused, and its row stays free", async () => {
    await using desk = await Desk.open(place);
    await make(desk, (definition) => definition.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"));
    const { message, transient } = await refusal(desk.acquire("a"));
    assert.equal(transient, false);
    assert.match(
      message,
      /^Cannot use the leases in runs_\w+: the table is UNLOGGED, [^\n]* who holds a lock; ALTER TABLE runs_\w+ SET LOGGED$/,
    );
    assert.equal(await desk.read(), undefined);
    await desk.bench.sql(`ALTER TABLE ${desk.bench.name} SET LOGGED`);
    assert.equal(await desk.claim("a"), 2n);
  });

  test("a temporary table is refused", async () => {
    await using desk = await Desk.open(place);
    const create = createTable(identifier(desk.bench.name)).textFor(POSTGRESQL);
    await desk.session.query(administratorsSql(create.replace("CREATE TABLE", "CREATE TEMPORARY TABLE")));
    assert.match((await refusal(desk.acquire("a"))).message, /: the table is temporary, [^\n]+--lease-table$/);
  });

  test("a view on the table can be used as the table", async () => {
    await using desk = await Desk.open(place);
    await desk.hold("a");
    const view = { name: `${desk.bench.name}_view` };
    await desk.session.query(sql`CREATE VIEW ${identifier(view.name)} AS SELECT * FROM ${identifier(desk.bench.name)}`);
    const leases = place.leases(view);
    assert.equal(await leases.claim(desk.session, claimOf(desk.lock, "b")), undefined);
    assert.equal(await leases.insert(desk.session, claimOf(freshName(), "b")), 1n);
    await desk.bench.sql(`ALTER TABLE ${desk.bench.name} SET UNLOGGED`);
    assert.match(
      (await refusal(leases.insert(desk.session, claimOf(freshName(), "c")))).message,
      new RegExp(`: the table is UNLOGGED, [^\\n]+; ALTER TABLE ${desk.bench.name} SET LOGGED$`),
    );
    await desk.session.query(sql`DROP VIEW ${identifier(view.name)}`);
  });

  const swallowing: Readonly<Record<string, (name: string) => readonly string[]>> = {
    "a trigger": (name) => [
      `CREATE FUNCTION ${name}_swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      `CREATE TRIGGER swallow BEFORE INSERT ON ${name} FOR EACH ROW EXECUTE FUNCTION ${name}_swallow()`,
    ],
    "a rule": (name) => [`CREATE RULE swallow AS ON INSERT TO ${name} DO INSTEAD NOTHING`],
    "a policy": (name) => [
      `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
      `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`,
    ],
  };
  for (const [what, statements] of Object.entries(swallowing)) {
    test(`${what} that hides rows of the table is reported`, async () => {
      await using desk = await Desk.open(place);
      await desk.hold("a");
      for (const statement of statements(desk.bench.name)) await desk.bench.sql(statement);
      const { message, transient } = await refusal(desk.leases.insert(desk.session, claimOf(freshName(), "b")));
      assert.equal(transient, false);
      assert.match(message, /^Cannot use the leases in runs_\w+: [^\n]+; [^\n]*(polic|rule|trigger)[^\n]*$/);
    });
  }

  for (const value of ["'infinity'", "'-infinity'", "NULL"]) {
    test(`a lease that expires at ${value} is invalid, and is left unchanged`, async () => {
      await using desk = await Desk.open(place);
      await make(desk, (definition) => definition.replace("expires timestamptz NOT NULL", "expires timestamptz NULL"));
      await desk.hold("a");
      await desk.write(`expires = ${value}`);
      const { message } = await refusal(desk.read());
      assert.match(message, /^The lease of \w+ in runs_\w+ is invalid \(expires of no date\); [^\n]+$/);
      assert.deepEqual((await desk.leases.list(desk.session, "all")).leases, []);
      assert.equal(await desk.claim("b", { slack: 0, ttls: 1 }), undefined);
    });
  }

  test("a separate schema needs USAGE, and the printed definition says so", async () => {
    await using desk = await Desk.open(place);
    const schema = await place.schema();
    const leases = place.leases({ schema, name: "sera_leases" });
    assert.equal(leases.shown, `${schema}.sera_leases`);
    assert.match(
      leases.schema(),
      new RegExp(`^-- .*\\n-- GRANT USAGE ON SCHEMA "${schema}" TO ...;\\n-- GRANT SELECT,`),
    );
    assert.equal(await leases.insert(desk.session, claimOf(desk.lock, "a")), 1n);
    assert.equal((await leases.list(desk.session, "all")).leases.length, 1);
    const nowhere = place.leases({ schema: `${schema}_not`, name: "my_leases" });
    assert.equal(await nowhere.read(desk.session, desk.lock), undefined);
    assert.equal(await nowhere.claim(desk.session, claimOf(desk.lock, "a")), undefined);
    assert.match(
      (await refusal(nowhere.insert(desk.session, claimOf(desk.lock, "a")))).message,
      /^Cannot use the leases in [^\n]+: it does not exist yet, and cannot be created: [^\n]+; grant the role [^\n]+: sera doctor --lease --schema$/,
    );
    await desk.bench.sql(`DROP SCHEMA ${schema} CASCADE`);
  });

  test("functions and operators that somebody planted in the search path are not called", async () => {
    const { query } = shared.server;
    const schema = await place.schema();
    await using desk = await Desk.open(place, `options=${encodeURIComponent(`-c search_path=${schema},public`)}`);
    const { session, lock } = desk;
    const leases = place.leases({ schema: "public", name: desk.bench.name });
    const dialect = postgresDialect({ schema: "public", name: `${desk.bench.name}_runs` });
    try {
      await query(decoysIn(schema));
      await assert.rejects(session.query(sql`SELECT 1::numeric || 2::bigint`), /decoy/);
      await assert.rejects(session.query(sql`SELECT set_config('lock_timeout', '0'::name, true)`), /decoy/);
      for (const statement of createLedger(dialect)) await session.query(statement);
      const above = sql`(SELECT MAX(id) FROM ${dialect.table})`;
      const claim = claimOf(lock, "a");
      assert.equal(await leases.insert(session, claim, above), 1n);
      assert.equal(await leases.claim(session, claim, above), 1n);
      assert.equal(await leases.claim(session, claimOf(lock, "b", { slack: 0, ttls: 1 }), above), undefined);
      const { owner, fence, beat } = (await leases.read(session, lock))!;
      assert.equal(await leases.claim(session, claimOf(lock, "b", { seen: { owner, fence, beat } })), 2n);
      const mine = { owner: ownerOf("b"), fence: 2n };
      assert.ok(await leases.renew(session, lock, mine, HOUR));
      assert.deepEqual((await leases.list(session, { namespace: "x" })).leases, []);
      assert.equal((await leases.list(session, { lock })).leases.length, 1);
      assert.equal(await leases.release(session, lock, mine), true);
    } finally {
      await query(`DROP TABLE IF EXISTS ${desk.bench.name}_runs`);
      await query(`DROP SCHEMA ${schema} CASCADE`);
    }
  });

  test("a database in LATIN1 replaces what it cannot hold in a host and a label", async () => {
    await shared.server.query(
      "CREATE DATABASE leases_latin1 OWNER sera ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    const url = new URL(shared.server.url());
    url.pathname = "leases_latin1";
    const session = await leasedSession(url.href);
    try {
      const leases = place.leases({ name: "sera_leases" });
      const lock = freshName();
      assert.equal(await leases.insert(session, { ...claimOf(lock, "a"), host: "é", label: "log é" }), 1n);
      const { host, label } = (await leases.read(session, lock))!;
      assert.deepEqual([host, label], ["é", "log é"]);
      assert.equal(await leases.claim(session, { ...claimOf(lock, "a"), host: "é😀", label: "log 😀" }), 1n);
      assert.equal((await leases.read(session, lock))!.label, "log ?");
    } finally {
      await session.close();
    }
  });
}

/** A run that is going on, and its end. */
async function runningIn({ session }: Desk, table: TableName): Promise<Ending> {
  const dialect = postgresDialect(table);
  for (const statement of createLedger(dialect)) await session.query(statement);
  await session.query(
    sql`INSERT INTO ${dialect.table} (id, lock_name, started, outcome) VALUES (7, 'x', ${dialect.now}, 'running')`,
  );
  return {
    table: dialect.table,
    assignments: { outcome: word("succeeded") },
    condition: { id: sql`7`, outcome: word("running") },
  };
}
