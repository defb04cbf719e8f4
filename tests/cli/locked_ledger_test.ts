/** A ledger on a server that cannot be written to for a while, before the command is started and after it has ended. */

import assert from "node:assert/strict";
import { type Bench, type DatabasePlace, mySqlPlace, postgresPlace } from "../ledger/places.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../backends/shared_server.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { mysql56Unavailable } from "../servers/mysql56.ts";
import { systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { history, outcomes } from "./ledger_view.ts";
import { startImpatient } from "./impatient.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };

/** Longer than any trouble that a test makes. */
const LONG = "10m";

/** The flags of a run in the bench's ledger, under a lock that no other case uses. */
function flagsOf({ table: { name } }: Bench): string[] {
  return ["--detailed-exit-codes", "--name", name, "--once", "k"];
}

// So that a killed server has all that it has answered.
const DURABLE = "--innodb-flush-log-at-trx-commit=2";

const mariaDb = mySqlPlace(sharedMariaDb(DURABLE), "MariaDB");
const mySql = mySqlPlace(sharedMySql56(DURABLE), "MySQL 5.6");
const postgres = postgresPlace(sharedPostgres(), "PostgreSQL");

/** What keeps sessions from a table, and lets them to it again. */
type Trouble = DatabasePlace["wholeTable"];

const READ_LOCK: Trouble = () => ({ take: ["FLUSH TABLES WITH READ LOCK"], giveBack: "UNLOCK TABLES" });
const ROWS: Trouble = (name) => ({ take: ["BEGIN", `UPDATE ${name} SET pid = pid + 1`], giveBack: "ROLLBACK" });

/** A place whose ledger has one run in it, of another key. */
async function placeWithRun(bench: Bench): Promise<Place> {
  const place = await Place.make(bench.server, { SERA_LEDGER_TABLE: bench.name });
  assert.equal((await place.sera(["--name", bench.table.name, "--once", "other", "0", "true"])).code, 0);
  return place;
}

/** The session of the run that goes on. */
async function sessionOf(bench: Bench): Promise<number> {
  const [{ session } = assert.fail()] = await bench.sql(
    `SELECT session_id AS session FROM ${bench.name} WHERE outcome = 'running'`,
  );
  return Number(session);
}

/** Resolves when the session has begun so many statements on the table, one after another. */
async function untilTried({ kind }: DatabasePlace, bench: Bench, session: number, times: number): Promise<void> {
  const trying = kind === "mysql"
    ? `SELECT 1 FROM information_schema.processlist WHERE id = ${session} AND info LIKE '%${bench.table.name}%'`
    : `SELECT 1 FROM pg_stat_activity WHERE pid = ${session} AND state = 'active' AND query LIKE '%${bench.table.name}%'`;
  let isTrying = true;
  let tries = 0;
  await until(`${times} further tries`, async () => {
    const wasTrying = isTrying;
    isTrying = (await bench.sql(trying)).length > 0;
    if (isTrying && !wasTrying) tries++;
    return tries >= times;
  });
}

/** The resources of one case. */
interface Scene {
  readonly database: DatabasePlace;
  readonly bench: Bench;
  /** With one run in its ledger. */
  readonly place: Place;
  readonly trouble: { begin(): Promise<void>; end(): Promise<void> };
}

/** A test with a trouble; `alone` if nothing else may use the server at the same time. */
interface Case {
  readonly name: string;
  readonly alone: boolean;
  run(scene: Scene): Promise<void>;
}

async function play({ run }: Case, database: DatabasePlace, trouble: Trouble): Promise<void> {
  await using bench = await database.bench();
  await using place = await placeWithRun(bench);
  await using admin = await database.admin();
  const { take, giveBack } = trouble(bench.name);
  await run({
    database,
    bench,
    place,
    trouble: {
      async begin() {
        for (const statement of take) await admin.query(statement);
      },
      async end() {
        await admin.query(giveBack);
      },
    },
  });
}

const AT_THE_END: Case = {
  name: "at the end of a successful run: the end is recorded afterwards, and the lock is held until then",
  alone: false,
  async run({ database, bench, place, trouble }) {
    await using run = startImpatient(place, [
      ...flagsOf(bench),
      "--ttl",
      "6s",
      "--grace",
      "1s",
      "0",
      fixture("hold.sh"),
    ]);
    await run.says("ready");
    const session = await sessionOf(bench);
    await trouble.begin();
    await run.closeStdin();
    await run.says("trying to record the end of run 2");
    // Each lasts a second, and two have been before: with the pauses between them the lock is held for longer than its ttl.
    await untilTried(database, bench, session, 3);
    assert.equal((await place.sera(["--name", bench.table.name, "0", "true"])).code, 204);
    const over = Date.now();
    await trouble.end();
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^sera: Cannot use the ledger \S+: [^\n;]+ for 300ms; find out which session [^\n]+; trying to record the end of run 2 for another 5m at most, while the lock is held\.\n$/,
    );
    const [last] = await history(place);
    assert.equal(last!.outcome, "succeeded");
    // When the command ended, not when that could be recorded.
    assert.ok(Date.parse(last!.finished!) < over, `${last!.finished}`);
    assert.equal((await place.sera([...flagsOf(bench), "0", "echo", "ran"])).code, 205);
  },
};

