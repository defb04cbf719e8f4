import assert from "node:assert/strict";
import { parse } from "../parse.ts";

/** Settings and variables, and what of them is not in the setting's text. */
const CASES: readonly [text: string, env: Record<string, string>, parts: readonly string[]][] = [
  ["postgres://u@h/d", { PGHOST: "other", PGDATABASE: "other", PGUSER: "other" }, []],
  ["host=h dbname=d\n", { PGDATABASE: "other" }, []],
  ["postgres://u@h", { PGDATABASE: "d" }, ["database from PGDATABASE"]],
  ["postgres://u@h", { PGUSER: "other" }, []],
  ["postgres://h", { PGUSER: "u" }, ["database from PGUSER"]],
  ["postgres://h", {}, ["database from the system's name of the user"]],
  ["postgres:///d", { PGHOST: "h", PGPORT: "5433" }, ["host from PGHOST", "port from PGPORT"]],
  ["postgres:///d", { PGHOSTADDR: "::1" }, ["address from PGHOSTADDR"]],
  ["file:", { PGHOST: "h" }, []],
  ["u:p@tcp(h)/d", { PGHOST: "h" }, []],
];

for (const [text, env, parts] of CASES) {
  Deno.test(`${JSON.stringify(text)} with ${Object.keys(env).join(", ") || "no variables"} leaves open: ${parts}`, async () => {
    assert.deepEqual(await (await parse(text, env)).foreignParts?.() ?? [], parts);
  });
}

Deno.test("an error in a service file names its path", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "[s]\nhost=h\ndbname=d\n");
    const server = await parse("postgres://", { PGSERVICE: "s", PGSERVICEFILE: path });
    assert.deepEqual(await server.foreignParts?.(), [
      `host from host in "${path}"`,
      `database from dbname in "${path}"`,
    ]);
  } finally {
    await Deno.remove(path);
  }
});
