/** Rows that others wrote into the ledger: sera treats them as data only. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { history } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { FILE, type StartedTarget, testOn, useTargets, withTables } from "./targets.ts";

/** Text meant to be executed as another user's statement, or opened as another user's file. */
const BREAKOUTS = [
  "x'); CREATE TABLE pwned (id int); --",
  "x', 0) AS a; CREATE TABLE pwned (id int); -- ",
  "x\\'); CREATE TABLE pwned (id int); -- ",
  "1,2); CREATE TABLE pwned (id int); --",
  '%"}; CREATE TABLE pwned (id int); --',
  "x` FROM dual; CREATE TABLE pwned (id int); #",
  "x */; CREATE TABLE pwned (id int); /*",
  "../../../../../../../etc/passwd",
  "x\0y\n\u202e",
  `${"a".repeat(31)}\u00e9`,
];

/** Every way to look at the ledger and at who holds a lock, and to run with it. */
const LOOKS: readonly (readonly string[])[] = [
  ["history"],
  ["history", "--json"],
  ["history", "--name", "job"],
  ["status", "--name", "job"],
  ["status"],
  ["--verbose", "--name", "job", "--once", "k", "0", "true"],
  ["--verbose", "--name", "job", "--every", "1ms", "0", "true"],
];

/** What no line may hold, but for its end. */
// deno-lint-ignore no-control-regex
const HARMFUL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

const targets = withTables(useTargets());

/** A text as an SQL literal for any database, without sera's own quoting. */
function literal({ server }: StartedTarget, text: string): string {
  const hex = new TextEncoder().encode(text).toHex();
  if (server.startsWith("postgres:")) return `convert_from(decode('${hex}', 'hex'), 'SQL_ASCII')`;
  return server.startsWith("file:") ? `CAST(X'${hex}' AS TEXT)` : `CONVERT(X'${hex}' USING utf8mb4)`;
}

/** The server's time, in SQL. */
function now({ server }: StartedTarget): string {
  return server.startsWith("file:") ? "strftime('%Y-%m-%d %H:%M:%f', 'now')" : "CURRENT_TIMESTAMP";
}

/** A time that no clock has, in SQL. */
function never({ server }: StartedTarget): string {
  return server.startsWith("postgres:") ? "'infinity'" : server.startsWith("file:") ? "'when?'" : "'0000-00-00'";
}

