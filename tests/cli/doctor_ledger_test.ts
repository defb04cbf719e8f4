/** `sera doctor` with a ledger: it fails exactly when a run would, and leaves nothing. */

import assert from "node:assert/strict";
import { mySqlDialect } from "../../lib/ledger/mysql.ts";
import { postgresDialect } from "../../lib/ledger/postgres.ts";
import { createTable } from "../../lib/ledger/schema.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { MYSQL, POSTGRESQL } from "../../lib/sql/spelling.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../lock/shared_server.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { doctor } from "./doctor_report.ts";
import { sera } from "./program.ts";

/** What an administrator has made of a database, and what a run comes to there. */
interface SetUp {
  readonly what: string;
  /** Statements of the administrator's, for the database `jobs`, or the schema of that name, and the user `tester`. */
  readonly before: readonly string[];
  readonly table?: string;
  readonly flags?: readonly string[];
  /** Parameters of the server's address. */
  readonly parameters?: string;
  /** Whether an earlier run could not record its end. */
  readonly hasLeft?: boolean;
  /** What doctor has to say of the ledger, in so many words. */
  readonly says: RegExp;
}

type Server = MySqlServer | PostgresServer;

/** The difference between the kinds of servers. */
interface Kind<S extends Server> {
  address(server: S, parameters?: string): string;
  /** What is there before each set-up. */
  readonly fresh: readonly string[];
  readonly ledger: readonly string[];
  /** What an administrator sees of the tables and their rows. */
  look(server: S): Promise<unknown>;
}

const RIGHTS = ["SELECT", "INSERT", "UPDATE", "DELETE"];

const MYSQL_KIND: Kind<MySqlServer> = {
  address: ({ port }, parameters) => `tester:secret@tcp(127.0.0.1:${port})/jobs${parameters ? `?${parameters}` : ""}`,
  fresh: [
    "DROP DATABASE IF EXISTS jobs",
    "CREATE DATABASE jobs",
    "GRANT USAGE ON *.* TO 'tester'@'127.0.0.1' IDENTIFIED BY 'secret'",
    "DROP USER 'tester'@'127.0.0.1'",
    "CREATE USER 'tester'@'127.0.0.1' IDENTIFIED BY 'secret'",
    // So that the user may use the database at all.
    "GRANT CREATE VIEW ON jobs.* TO 'tester'@'127.0.0.1'",
  ],
  ledger: createTable(mySqlDialect({ schema: "jobs", name: "sera_runs" })).map((statement) => statement.textFor(MYSQL)),
  async look(server) {
    const tables = await server.query(
      "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'jobs'",
    );
    const rows = tables.length > 0 ? await server.query(`SELECT * FROM jobs.${tables[0]!.TABLE_NAME}`) : [];
    return { tables, rows };
  },
};

const POSTGRES_KIND: Kind<PostgresServer> = {
  address: ({ port, database }, parameters) =>
    `postgres://tester:secret@127.0.0.1:${port}/${database}${parameters ? `?${parameters}` : ""}`,
  fresh: [
    "DROP SCHEMA IF EXISTS jobs CASCADE",
    "DO $$ BEGIN CREATE ROLE tester LOGIN PASSWORD 'secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "DO $$ BEGIN CREATE ROLE team; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "REVOKE team FROM tester",
    "CREATE SCHEMA jobs",
    "GRANT USAGE ON SCHEMA jobs TO tester",
  ],
  ledger: createTable(postgresDialect({ schema: "jobs", name: "sera_runs" }))
    .map((statement) => statement.textFor(POSTGRESQL)),
  async look(server) {
    const tables = await server.query(
      "SELECT relname FROM pg_class WHERE relnamespace = 'jobs'::regnamespace ORDER BY 1",
    );
    const rows = tables.some(({ relname }) => relname === "sera_runs")
      ? await server.query("SELECT * FROM jobs.sera_runs")
      : [];
    return { tables, rows };
  },
};

/** Every set of privileges on a table that is there. */
function rights<S extends Server>({ ledger }: Kind<S>, grantee: string): SetUp[] {
  return Array.from({ length: 2 ** RIGHTS.length }, (_, bits) => RIGHTS.filter((_, index) => (bits >> index) % 2 === 1))
    .map((some) => {
      const lacks = RIGHTS.find((right) => !some.includes(right));
      return {
        what: `a table with ${some.join(", ") || "no right"}`,
        hasLeft: true,
        before: [...ledger, ...some.length > 0 ? [`GRANT ${some.join(", ")} ON jobs.sera_runs TO ${grantee}`] : []],
        says: lacks === undefined
          ? /^pass it can be read and written; it has no run yet$/
          : lacks === "DELETE"
          ? /^warn it can be read and written, but old runs stay in it for ever: .* denied .*; grant DELETE on it$/
          : /^fail Cannot use the ledger jobs\.sera_runs: .* denied .*; grant the (user|role) SELECT, INSERT/,
      };
    });
}

