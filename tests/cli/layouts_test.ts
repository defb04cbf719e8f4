/** Tables as the first versions made them; from 1.0.0 on their columns stay, and new ones may only be added. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { mariaDbTarget, postgresTarget } from "./lease_targets.ts";
import { history } from "./ledger_view.ts";
import { testWith } from "./needs.ts";
import { fixture } from "./place.ts";
import { sera } from "./program.ts";
import { FILE, testOnAll, useTargets, withTables } from "./targets.ts";

const MYSQL = "sera@tcp(127.0.0.1:1)/sera";
const POSTGRES = "postgres://sera@127.0.0.1:1/sera";

/** A table's original SQL with another name, and with rights for everybody if needed. */
async function layout(file: string, table: string): Promise<string[]> {
  const stored = await Deno.readTextFile(fixture(`layouts/${file}.sql`));
  const sql = stored.replaceAll(/[`"]?sera_(?:runs|leases)(\w*)[`"]?/g, (_, index: string) => table + index);
  const statements = sql.split(";").map((statement) => statement.trim()).filter((statement) => statement !== "");
  return file.endsWith("_postgres") ? [...statements, `GRANT ALL ON ${table} TO PUBLIC`] : statements;
}

/** The columns of a table in SQL as sera prints it, a line each. */
function columns(sql: string): string[] {
  return sql.split("\n").filter((line) => /^ {2}(?!KEY)\w+ /.test(line)).map((line) => line.trim().replace(/,$/, ""));
}

for (
  const [file, command, server] of [
    ["runs_mysql", ["history"], MYSQL],
    ["runs_postgres", ["history"], POSTGRES],
    ["leases_mysql", ["doctor", "--lease"], MYSQL],
    ["leases_postgres", ["doctor", "--lease"], POSTGRES],
  ] as const
) {
  Deno.test(`the current table has each column of the first version: ${file}`, async () => {
    const { code, stdout } = await sera([...command, "--server", server, "--schema"]);
    assert.equal(code, 0);
    const before = columns(await Deno.readTextFile(fixture(`layouts/${file}.sql`)));
    assert.ok(before.length >= 10);
    assert.deepEqual(before.filter((column) => !columns(stdout).includes(column)), []);
  });
}

testWith([FILE.need], "today's ledger in a file has each column of the first one", async () => {
  await using started = await FILE.start();
  await started.place.sera(["--ledger", "0", "true"]);
  const [made] = await started.ledger.query("SELECT sql FROM sqlite_schema WHERE name = 'sera_runs'");
  const before = columns(await Deno.readTextFile(fixture("layouts/runs_file.sql")));
  assert.deepEqual(before.filter((column) => !columns(String(made!.sql)).includes(column)), []);
});

/** The day before this one: runs are kept for 90 days. */
const DAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

/** A success for the key `a`, in the columns that the first version filled. */
const RUN = `(lock_name, run_key, label, host, pid, session_id, user_name, started, finished, exit_code, outcome)
  VALUES ('${lockName("n")}', 'a', 'n', 'web1', 42, 43, 'root', '${DAY} 03:00:01', '${DAY} 03:04:11', 0,
  'succeeded')`;

const kinds: Readonly<Record<string, string>> = {
  file: "runs_file",
  MariaDB: "runs_mysql",
  "MySQL 5.6": "runs_mysql",
  PostgreSQL: "runs_postgres",
  "PostgreSQL 18": "runs_postgres",
};
const targets = useTargets();
testOnAll(targets, "a ledger that the first version made and filled is gone on with", async ({ name }) => {
  const target = withTables(targets).find((one) => one.name === name);
  // It has no table.
  if (target === undefined) return;
  await using started = await target.start();
  const { place, ledger: { table, query } } = started;
  if (target.name === FILE.name) await place.sera(["0", "true"]);
  for (const statement of await layout(kinds[target.name]!, table)) await query(statement);
  await query(`INSERT INTO ${table} ${RUN}`);
  const once = (key: string) => place.sera(["--detailed-exit-codes", "--name", "n", "--once", key, "0", "true"]);
  assert.deepEqual(await once("a"), { code: 205, stdout: "", stderr: "" });
  assert.deepEqual(await once("b"), { code: 0, stdout: "", stderr: "" });
  const runs = await history(place, "--name", "n");
  assert.deepEqual(runs.map(({ run_id, key, slot }) => [run_id, key, slot]), [[2, "b", 0], [1, "a", 0]]);
});

for (const [target, file] of [[mariaDbTarget(), "leases_mysql"], [postgresTarget(), "leases_postgres"]] as const) {
  testWith([target.need], `${target.name}: a table of leases that the first version made is gone on with`, async () => {
    await using leases = await target.start();
    for (const statement of await layout(file, leases.table)) await leases.query(statement);
    await leases.query(`INSERT INTO ${leases.table} (name, fence, beat, ttl_ms, expires)
      VALUES ('${lockName("n")}', 41, 7, 30000, '2026-11-22 03:04:11')`);
    const { code, stdout, stderr } = await leases.place.sera(["--name", "n", "0", "sh", "-c", "echo $SERA_TOKEN"]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "42\n", stderr: "" });
  });
}
