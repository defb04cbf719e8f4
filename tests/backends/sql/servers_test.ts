/** That values and marks are what they are on servers, whatever a session is set to. */

import assert from "node:assert/strict";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import { markOf, readMark } from "../../../lib/backends/sql/mark.ts";
import type { Session } from "../../../lib/backends/sql/session.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { MySqlBackend } from "../../../lib/backends/mysql/backend.ts";
import { PostgresBackend } from "../../../lib/backends/postgres/backend.ts";
import { parse } from "../parse.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { never, plainSession } from "../open.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../shared_server.ts";

/** What ends a literal, a comment or a statement in some mode or character set, and text of every width. */
const TEXTS = [
  "'; SELECT 1; -- ",
  "\\'; SELECT 1; -- ",
  "\\\\",
  '"; SELECT 1; -- ',
  "*/; SELECT 1; /*",
  "*\\/ /*! SELECT 1 */",
  "\u00bf'; SELECT 1; #",
  "\u00bf\\'; SELECT 1; #",
  "\u95d5'",
  "\u0083'\u0095\\",
  "\ud800*/",
  "x\n\r\t\u2028*/",
  "${1} ? :x $1 $$",
  "é漢😀",
  " ".repeat(3),
  "",
];

const MYSQL_SETTINGS = [
  "",
  "charset=gbk",
  "charset=sjis",
  "charset=big5",
  "charset=latin1",
  "sql_mode=%27ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT%27",
  "charset=gbk&sql_mode=%27NO_BACKSLASH_ESCAPES%27",
  "multiStatements=true",
];

const POSTGRES_SETTINGS = [
  "",
  "options=-c%20standard_conforming_strings%3Doff%20-c%20backslash_quote%3Don",
  "options=-c%20bytea_output%3Descape",
];

async function sessionOf(setting: string): Promise<Session> {
  const server = await parse(setting);
  if (server instanceof MySqlBackend) return await openMySqlSession(server.dsn, plainSession, never);
  if (server instanceof PostgresBackend) return await openPostgresSession(server.server, plainSession, never);
  throw new Error(`no database: ${setting}`);
}

/** Asserts that each text is one value in one statement, alone and in the mark of a session. */
async function valuesStay(setting: string, decode: (value: unknown) => string): Promise<void> {
  const session = await sessionOf(setting);
  const hex = setting.startsWith("postgres:")
    ? (text: string) => sql`encode(convert_to(${text}, 'UTF8'), 'hex')`
    : (text: string) => sql`HEX(${text})`;
  try {
    for (const text of TEXTS) {
      const presence = { lock: lockName("a"), host: text, pid: 1, label: text };
      session.mark = markOf(presence);
      const rows = await session.queryAll(sql`SELECT ${hex(text)} AS value, 7 AS seven`);
      assert.equal(rows.length, 1, text);
      assert.equal(decode(rows[0]!.value), text.toWellFormed());
      assert.equal(Number(rows[0]!.seven), 7);
    }
  } finally {
    await session.close();
  }
}

const fromHex = (value: unknown) => new TextDecoder().decode(Uint8Array.fromHex(String(value)));

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  for (const params of MYSQL_SETTINGS) {
    shared.test(`${decodeURIComponent(params) || "nothing special"}: a text is a value`, async (server) => {
      await valuesStay(server.dsn(params), fromHex);
    });
  }

  shared.test("an administrator's SQL stays one statement, whatever it contains", async (server) => {
    for (const params of ["tz=1", "time_zone=%27UTC%27%3B%20DROP%20DATABASE%20sera", "multiStatements=true&x=1%3Bx"]) {
      await assert.rejects(
        sessionOf(server.dsn(params)),
        /^Error: Cannot lock on [^\n]*(syntax|[Uu]nknown system variable)[^\n]*$/,
      );
    }
    const session = await sessionOf(server.dsn("multiStatements=true&time_zone=%27%2B03:00%27"));
    try {
      assert.equal((await session.query(sql`SELECT @@SESSION.time_zone AS zone`)).zone, "+03:00");
      // The server accepts several statements, as batches need, but an unexpected second answer is an error.
      await assert.rejects(session.query(sql`SELECT 1; SELECT 2`), /more results than asked for/);
    } finally {
      await session.close();
    }
  });
}

const postgres = sharedPostgres();
for (const params of POSTGRES_SETTINGS) {
  postgres.test(`${decodeURIComponent(params) || "nothing special"}: a text is a value`, async (server) => {
    await valuesStay(server.url(params), fromHex);
    const session = await sessionOf(server.url(params));
    try {
      session.mark = markOf({ lock: lockName("a"), host: "h", pid: 1, label: TEXTS[3]! });
      const { query } = await session.query(
        sql`SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
      );
      assert.equal(readMark(String(query))?.label, TEXTS[3]);
    } finally {
      await session.close();
    }
  });
}