const TESTER = "'tester'@'127.0.0.1'";
const ALL = `GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.sera_runs TO ${TESTER}`;

const MYSQL_SET_UPS: readonly SetUp[] = [
  ...rights(MYSQL_KIND, TESTER),
  {
    what: "no table, and no right to create it",
    before: [`GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.* TO ${TESTER}`],
    says: /^fail .*there is no table, and it cannot be created: .*CREATE command denied.*; grant the user/,
  },
  {
    what: "no table, and the right to create it",
    before: [`GRANT CREATE, SELECT, INSERT, UPDATE ON jobs.* TO ${TESTER}`],
    says: /^pass there is no table yet; the first run creates it$/,
  },
  {
    what: "no table, and the right to create it by a wildcard",
    before: [`REVOKE ALL ON jobs.* FROM ${TESTER}`, `GRANT ALL ON \`j%\`.* TO ${TESTER}`],
    says: /^pass there is no table yet; the first run creates it$/,
  },
  {
    what: "no table, the right to create it, and none to write to it",
    before: [`GRANT CREATE, SELECT ON jobs.* TO ${TESTER}`],
    says: /^fail .*INSERT command denied/,
  },
  {
    what: "a database that is not there, as an administrator",
    before: [`GRANT ALL ON *.* TO ${TESTER}`],
    table: "nowhere.sera_runs",
    says: /^fail .*nowhere\.sera_runs: .*Unknown database 'nowhere'; create the database/,
  },
  {
    what: "another program's table",
    before: ["CREATE TABLE jobs.sera_runs (id INT PRIMARY KEY, lock_name INT)", ALL],
    says: /^fail .*this table is not sera's; name another one with --ledger-table$/,
  },
  {
    what: "a table without some columns, and no right to add them",
    before: [
      "CREATE TABLE jobs.sera_runs (id BIGINT AUTO_INCREMENT PRIMARY KEY, version INT, lock_name VARCHAR(64))",
      ALL,
    ],
    says:
      /^fail .*it lacks columns, and the user may not add them: .*ALTER command denied.*; grant the user ALTER on it$/,
  },
  {
    what: "a table without some columns, and the right to add them",
    before: [
      "CREATE TABLE jobs.sera_runs (id BIGINT AUTO_INCREMENT PRIMARY KEY, version INT, lock_name VARCHAR(64))",
      `GRANT ALL ON jobs.* TO ${TESTER}`,
    ],
    says: /^pass the table lacks columns, which the first run adds$/,
  },
  {
    what: "a trigger that refuses rows",
    before: [
      ...MYSQL_KIND.ledger,
      ALL,
      "CREATE TRIGGER jobs.refuse BEFORE INSERT ON jobs.sera_runs FOR EACH ROW " +
      "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no rows today'",
    ],
    says: /^fail .*no rows today; correct that/,
  },
  {
    what: "a table whose numbers cannot be negative",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT", ALL],
    says: /^pass it can be read and written/,
  },
  {
    what: "a table without transactions",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs ENGINE=MyISAM", ALL],
    says: /^pass it can be read and written; it has no run yet$/,
  },
  {
    what: "a table without transactions, and no right to delete",
    before: [
      ...MYSQL_KIND.ledger,
      "ALTER TABLE jobs.sera_runs ENGINE=MyISAM",
      `GRANT SELECT, INSERT, UPDATE ON jobs.sera_runs TO ${TESTER}`,
    ],
    says: /^warn .*old runs stay in it for ever/,
  },
  {
    what: "a table that keeps nothing",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs ENGINE=MEMORY", ALL],
    says: /^fail .*the table keeps nothing \(engine MEMORY\).*; ALTER TABLE jobs\.sera_runs ENGINE=InnoDB$/,
  },
  {
    what: "a table that cannot hold the label's characters, which are replaced",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs CONVERT TO CHARACTER SET latin1", ALL],
    flags: ["--label", "\u{1f600}"],
    says: /^pass it can be read and written/,
  },
  {
    what: "a table that cannot hold the key's characters",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs CONVERT TO CHARACTER SET latin1", ALL],
    flags: ["--once", "\u{1f600}"],
    says: /^fail .*; use a key of plain ASCII/,
  },
  {
    what: "a user who may have one connection",
    before: [
      ...MYSQL_KIND.ledger,
      ALL,
      `GRANT USAGE ON *.* TO ${TESTER} WITH MAX_USER_CONNECTIONS 1`,
    ],
    says: /^pass it can be read and written/,
  },
];

