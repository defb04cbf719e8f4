/** Tables of leases on MySQL and MariaDB. */

import assert from "node:assert/strict";
import { mariaDbUnavailable, startMariaDb } from "../../servers/mariadb.ts";
import { sharedMariaDb, sharedMySql56, SharedServer } from "../shared_server.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { sql, word } from "../../../lib/backends/sql/statement.ts";
import { leaseTableContract } from "../sql/lease/contract.ts";
import { claimOf, Desk, HOUR, ownerOf } from "../sql/lease/desk.ts";
import { refusal } from "../sql/lease/trouble.ts";
import { mySqlLeasePlace } from "./lease_place.ts";

/** Session settings in a DSN that must not affect leases. */
const SETTINGS = [
  "charset=latin1",
  "charset=utf8mb4&collation=utf8mb4_unicode_ci",
  "sql_mode=%27ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,IGNORE_SPACE%27",
  "sql_mode=%27TRADITIONAL%27",
  "sql_mode=%27%27",
  "sql_safe_updates=1",
  "autocommit=0",
  "time_zone=%27%2B09:00%27",
  "tx_isolation=%27SERIALIZABLE%27",
  "tx_isolation=%27READ-COMMITTED%27",
];

/** Settings that only MariaDB has. */
const MARIADB_SETTINGS = [
  "sql_mode=%27ORACLE%27",
  "sql_mode=%27SIMULTANEOUS_ASSIGNMENT,STRICT_ALL_TABLES%27",
  "sql_mode=%27EMPTY_STRING_IS_NULL%27",
];

for (const [shared, label] of [[sharedMariaDb(), "MariaDB"], [sharedMySql56(), "MySQL 5.6"]] as const) {
  const place = mySqlLeasePlace(shared, label);
  const { test } = place;
  leaseTableContract(place);

  /** The table as sera makes it, changed by the test. */
  const make = async ({ bench, leases }: Desk, change: (definition: string) => string) => {
    const definition = leases.schema().replaceAll(/^--.*\n/gm, "").replace(/`runs_\w+`/, bench.name);
    const changed = change(definition);
    assert.notEqual(changed, definition);
    await bench.sql(changed);
  };

  for (const params of label === "MariaDB" ? [...SETTINGS, ...MARIADB_SETTINGS] : SETTINGS) {
    test(`leases are the same with ${decodeURIComponent(params)}`, async () => {
      await using desk = await Desk.open(place, params);
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
      const [row] = await desk.bench.sql(`SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), since) AS since,
        TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), expires) AS expires FROM ${desk.bench.name}`);
      assert.ok(Number(row!.since) > -30 && Number(row!.since) <= 0, `${row!.since}`);
      assert.ok(Number(row!.expires) > 30 && Number(row!.expires) <= 60, `${row!.expires}`);
    });
  }

  for (const value of ["'0000-00-00 00:00:00'", "NULL"]) {
    test(`a lease that expires at ${value} is invalid, and is left unchanged`, async () => {
      await using desk = await Desk.open(place);
      await make(desk, (definition) => definition.replace("expires DATETIME(3) NOT NULL", "expires DATETIME(3) NULL"));
      await desk.hold("a");
      await desk.write(`expires = ${value}`);
      const { message } = await refusal(desk.read());
      assert.match(message, /^The lease of \w+ in runs_\w+ is invalid \(expires of no date\); [^\n]+$/);
      assert.deepEqual((await desk.leases.list(desk.session, "all")).leases, []);
    });
  }

  for (const engine of ["MEMORY", "BLACKHOLE"]) {
    test(`a table of the engine ${engine} is refused`, async () => {
      await using desk = await Desk.open(place);
      const there = await desk.bench.sql(
        `SELECT 1 FROM information_schema.ENGINES WHERE ENGINE = '${engine}' AND SUPPORT <> 'NO'`,
      );
      if (there.length === 0) return;
      await make(desk, (definition) => definition.replace("InnoDB", engine));
      const { message, transient } = await refusal(desk.acquire("a"));
      assert.equal(transient, false);
      assert.match(
        message,
        new RegExp(
          `^Cannot use the leases in runs_\\w+: the table keeps nothing \\(engine ${engine}\\), [^\n]*; ALTER TABLE runs_\\w+ ENGINE=InnoDB$`,
        ),
      );
      assert.deepEqual(await desk.bench.sql(`SELECT * FROM ${desk.bench.name}`), []);
    });
  }

  for (const mode of ["", "STRICT_ALL_TABLES"]) {
    for (const [column, length] of [["name", 20], ["owner", 31]] as const) {
      test(`a table whose ${column} is too short is refused, sql_mode '${mode}'`, async () => {
        await using desk = await Desk.open(place, `sql_mode=%27${mode}%27`);
        await make(
          desk,
          (definition) => definition.replace(`${column} VARCHAR(64)`, `${column} VARCHAR(${length})`),
        );
        const { message } = await refusal(desk.acquire("a"));
        assert.match(message, /^Cannot use the leases in runs_\w+: [^\n]+; [^\n]*sera doctor --lease --schema[^\n]*$/);
      });
    }

    test(`a table in latin1 replaces what it cannot hold in a host and a label, sql_mode '${mode}'`, async () => {
      await using desk = await Desk.open(place, `sql_mode=%27${mode}%27`);
      await make(
        desk,
        (definition) =>
          definition.replaceAll("CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "CHARACTER SET latin1 COLLATE latin1_bin"),
      );
      const claim = { ...claimOf(desk.lock, "a"), host: "w😀", label: "log 😀" };
      assert.equal(await desk.leases.insert(desk.session, claim), 1n);
      const { host, label } = await desk.held();
      assert.match(`${host} ${label}`, /^w\?{1,4} log \?{1,4}$/);
    });
  }

  test("a table whose fence column is text is refused", async () => {
    await using desk = await Desk.open(place, "sql_mode=%27STRICT_ALL_TABLES%27");
    await make(desk, (definition) => definition.replace("fence BIGINT", "fence VARCHAR(40)"));
    await desk.leases.release(desk.session, desk.lock, await desk.hold("a"));
    await desk.write("fence = '1 or more'");
    const { message, transient } = await refusal(desk.claim("b"));
    assert.equal(transient, false);
    assert.match(
      message,
      /^Cannot use the leases in runs_\w+: [^\n]*1 or more[^\n]*; fix the trigger, [^\n]+ sera doctor --lease --schema\)$/,
    );
  });

  for (const key of ["UNIQUE (name(10))", "PRIMARY KEY (name, fence)"]) {
    test(`a table with ${key} may have a lock's row twice, or refuse another's, and is refused`, async () => {
      await using desk = await Desk.open(place);
      await make(desk, (definition) => definition.replace(" PRIMARY KEY", "").replace("since", `${key}, since`));
      assert.match(
        (await refusal(desk.acquire("a"))).message,
        /: it may have several rows with the same name, [^\n]+; define it as/,
      );
      assert.equal(await desk.row(), undefined);
    });
  }

  test("a server that has become read-only is retried", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    await desk.bench.sql("SET GLOBAL read_only = 1");
    try {
      for (
        const ask of [
          () => desk.claim("b", { slack: 0, ttls: 0 }),
          () => desk.leases.insert(desk.session, claimOf(desk.lock, "b")),
          () => desk.leases.renew(desk.session, desk.lock, mine, HOUR),
          () => desk.leases.release(desk.session, desk.lock, mine),
        ]
      ) {
        const { message, transient } = await refusal(ask());
        assert.equal(transient, true);
        assert.match(message, /read-only[^\n]*; name the primary, or make the server writable \(read_only\)$/);
      }
      assert.equal((await desk.held()).owner, mine.owner);
    } finally {
      await desk.bench.sql("SET GLOBAL read_only = 0");
    }
    assert.ok(await desk.leases.renew(desk.session, desk.lock, mine, HOUR));
  });

  test("an answer with rows where none were requested is malformed", async () => {
    await using desk = await Desk.open(place);
    const mine = await desk.hold("a");
    const querier = { where: "a proxy", queryAll: () => Promise.resolve([{ affected: "1" }]) };
    assert.match(
      (await refusal(desk.leases.renew(querier, desk.lock, mine, HOUR))).message,
      /the server's answer is invalid \(unexpected columns\)/,
    );
  });
}

