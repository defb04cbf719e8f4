/** The effect of the DSN's parameters, read in the session itself. */

import assert from "node:assert/strict";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { parseMySql } from "../parse.ts";
import { ask, assertUnavailable } from "./ask.ts";
import { never, plainSession } from "../open.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const CHARSET = "SELECT @@character_set_client AS charset, @@collation_connection AS collation";
const COMPRESSION = "SHOW SESSION STATUS LIKE 'Compression'";

/** Parameters, a statement, and the values that it answers. */
const HONOURED: [string, string, unknown[]][] = [
  ["charset=latin1", CHARSET, ["latin1", "latin1_swedish_ci"]],
  ["charset=utf8mb4", CHARSET, ["utf8mb4", "utf8mb4_general_ci"]],
  // The first that the server knows.
  ["charset=klingon,latin2,latin1", CHARSET, ["latin2", "latin2_general_ci"]],
  ["charset=latin1&collation=latin1_german1_ci", CHARSET, ["latin1", "latin1_german1_ci"]],
  ["collation=utf8mb4_bin", CHARSET, ["utf8mb4", "utf8mb4_bin"]],
  ["collation=latin1_bin", CHARSET, ["latin1", "latin1_bin"]],
  ["compress=true", COMPRESSION, ["Compression", "ON"]],
  ["compress=false", COMPRESSION, ["Compression", "OFF"]],
  ["", COMPRESSION, ["Compression", "OFF"]],
  // The lease has the last word, here one of 30 seconds.
  ["wait_timeout=77", "SELECT @@session.wait_timeout", [30]],
  ["net_read_timeout=77", "SELECT @@session.net_read_timeout", [77]],
  ["time_zone=%27%2B02%3A00%27", "SELECT @@session.time_zone", ["+02:00"]],
  ["sql_mode=%27ANSI_QUOTES%27&net_read_timeout=78", "SELECT @@sql_mode, @@net_read_timeout", ["ANSI_QUOTES", 78]],
  ["net_read_timeout=1&net_read_timeout=79", "SELECT @@net_read_timeout", [79]],
  // What sera's own statements need: in UTF-16 and UTF-32 the name of a lock would end at once.
  ["autocommit=0", "SELECT @@autocommit", [1]],
  ["collation_connection=utf16_general_ci", "SELECT LENGTH('a')", [1]],
  ["@@collation_connection=54", "SELECT LENGTH('a')", [1]],
  ["@@session.character_set_connection=CONCAT('utf','32')", "SELECT LENGTH('a')", [1]],
  ["collation=latin1_bin&character_set_connection=ucs2", CHARSET, ["latin1", "latin1_bin"]],
  ["net_read_timeout=@@global.net_read_timeout&net_write_timeout=60%2B1", "SELECT @@net_write_timeout", [61]],
  // Without a meaning for a lock.
  ["parseTime=true&loc=Europe%2FParis&interpolateParams=true&multiStatements=true&clientFoundRows=true", "SELECT 1", [
    1,
  ]],
  ["rejectReadOnly=true&maxAllowedPacket=0&checkConnLiveness=false&writeTimeout=1s&readTimeout=1s", "SELECT 1", [1]],
];

const REFUSED: [string, RegExp][] = [
  ["no_such_variable=1", /Unknown system variable 'no_such_variable'; correct or remove the parameter in the DSN$/],
  ["wait_timeout=%27soon%27", /Incorrect argument type to variable 'wait_timeout'; correct the parameter in the DSN$/],
  [
    "sql_mode=%27NONSENSE%27",
    /Variable 'sql_mode' can't be set to the value of 'NONSENSE'; correct the parameter in the/,
  ],
  ["time_zone=+02:00", /syntax to use .*; check the session variables in the DSN: their values are SQL, such as/],
  ["time_zone=Nowhere", /Unknown or incorrect time zone: 'Nowhere'; correct the parameter in the DSN, or load/],
  ["time_zone=UTC%2B1", /Unknown column 'UTC' in '(SET'; check the session variables in the DSN: .*|field list')$/],
  ["max_connections=10", /Variable 'max_connections' is a GLOBAL variable/],
  ["charset=klingon", /Unknown character set: 'klingon'; correct charset in the DSN$/],
  ["collation=utf8mb4_klingon_ci", /Unknown collation: 'utf8mb4_klingon_ci'; correct collation in the DSN$/],
  ["charset=latin1&collation=utf8mb4_bin", /COLLATION 'utf8mb4_bin' is not valid for CHARACTER SET 'latin1'; correct/],
];

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.test("a server's init_connect does not choose UTF-16 for the names of locks", async (server) => {
    await server.query("SET GLOBAL init_connect = 'SET collation_connection = utf16_general_ci'");
    try {
      assert.equal((await ask(server.dsn(), "SELECT LENGTH('a') AS length")).length, 1);
    } finally {
      await server.query("SET GLOBAL init_connect = ''");
    }
  });

  for (const [params, sql, values] of HONOURED) {
    shared.test(`${params || "no parameter"}: ${sql}`, async (server) => {
      assert.deepEqual(Object.values(await ask(server.dsn(params), sql)), values);
    });
  }

  for (const [params, message] of REFUSED) {
    shared.test(`${params} is an error`, async (server) => {
      await assertUnavailable(server.dsn(params), message);
    });
  }

  shared.test("connection attributes name sera, and what the DSN adds", async (server) => {
    const sql = `SELECT GROUP_CONCAT(CONCAT(attr_name, '=', attr_value) ORDER BY attr_name) AS attributes
      FROM performance_schema.session_account_connect_attrs WHERE processlist_id = CONNECTION_ID()
      AND attr_name IN ('program_name', 'role', 'dc')`;
    await server.query("GRANT SELECT ON performance_schema.* TO 'sera'@'127.0.0.1'");
    assert.equal((await ask(server.dsn(""), sql)).attributes, "program_name=sera");
    const params = "connectionAttributes=role:night%20job,dc:eu:1,nothing";
    assert.equal((await ask(server.dsn(params), sql)).attributes, "dc=eu:1,program_name=sera,role=night job");
    const renamed = "connectionAttributes=program_name:backup";
    assert.equal((await ask(server.dsn(renamed), sql)).attributes, "program_name=backup");
  });

  for (const [ttl, seconds] of [[3000, 3], [4500, 5], [86_400_000, 86_400]] as const) {
    shared.test(`with a TTL of ${ttl} ms the server ends the session after ${seconds} idle seconds`, async (server) => {
      for (const params of ["", "wait_timeout=77"]) {
        const dsn = await parseMySql(server.dsn(params));
        const session = await openMySqlSession(dsn, { ...plainSession, lease: { ttl, grace: 0 } }, never);
        const row = await session.query(sql`SELECT @@session.wait_timeout AS seconds`);
        await session.close();
        assert.equal(row.seconds, seconds);
      }
    });
  }
}