const POSTGRES_SET_UPS: readonly SetUp[] = [
  ...rights(POSTGRES_KIND, "tester"),
  {
    what: "no table, and no right to create it",
    before: [],
    says: /^fail .*it cannot be (made|created): .*permission denied for schema jobs; grant the role/,
  },
  {
    what: "no table, and the right to create it as a member of a role",
    before: ["GRANT CREATE ON SCHEMA jobs TO team", "GRANT team TO tester"],
    says: /^pass there is no table yet; the first run creates it$/,
  },
  {
    what: "a schema that is not there",
    before: [],
    table: "nowhere.sera_runs",
    says: /^fail .*schema "nowhere" does not exist/,
  },
  {
    what: "a search_path that leads nowhere",
    before: [],
    table: "sera_runs",
    parameters: "options=-csearch_path%3Dnowhere",
    says: /^fail .*no schema has been selected to create in/,
  },
  {
    what: "sessions that are read-only",
    before: [...POSTGRES_KIND.ledger, "GRANT ALL ON jobs.sera_runs TO tester"],
    parameters: "options=-cdefault_transaction_read_only%3Don",
    says: /^fail .*cannot execute INSERT in a read-only transaction/,
  },
  {
    what: "another program's table",
    before: ["CREATE TABLE jobs.sera_runs (id int)", "GRANT ALL ON jobs.sera_runs TO tester"],
    says: /^fail .*this table is not sera's; name another one with --ledger-table$/,
  },
  {
    what: "a table without a column, and no right to add it",
    before: [
      ...POSTGRES_KIND.ledger,
      "ALTER TABLE jobs.sera_runs DROP COLUMN label",
      "GRANT ALL ON jobs.sera_runs TO tester",
    ],
    says: /^fail .*must be owner of table sera_runs/,
  },
  {
    what: "a table without a column, and the right to add it",
    before: [
      ...POSTGRES_KIND.ledger,
      "ALTER TABLE jobs.sera_runs DROP COLUMN label",
      "ALTER TABLE jobs.sera_runs OWNER TO tester",
    ],
    says: /^pass it can be read and written/,
  },
  {
    what: "a table that a crash empties",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "ALTER TABLE jobs.sera_runs SET UNLOGGED",
    ],
    says: /^fail .*the table is UNLOGGED.*; ALTER TABLE jobs\.sera_runs SET LOGGED$/,
  },
  {
    what: "a policy that refuses rows",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "ALTER TABLE jobs.sera_runs ENABLE ROW LEVEL SECURITY",
    ],
    says: /^fail .*row-level security/,
  },
  {
    what: "a trigger that refuses rows at the end of a transaction",
    before: [
      ...POSTGRES_KIND.ledger,
      "GRANT ALL ON jobs.sera_runs TO tester",
      "CREATE FUNCTION jobs.refuse() RETURNS trigger LANGUAGE plpgsql AS " +
      "$$ BEGIN RAISE EXCEPTION 'no rows today'; END $$",
      "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON jobs.sera_runs DEFERRABLE INITIALLY DEFERRED " +
      "FOR EACH ROW EXECUTE FUNCTION jobs.refuse()",
    ],
    says: /^fail .*no rows today; correct that/,
  },
];

/** What a run leaves that could not record its end. */
function leave(): string {
  return `INSERT INTO jobs.sera_runs (lock_name, started, outcome)
    VALUES ('${lockName("true")}', '2026-01-01 00:00:00', 'running')`;
}

/** Defines a test of each set-up. */
function testAll<S extends Server>(
  { test }: { test(name: string, fn: (server: S) => Promise<void>): void },
  kind: Kind<S>,
  setUps: readonly SetUp[],
): void {
  for (const { what, before, hasLeft, table = "jobs.sera_runs", parameters, flags: more = [], says } of setUps) {
    test(`doctor fails if a run does: ${what}`, async (server) => {
      for (const statement of [...kind.fresh, ...before]) await server.query(statement);
      const flags = ["--server", kind.address(server, parameters), "--ledger-table", table, "--every", "1ms", ...more];
      const seen = await kind.look(server);
      const told = await doctor(flags);
      assert.deepEqual(await kind.look(server), seen, "doctor has changed something");
      assert.match(told.checks.get("ledger") ?? told.stdout, says);
      // Who may not record an end is refused from the second run on.
      if (hasLeft) await server.query(leave());
      const run = await sera([...flags, "0", "true"]);
      assert.equal(told.code, run.code, `${told.stdout}${run.stderr}`);
      assert.equal(told.code === 0, !told.checks.get("ledger")!.startsWith("fail"));
    });
  }
}

const mariaDb = sharedMariaDb();
testAll({ test: (name, fn) => mariaDb.test(name, fn) }, MYSQL_KIND, MYSQL_SET_UPS);
const mysql56 = sharedMySql56();
testAll({ test: (name, fn) => mysql56.test(name, fn) }, MYSQL_KIND, MYSQL_SET_UPS);
const postgres = sharedPostgres();
testAll({ test: (name, fn) => postgres.test(name, fn) }, POSTGRES_KIND, POSTGRES_SET_UPS);
