/** `sera doctor` with a ledger in MySQL and MariaDB: it fails exactly when a run would, and leaves nothing. */

import { mySqlDialect } from "../../lib/backends/mysql/ledger.ts";
import { createTable } from "../../lib/backends/sql/schema.ts";
import { MYSQL } from "../../lib/backends/sql/quoting.ts";
import { sharedMariaDb, sharedMySql56 } from "../backends/shared_server.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { type Kind, rights, type SetUp, testAll } from "./doctor_set_up.ts";

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
    says: /^fail .*no rows today; fix the trigger/,
  },
  {
    what: "a table whose numbers cannot be negative",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT", ALL],
    says: /^pass it can be read and written/,
  },
  {
    what: "a table without transactions",
    before: [...MYSQL_KIND.ledger, "ALTER TABLE jobs.sera_runs ENGINE=MyISAM", ALL],
    says:
      /^warn .*it has no run yet; no test run was written, since MyISAM tables cannot roll back; ALTER TABLE jobs\.sera_runs ENGINE=InnoDB$/,
  },
  {
    what: "sessions that end with a transaction",
    before: [...MYSQL_KIND.ledger, ALL],
    parameters: "completion_type=2",
    says: /^pass it can be read and written; it has no run yet$/,
  },
  {
    what: "a table without transactions, and no right to delete",
    before: [
      ...MYSQL_KIND.ledger,
      "ALTER TABLE jobs.sera_runs ENGINE=MyISAM",
      `GRANT SELECT, INSERT, UPDATE ON jobs.sera_runs TO ${TESTER}`,
    ],
    says: /^warn .*old runs are never deleted/,
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

testAll(sharedMariaDb(), MYSQL_KIND, MYSQL_SET_UPS);
testAll(sharedMySql56(), MYSQL_KIND, MYSQL_SET_UPS);
