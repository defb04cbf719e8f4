/** Only statements reach a database; the types cannot ensure that, since drivers accept any text. */

import assert from "node:assert/strict";

const ROOT = `${import.meta.dirname}/../../..`;

/** Where statements are made. */
const STATEMENT = "lib/backends/sql/statement.ts";

/** The only files that load a driver, and which. */
const DOORS: Readonly<Record<string, string>> = {
  "lib/backends/mysql/login.ts": "mysql2",
  "lib/backends/postgres/driver.ts": "pg",
  "lib/backends/file/ledger.ts": "node:sqlite",
};

/** The only files that give a driver statements, and to which. */
const SPEAKERS: Readonly<Record<string, string>> = { ...DOORS, "lib/backends/mysql/multi_statements.ts": "mysql2" };

/** The only file in which an administrator's own text becomes SQL, see the DSN's parameters. */
const ADMINISTRATORS = ["lib/backends/mysql/set_up.ts"];

/** Where a statement becomes text for people. */
const FOR_PEOPLE = ["lib/backends/sql/schema.ts", "lib/backends/sql/lease/schema.ts"];

/** Where it becomes text to be compared with what PostgreSQL shows of it, or measured for that, and goes nowhere. */
const COMPARED = ["lib/backends/postgres/lock.ts", "lib/backends/postgres/session_info.ts"];

/** Where it becomes text. */
const TEXTS = [...Object.keys(SPEAKERS), ...FOR_PEOPLE, ...COMPARED];

function* sources(folder: string): Generator<[path: string, text: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield [path, Deno.readTextFileSync(`${ROOT}/${path}`)];
  }
}

/** A source without its doc comments, whose examples are not bound by this rule. */
function withoutComments(text: string): string {
  return text.replace(/^ *\/\*\*.*?\*\/$/gms, "");
}

/** The files of the program but the one that makes statements, in which something occurs. */
function filesWith(what: RegExp): string[] {
  return [...sources("lib")]
    .filter(([path, text]) => path !== STATEMENT && what.test(withoutComments(text)))
    .map(([path]) => path)
    .sort();
}

Deno.test("each driver is called from one file only", () => {
  const driver =
    /^import (?!type ).* from "(?:npm:)?(?:mysql2|pg|node:sqlite)[/"@]|import\("(?:npm:)?(?:mysql2|pg|node:sqlite)/m;
  assert.deepEqual(filesWith(driver), Object.keys(DOORS).sort());
});

Deno.test("only the text of a statement goes to a driver", () => {
  for (const [path, driver] of Object.entries(SPEAKERS)) {
    const text = Deno.readTextFileSync(`${ROOT}/${path}`);
    const calls = [...text.matchAll(/\b(?:connection|client|database)\.(?:query|execute|prepare|exec)\(\s*(\S+)/g)];
    assert.ok(calls.length > 0, driver);
    for (const [call, argument] of calls) {
      assert.match(argument!, /^(statement\.textFor\(|text\)|PRAGMAS\.textFor\(|textOf\(statements\))/, call);
    }
  }
});

Deno.test("only an administrator's settings become SQL unchecked, and only drivers read SQL as text", () => {
  assert.deepEqual(filesWith(/\badministratorsSql\(/), ADMINISTRATORS);
  assert.deepEqual(filesWith(/\.textFor\(/), TEXTS.sort());
});