/** One that writes a log of statements, and knows all names in lower case. */
const logging = new SharedServer("MariaDB with a log of statements", mariaDbUnavailable, () =>
  startMariaDb({
    extraArgs: ["--log-bin", "--server-id=1", "--binlog-format=STATEMENT", "--lower-case-table-names=1"],
  }));

logging.test("leases are the same there, and no statement would have another effect on a replica", async () => {
  const place = mySqlLeasePlace(logging, "");
  await using desk = await Desk.open(place);
  await using ledger = await place.bench();
  const dialect = place.ledger(ledger.table);
  for (const statement of createTable(dialect)) await desk.session.query(statement);
  const warnings = async () => (await desk.session.queryAll(sql`SHOW WARNINGS`)).map(({ Message }) => Message);
  const last = sql`(SELECT MAX(id) FROM ${dialect.table})`;
  assert.ok(await desk.acquire("a", "nobody", last));
  assert.deepEqual(await warnings(), []);
  assert.equal(await desk.claim("b", { slack: 0, ttls: 1 }), undefined);
  await desk.write(`expires = ${place.ago(3 * HOUR)}`);
  assert.equal(await desk.claim("b", { slack: HOUR, ttls: 1 }, last), 2n);
  assert.deepEqual(await warnings(), []);
  assert.ok(await desk.leases.renew(desk.session, desk.lock, { owner: ownerOf("b"), fence: 2n }, HOUR));
  assert.deepEqual(await warnings(), []);
  await desk.session.query(
    sql`INSERT INTO ${dialect.table} (id, lock_name, started, outcome) VALUES (7, 'x', ${dialect.now}, 'running')`,
  );
  const ending = { table: dialect.table, assignments: { outcome: word("failed") }, condition: { id: sql`7` } };
  const mine = { owner: ownerOf("b"), fence: 2n };
  assert.equal(await desk.leases.release(desk.session, desk.lock, mine, ending), true);
  assert.deepEqual(await warnings(), []);
  const upper = place.leases({ name: desk.bench.table.name.toUpperCase() });
  assert.equal(await upper.insert(desk.session, claimOf(desk.lock, "c")), 3n);
});