const BEFORE: Case = {
  name: "before the start: waited out within the wait",
  alone: false,
  async run({ bench, place, trouble }) {
    await trouble.begin();
    await using run = startImpatient(place, [...flagsOf(bench), LONG, "echo", "ran"]);
    await run.says("retrying until the wait is over");
    await trouble.end();
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    assert.match(
      stderr,
      /^sera: Cannot use the ledger \S+: [^\n]+ for 300ms; find out which [^\n]+; retrying [^\n]+\n$/,
    );
    assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
  },
};

const WAIT_OF_0: Case = {
  name: "with a wait of 0: one line, and the command is not started",
  alone: false,
  async run({ bench, place, trouble }) {
    await trouble.begin();
    await using run = startImpatient(place, [...flagsOf(bench), "0", "echo", "ran"]);
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: Cannot use the ledger \S+: [^\n]+ for 300ms; find out which session [^\n]+\n$/);
    await trouble.end();
  },
};

const SIGNAL: Case = {
  name: "at the end: a signal ends the attempts to record it; sera says what follows and what to do",
  alone: false,
  async run({ bench, place, trouble }) {
    await using run = startImpatient(place, [...flagsOf(bench), "0", fixture("hold.sh")]);
    await run.says("ready");
    await trouble.begin();
    await run.closeStdin();
    await run.says("trying to record");
    run.kill("SIGTERM");
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(
      stderr.split("\n")[1]!,
      /^sera: Cannot use the ledger [^\n]+; run 2 counts as abandoned, and the command may be run again; [^\n]+; if it must not run again, record a success in its place: sera --name \S+ --once k 0 true$/,
    );
    await trouble.end();
    // As the line says.
    assert.equal((await place.sera(["--name", bench.table.name, "--once", "k", "0", "true"])).code, 0);
    assert.equal((await place.sera([...flagsOf(bench), "0", "echo", "ran"])).code, 205);
  },
};

const SESSION_ENDED: Case = {
  name: "at the end, and the session is killed meanwhile: the lock was lost after the command's end",
  alone: true,
  async run({ database, bench, place, trouble }) {
    await using run = place.startSera([...flagsOf(bench), "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    const session = await sessionOf(bench);
    await trouble.begin();
    await run.closeStdin();
    await until("it waits", async () => await database.blocked() === 1);
    await bench.sql(database.terminate(session));
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    // The session may end between two tries: then no statement was running that says more.
    assert.match(
      stderr,
      /^sera: (?:Cannot use the ledger|Lock lost:) [^\n]+; run 2 counts as abandoned, [^\n]+; the lock was lost meanwhile, after the command had ended; [^\n]+--once k 0 true\n$/,
    );
    await trouble.end();
    assert.deepEqual(await place.sera([...flagsOf(bench), LONG, "echo", "ran"]), RAN);
  },
};

const SERVER_DIES: Case = {
  name: "before the start, and the server restarts meanwhile: waited out within the wait",
  alone: true,
  async run({ database, bench, place, trouble }) {
    await trouble.begin();
    await using run = place.startSera([...flagsOf(bench), LONG, "echo", "ran"]);
    await until("it waits", async () => await database.blocked() === 1);
    await database.crash();
    const { code, stdout } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
  },
};

const ALL: readonly Case[] = [AT_THE_END, BEFORE, WAIT_OF_0, SIGNAL, SESSION_ENDED, SERVER_DIES];

/** A server, and the cases for each trouble. */
interface Plan {
  readonly place: DatabasePlace;
  readonly missing: string | undefined;
  readonly cases: readonly (readonly [what: string, trouble: Trouble, cases: readonly Case[]])[];
}

const PLANS: readonly Plan[] = [
  {
    place: mariaDb,
    missing: mariaDbUnavailable,
    cases: [
      ["LOCK TABLES", mariaDb.wholeTable, ALL],
      ["a global read lock", READ_LOCK, [AT_THE_END, BEFORE]],
      ["locked rows", ROWS, [AT_THE_END]],
    ],
  },
  {
    place: mySql,
    missing: mysql56Unavailable,
    cases: [["a global read lock", READ_LOCK, ALL]],
  },
  {
    place: postgres,
    missing: systemPostgresUnavailable,
    cases: [["LOCK TABLE", postgres.wholeTable, ALL], ["locked rows", ROWS, [AT_THE_END]]],
  },
];

/** Tries all of it: side by side, since most of the time servers wait. */
async function tryAll(t: Deno.TestContext, { place, cases }: Plan): Promise<void> {
  const isAlone = (trouble: Trouble, { alone }: Case) => alone || trouble === READ_LOCK;
  const steps = cases.flatMap(([what, trouble, tried]) => tried.map((one) => ({ what, trouble, one })));
  const step = ({ what, trouble, one }: typeof steps[number]) =>
    t.step({
      name: `${place.label}: ${what}, ${one.name}`,
      fn: () => play(one, place, trouble),
      // Steps that run side by side would see each other's.
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
    });
  await Promise.all(steps.filter(({ trouble, one }) => !isAlone(trouble, one)).map(step));
  for (const one of steps.filter(({ trouble, one }) => isAlone(trouble, one))) await step(one);
}

// A crash ends the connections of administrators, too, a moment later.
Deno.test({ name: "a ledger that others keep locked", sanitizeOps: false, sanitizeResources: false }, async (t) => {
  await Promise.all(PLANS.filter(({ missing }) => missing === undefined).map((plan) => tryAll(t, plan)));
});
