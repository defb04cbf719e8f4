/** A ledger on a server that cannot be written to for a while, before the command is started and after it has ended. */

import assert from "node:assert/strict";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../lock/shared_server.ts";
import { type Bench, type DatabasePlace, mySqlPlace, postgresPlace } from "../ledger/places.ts";
import { history, outcomes } from "./ledger_view.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };

/** Longer than any trouble that a test makes. */
const LONG = "10m";

const FLAGS = ["--detailed-exit-codes", "--name", "n", "--once", "k"];

// So that a killed server has all that it has answered.
const DURABLE = "--innodb-flush-log-at-trx-commit=2";

const mariaDb = sharedMariaDb(DURABLE);
const mySql = sharedMySql56(DURABLE);
const postgres = sharedPostgres();

/** What keeps sessions from a table, and lets them to it again. */
interface Trouble {
  readonly take: (name: string) => readonly string[];
  readonly giveBack: string;
}

const LOCK_TABLES: Trouble = { take: (name) => [`LOCK TABLES ${name} WRITE`], giveBack: "UNLOCK TABLES" };
const READ_LOCK: Trouble = { take: () => ["FLUSH TABLES WITH READ LOCK"], giveBack: "UNLOCK TABLES" };
const ROWS: Trouble = { take: (name) => ["BEGIN", `UPDATE ${name} SET pid = pid + 1`], giveBack: "ROLLBACK" };
const EXCLUSIVE: Trouble = {
  take: (name) => ["BEGIN", `LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`],
  giveBack: "COMMIT",
};

interface Case {
  readonly place: DatabasePlace;
  readonly troubles: Readonly<Record<string, Trouble>>;
}

// Each takes ten seconds, after which sera says something.
const MYSQL_TROUBLES = { "LOCK TABLES": LOCK_TABLES, "a global read lock": READ_LOCK, "locked rows": ROWS };

const CASES: readonly Case[] = [
  { place: mySqlPlace(mariaDb, "MariaDB"), troubles: MYSQL_TROUBLES },
  { place: mySqlPlace(mySql, "MySQL 5.6"), troubles: { "a global read lock": READ_LOCK } },
  { place: postgresPlace(postgres, "PostgreSQL"), troubles: { "LOCK TABLE": EXCLUSIVE, "locked rows": ROWS } },
];

/** A place whose ledger has one run in it, of another key. */
async function placeWithRun(bench: Bench): Promise<Place> {
  const place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
  assert.equal((await place.sera(["--name", "n", "--once", "other", "0", "true"])).code, 0);
  return place;
}

for (const { place: database, troubles } of CASES) {
  const { test } = database;

  for (const [what, { take, giveBack }] of Object.entries(troubles)) {
    test(`${what} at the end of a success: the end is recorded when it is over, and the lock is held until then`, async () => {
      await using bench = await database.bench();
      await using place = await placeWithRun(bench);
      await using admin = await database.admin();
      await using run = place.startSera([...FLAGS, "--ttl", "6s", "0", fixture("hold.sh")], { stdin: "open" });
      await run.says("ready");
      for (const statement of take(bench.name)) await admin.query(statement);
      await run.closeStdin();
      await run.says("trying to record the end of run 2");
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
      await admin.query(giveBack);
      const { code, stderr } = await run.ended;
      assert.equal(code, 0);
      assert.match(
        stderr,
        /^sera: Cannot use the ledger \S+: [^\n;]+ for 10s; see which session [^\n]+; trying to record the end of run 2 for another 5m at most, while the lock is held\.\n$/,
      );
      const [last] = await history(place);
      assert.equal(last!.outcome, "succeeded");
      // When the command ended, not when that could be recorded.
      assert.ok(last!.duration! < 10, `${last!.duration} s`);
      assert.equal((await place.sera([...FLAGS, "0", "echo", "ran"])).code, 205);
    });

    if (what === "locked rows") continue;

    test(`${what} before the command is started is waited out within the wait`, async () => {
      await using bench = await database.bench();
      await using place = await placeWithRun(bench);
      await using admin = await database.admin();
      for (const statement of take(bench.name)) await admin.query(statement);
      await using run = place.startSera([...FLAGS, LONG, "echo", "ran"]);
      await run.says("trying again until the wait is over");
      await admin.query(giveBack);
      const { code, stdout, stderr } = await run.ended;
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
      assert.match(stderr, /^sera: Cannot use the ledger \S+: [^\n]+ for 10s; see [^\n]+; trying again [^\n]+\n$/);
      assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
    });
  }

  const [{ take, giveBack }] = Object.values(troubles) as [Trouble];

  test("with a wait of 0 a locked table ends in one line, and the command is not started", async () => {
    await using bench = await database.bench();
    await using place = await placeWithRun(bench);
    await using admin = await database.admin();
    for (const statement of take(bench.name)) await admin.query(statement);
    const { code, stdout, stderr } = await place.sera([...FLAGS, "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: Cannot use the ledger \S+: [^\n]+ for 10s; see which session [^\n]+\n$/);
    await admin.query(giveBack);
  });

  test("a signal ends the tries to record the end; what follows and what to do is said", async () => {
    await using bench = await database.bench();
    await using place = await placeWithRun(bench);
    await using admin = await database.admin();
    await using run = place.startSera([...FLAGS, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    for (const statement of take(bench.name)) await admin.query(statement);
    await run.closeStdin();
    await run.says("trying to record");
    run.kill("SIGTERM");
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(
      stderr.split("\n")[1]!,
      /^sera: Cannot use the ledger [^\n]+; run 2 counts as abandoned, and the command may be run again; [^\n]+; if it must not run again, record a success in its place: sera --name n --once k 0 true$/,
    );
    await admin.query(giveBack);
    // As the line says.
    assert.equal((await place.sera(["--name", "n", "--once", "k", "0", "true"])).code, 0);
    assert.equal((await place.sera([...FLAGS, "0", "echo", "ran"])).code, 205);
  });

  test("a session that is ended while the end is recorded: the lock was lost after the command's end", async () => {
    await using bench = await database.bench();
    await using place = await placeWithRun(bench);
    await using admin = await database.admin();
    await using run = place.startSera([...FLAGS, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    const [{ session } = assert.fail()] = await bench.sql(
      `SELECT session_id AS session FROM ${bench.name} WHERE outcome = 'running'`,
    );
    for (const statement of take(bench.name)) await admin.query(statement);
    await run.closeStdin();
    await until("it waits", async () => await database.blocked() === 1);
    await bench.sql(database.terminate(Number(session)));
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^sera: Cannot use the ledger [^\n]+; run 2 counts as abandoned, [^\n]+; the lock was lost meanwhile, after the command had ended; [^\n]+--once k 0 true\n$/,
    );
    await admin.query(giveBack);
    assert.deepEqual(await place.sera([...FLAGS, LONG, "echo", "ran"]), RAN);
  });

  test("a server that dies between the lock and the ledger's first entry is waited for within the wait", async () => {
    await using bench = await database.bench();
    await using place = await placeWithRun(bench);
    const admin = await database.admin();
    for (const statement of take(bench.name)) await admin.query(statement);
    await using run = place.startSera([...FLAGS, LONG, "echo", "ran"]);
    await until("it waits", async () => await database.blocked() === 1);
    await database.crash();
    const { code, stdout } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
  });
}