for (const target of targets) {
  testOn(target, `text in a row on ${target.name} never becomes part of a statement`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    assert.equal((await place.sera(["--once", "first", "--name", "job", "0", "true"])).code, 0);
    for (const text of BREAKOUTS) {
      // Without what this database does not hold.
      const name = literal(started, target === FILE ? text : text.replaceAll("\0", "").replaceAll(/[^ -~]/g, "?"));
      for (const [lock, label] of [[name, "'bad'"], [`'${lockName("job")}'`, name]]) {
        await ledger.query(
          `INSERT INTO ${ledger.table} (lock_name, label, host, user_name, run_key, started, outcome)
           VALUES (${lock}, ${label}, ${label}, ${label}, ${label}, ${now(started)}, 'running')`,
        );
      }
    }
    for (const args of LOOKS) {
      const { code, stdout, stderr } = await place.sera(args);
      assert.equal(code, args[0] === "status" && args.length > 1 ? 1 : 0, `${args}: ${stderr}`);
      assert.doesNotMatch(stdout + stderr, HARMFUL, JSON.stringify(stdout));
    }
    const table = started.server.includes("@tcp") ? "sera.pwned" : "pwned";
    await assert.rejects(async () => await ledger.query(`SELECT * FROM ${table}`), /pwned/);
    // Something that is not a lock cannot be held.
    const odd = (await history(place, "--limit", "1000")).filter(({ label }) => label === "bad");
    assert.deepEqual(odd.map(({ outcome }) => outcome), BREAKOUTS.map(() => "abandoned"));
  });

  testOn(
    target,
    `a row on ${target.name} with a time that no clock has is shown without, and stops nobody`,
    async () => {
      await using started = await target.start();
      const { place, ledger } = started;
      const flags = ["--verbose", "--name", "job"];
      await place.sera(["--once", "first", "--name", "job", "0", "true"]);
      const values = (outcome: string, key: string) =>
        `('${lockName("job")}', 'bad', '${key}', ${never(started)}, ${never(started)}, '${outcome}')`;
      for (const [outcome, key] of [["running", "r"], ["succeeded", "s"], ["failed", "f"]] as const) {
        await ledger.query(
          `INSERT INTO ${ledger.table} (lock_name, label, run_key, started, finished, outcome)
         VALUES ${values(outcome, key)}`,
        );
      }
      const [text, json] = [await place.sera(["history"]), await history(place)];
      assert.deepEqual([text.code, text.stderr, text.stdout.match(/^\d+ +- +- +\w+ +- +bad +\w$/gm)?.length], [
        0,
        "",
        3,
      ]);
      assert.deepEqual(json.map(({ started, duration }) => [started !== null, duration !== null]), [
        [false, false],
        [false, false],
        [false, false],
        [true, true],
      ]);
      for (
        const [rule, says] of [
          [["--once", "s"], /Already done for this key: run 3 by somebody at an unknown time/],
          [
            ["--once", "f"],
            /^ran$/m,
          ],
          [["--every", "1h"], /Done within the last 1h/],
          [["--once", "s2"], /^ran$/m],
        ] as const
      ) {
        const { code, stdout, stderr } = await place.sera([...flags, ...rule, "0", "echo", "ran"]);
        assert.deepEqual([code, stderr], [0, ""]);
        assert.match(stdout, says);
      }
      const status = await place.sera(["status", "--name", "job"]);
      assert.deepEqual([status.code, status.stderr], [1, ""]);
    },
  );

  testOn(target, `a waiter on ${target.name} reports a holder with an invalid row`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    await using holder = place.startSera(["--ledger", "--name", "job", "--label", "good", "0", fixture("hold.sh")], {
      stdin: "open",
    });
    await holder.says("ready");
    await ledger.query(`UPDATE ${ledger.table} SET started = ${never(started)}, label = 'odd'`);
    const { code, stdout, stderr } = await place.sera(["--verbose", "--ledger", "--name", "job", "100ms", "true"]);
    assert.deepEqual([code, stderr], [204, ""]);
    assert.match(stdout, /^Waiting for [^\n]+\.$/m);
    const shown = await place.sera(["status", "--name", "job"]);
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
  });
}

const POSTGRES = targets.find(({ name }) => name.startsWith("PostgreSQL"))!;

testOn(POSTGRES, "a role that may only write to the ledger gets nothing from an administrator who looks", async () => {
  await using started = await POSTGRES.start();
  const { place, ledger } = started;
  assert.equal((await place.sera(["--once", "first", "--name", "job", "0", "true"])).code, 0);
  const evil = "evil_role";
  await ledger.query(`CREATE ROLE ${evil} LOGIN PASSWORD 'secret'; GRANT INSERT ON ${ledger.table} TO ${evil}`);
  const as = (role: string, sql: string) =>
    place.run(["psql", "-v", "ON_ERROR_STOP=1", started.server.replace("//sera:", `//${role}:`), "-c", sql]);
  for (const name of [`x'); ALTER ROLE ${evil} SUPERUSER; --`, `%'; ALTER ROLE ${evil} SUPERUSER; --`]) {
    const row = `($$${name}$$, now(), 'running'), ('${lockName("job")}', now(), 'running')`;
    const { code, stderr } = await as(
      evil,
      `INSERT INTO ${ledger.table} (lock_name, started, outcome) VALUES ${row}`,
    );
    assert.equal(code, 0, stderr);
  }
  // The tests' plain user gets the right to do it.
  await ledger.query("ALTER ROLE sera SUPERUSER");
  try {
    for (const args of [...LOOKS, ["doctor", "--ledger"]]) {
      const { code, stderr } = await place.sera(args);
      assert.ok(code === 0 || args[0] === "status" && code === 1, `${args}: ${stderr}`);
    }
    const roles = await ledger.query(`SELECT rolsuper FROM pg_roles WHERE rolname = '${evil}'`);
    assert.deepEqual(roles, [{ rolsuper: false }]);
  } finally {
    await ledger.query(`ALTER ROLE sera NOSUPERUSER; DROP OWNED BY ${evil}; DROP ROLE ${evil}`);
  }
});

/** What PostgreSQL would take for a function or operator of its own where the types of that one are not met exactly. */
const SHADOWS = [
  ...["integer", "bigint"].map((type) =>
    `CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = ${type}, FUNCTION = trap)`
  ),
  ...["numeric", "double precision"].map((type) =>
    `CREATE OPERATOR public.* (LEFTARG = integer, RIGHTARG = ${type}, FUNCTION = trap)`
  ),
];

