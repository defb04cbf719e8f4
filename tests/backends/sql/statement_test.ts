import assert from "node:assert/strict";
import { MYSQL, POSTGRESQL, SQLITE } from "../../../lib/backends/sql/quoting.ts";
import {
  administratorsSql,
  comment,
  identifier,
  join,
  sql,
  Statement,
  variable,
  word,
} from "../../../lib/backends/sql/statement.ts";

/** What breaks out of quotes, comments and statements somewhere. */
const HOSTILE = [
  "'",
  "''",
  "\\'",
  "\\",
  '"',
  "`",
  "x'); DROP TABLE x; --",
  "*/",
  "/*",
  "/*!",
  "--",
  "#",
  ";",
  "$$",
  "?",
  "${x}",
  ":x",
  "%",
  "\0",
  "\n",
  "\r",
  "\u00a5'",
  // What gbk and sjis take for the first half of a character, before a quote or a backslash.
  "\u00bf'",
  "\u0083\\",
  "\ud800'",
  "\u02bc",
  "\uff07",
  "\u{1f600}",
  "é",
];

const EVERY = [MYSQL, POSTGRESQL, SQLITE];

Deno.test("text becomes a hexadecimal literal in each database's syntax", () => {
  const statement = sql`SELECT ${"it's"}`;
  assert.equal(statement.textFor(MYSQL), "SELECT _utf8mb4 X'69742773'");
  assert.equal(statement.textFor(POSTGRESQL), "SELECT convert_from(decode('69742773', 'hex'), 'UTF8'::name)");
  assert.equal(statement.textFor(SQLITE), "SELECT CAST(X'69742773' AS TEXT)");
  for (const quoting of EVERY) {
    const plain = sql`SELECT ${"x"}`.textFor(quoting);
    for (const text of HOSTILE) {
      const written = sql`SELECT ${text}`.textFor(quoting);
      assert.equal(written.replaceAll(/[0-9a-f]{2}/g, ""), plain.replaceAll(/[0-9a-f]{2}/g, ""), text);
    }
  }
});

Deno.test("names, words and variables are checked character by character", () => {
  const table = sql`${identifier("sera_runs")}`;
  assert.deepEqual(EVERY.map((quoting) => table.textFor(quoting)), ["`sera_runs`", '"sera_runs"', '"sera_runs"']);
  assert.equal(word("utf8mb4").textFor(MYSQL), "'utf8mb4'");
  assert.equal(word("5373fa7d.2of3").textFor(MYSQL), "'5373fa7d.2of3'");
  for (const text of [".", ".a", "a.", "a..b"]) assert.throws(() => word(text), RangeError, text);
  assert.equal(variable("@@SESSION.sql_mode").textFor(MYSQL), "@@SESSION.sql_mode");
  for (const make of [identifier, word, variable]) {
    // In quotes, or in a variable's name, these end nothing.
    const hostile = HOSTILE.filter((text) => text !== "--" && text !== "$$");
    for (const text of ["", ...hostile.flatMap((text) => [text, `a${text}`, `${text}a`]), "a b", "a\n"]) {
      assert.throws(() => make(text), RangeError, `${make.name}: ${JSON.stringify(text)}`);
    }
  }
  assert.throws(() => identifier("1a"), RangeError);
  assert.throws(() => identifier("a".repeat(64)), RangeError);
});

Deno.test("text cannot end its comment early", () => {
  assert.equal(comment('sera {"a\\u0027b":1}').textFor(MYSQL), '/* sera {"a\\u0027b":1} */');
  const bad = ["*", "/", "*/", "'", ";", "?", "\n", "\0", "é", "\ud800", "\x7f"];
  for (const text of bad) assert.throws(() => comment(`a${text}b`), RangeError, JSON.stringify(text));
});

Deno.test("numbers are whole and exact", () => {
  assert.equal(sql`${7} ${-7} ${2n ** 64n}`.textFor(MYSQL), "7 -7 18446744073709551616");
  for (const number of [NaN, Infinity, -Infinity, 1.5, 2 ** 53, 1e300]) assert.throws(() => sql`${number}`, RangeError);
  // What has come through without a check, whatever its type says.
  for (const odd of [undefined, null, {}, [], ["1"], true]) assert.throws(() => sql`${odd as number}`, RangeError);
});

Deno.test("statements are put together of parts", () => {
  const parts = ["a", "b'"].map((text) => sql`${identifier("name")} = ${text}`);
  assert.equal(
    sql`SELECT 1 WHERE ${join(parts, sql` OR `)}`.textFor(SQLITE),
    `SELECT 1 WHERE "name" = CAST(X'61' AS TEXT) OR "name" = CAST(X'6227' AS TEXT)`,
  );
  assert.equal(join([]).textFor(SQLITE), "");
  assert.equal(administratorsSql("'UTC'").textFor(MYSQL), "'UTC'");
});

Deno.test("a string is not accepted as a statement, nor a statement as a string", () => {
  const run = (statement: Statement) => statement.textFor(SQLITE);
  // @ts-expect-error A string is no statement.
  assert.throws(() => run("SELECT 1"), TypeError);
  // @ts-expect-error Nor is what looks like one.
  run({ textFor: () => "SELECT 1" });
  // @ts-expect-error A statement is made by the template alone.
  assert.ok(new Statement(["SELECT 1"]));
  // By oversight it would be `[object Object]`.
  assert.throws(() => `${sql`SELECT 1`}`, TypeError);
});