/** A function that makes its owner a superuser when one runs it. */
function trap(name: string, args: string, returns: string, value: string): string {
  return `CREATE FUNCTION public.${name} (${args}) RETURNS ${returns} LANGUAGE plpgsql AS $f$ BEGIN
    IF (SELECT usesuper FROM pg_user WHERE usename = current_user) THEN ALTER ROLE evil_maker SUPERUSER; END IF;
    RETURN ${value}; END $f$`;
}

testOn(POSTGRES, "a role that may make functions and operators gets none of them called", async () => {
  await using started = await POSTGRES.start();
  const { place, ledger } = started;
  assert.equal((await place.sera(["--once", "first", "--name", "job", "0", "true"])).code, 0);
  const evil = "evil_maker";
  await ledger.query(`CREATE ROLE ${evil} LOGIN PASSWORD 'secret'; GRANT CREATE ON SCHEMA public TO ${evil}`);
  await ledger.query("ALTER ROLE sera SUPERUSER");
  try {
    const traps = [
      ...["integer", "bigint"].map((type) => trap("trap", `oid, ${type}`, "boolean", "$1::bigint = $2::bigint")),
      ...["numeric", "double precision"].map((type) => trap("trap", `integer, ${type}`, type, `$1::${type} * $2`)),
      trap("convert_from", "bytea, text", "text", "pg_catalog.convert_from($1, $2::name)"),
      trap("convert_to", "text, text", "bytea", "pg_catalog.convert_to($1, $2::name)"),
      trap("has_table_privilege", "regclass, text", "boolean", "true"),
    ];
    const evilUrl = started.server.replace("//sera:", `//${evil}:`);
    for (const statement of [...traps, ...SHADOWS]) {
      const { code, stderr } = await place.run(["psql", "-v", "ON_ERROR_STOP=1", evilUrl, "-c", statement]);
      assert.equal(code, 0, stderr);
    }
    await using holder = place.startSera(["--ledger", "--name", "held", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    for (
      const args of [...LOOKS, ["status", "--name", "held"], ["--name", "held", "100ms", "true"], [
        "doctor",
        "--ledger",
      ]]
    ) {
      const { code, stderr } = await place.sera(args);
      assert.ok([0, 1, 204].includes(code), `${args}: ${stderr}`);
      const roles = await ledger.query(`SELECT rolsuper FROM pg_roles WHERE rolname = '${evil}'`);
      assert.deepEqual(roles, [{ rolsuper: false }], `${args}`);
    }
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
  } finally {
    await ledger.query(`ALTER ROLE sera NOSUPERUSER; DROP OWNED BY ${evil} CASCADE; DROP ROLE ${evil}`);
  }
});

testOn(FILE, "a row's name leads to no file outside of the folder", async () => {
  await using started = await FILE.start();
  const { place, ledger } = started;
  await place.sera(["--once", "first", "--name", "job", "0", "true"]);
  const outside = place.file("outside.lock");
  await using holder = place.start(["flock", outside, fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await place.run(["mkfifo", place.file("pipe.lock")]);
  for (const name of ["../outside", outside.replace(/\.lock$/, ""), "../pipe", "./../locks/../outside"]) {
    await ledger.query(
      `INSERT INTO sera_runs (lock_name, label, pid, started, outcome)
       VALUES ('${name}', 'bad', ${holder.pid}, ${now(started)}, 'running')`,
    );
  }
  // As the holder of that file it would count as one that runs.
  const found = (await history(place)).filter(({ label }) => label === "bad").map(({ outcome }) => outcome);
  assert.deepEqual(found, ["abandoned", "abandoned", "abandoned", "abandoned"]);
  await holder.closeStdin();
});

testOn(FILE, "a very long history is shown", async () => {
  await using started = await FILE.start();
  const { place, ledger } = started;
  await place.sera(["--once", "first", "--name", "job", "0", "true"]);
  await ledger.query(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
     INSERT INTO sera_runs (lock_name, started, outcome) SELECT 'x', '2026-01-01', 'succeeded' FROM n`,
  );
  const { code, stdout, stderr } = await place.sera(["history", "--limit", "200000"]);
  assert.deepEqual([code, stderr, stdout.split("\n").length], [0, "", 200_002]);
});
