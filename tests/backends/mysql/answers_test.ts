/** Answers of the server to each statement, and how sera reacts. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import { isTransientMySqlError } from "../../../lib/backends/mysql/errors.ts";
import { until } from "../../cli/wait.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { type Answer, ServerError } from "../fake_server.ts";
import { FakeMySql } from "./fake_server.ts";
import { freshName, hold, never, open, renewals, SHORT_LEASE } from "../open.ts";

/** The answer to a check of a held lock, if the server's identity is unknown. */
const HELD = { mine: 1, id: 1, server: "//", idle: 30, state: "", asker: 0 };

/** A server that gives every lock, but for these answers to statements that hold these words. */
function server(answers: Record<string, () => Answer>): FakeMySql {
  const defaults = {
    GET_LOCK: () => ({ got: 1 }),
    IS_USED_LOCK: () => HELD,
    RELEASE_LOCK: () => ({ released: 1 }),
  };
  const all = Object.entries<() => Answer>({ ...defaults, ...answers });
  return new FakeMySql((sql) => all.find(([word]) => sql.includes(word))?.[1]() ?? {});
}

/** Answers in turn; the last one again and again. */
function inTurn(...answers: Answer[]): () => Answer {
  return () => answers.length > 1 ? answers.shift()! : answers[0]!;
}

/** How often the lock was asked for. */
function attempts(fake: FakeMySql): number {
  return fake.statements.filter((sql) => sql.includes("GET_LOCK")).length;
}

const KILLED = new ServerError(1317, "Query execution was interrupted");

/** Each breaks a wait off without saying anything about the lock. */
const BROKEN_OFF: [string, Answer, RegExp][] = [
  ["NULL", { got: null }, /aborted the request/],
  ["a killed query", KILLED, /interrupted/],
  ["a time limit of MariaDB", new ServerError(1969, "max_statement_time exceeded"), /max_statement_time/],
  ["a time limit of MySQL", new ServerError(3024, "maximum statement execution time exceeded"), /execution time/],
  ["a deadlock", new ServerError(1213, "Deadlock found when trying to get lock"), /Deadlock/],
  ["a deadlock of user locks", new ServerError(3058, "Deadlock found when trying to get user-level lock"), /Deadlock/],
];

for (const [what, answer, message] of BROKEN_OFF) {
  Deno.test(`${what} is an error with a wait of 0, not busy`, async () => {
    using fake = server({ GET_LOCK: () => answer });
    await using backend = await open(fake.dsn, freshName());
    await assert.rejects(backend.acquire(0, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(attempts(fake), 1);
  });

  Deno.test(`${what} is retried within the wait`, async () => {
    using fake = server({ GET_LOCK: inTurn(answer, answer, { got: 1 }) });
    await using backend = await open(fake.dsn, freshName());
    const lock = await backend.acquire(30_000, never);
    assert.ok(lock);
    assert.equal(attempts(fake), 3);
    await lock.release();
  });
}

Deno.test("an error that is not transient is reported at once", async () => {
  using fake = server({ GET_LOCK: () => new ServerError(1305, "FUNCTION GET_LOCK does not exist") });
  await using backend = await open(fake.dsn, freshName());
  await assert.rejects(backend.acquire(Infinity, never), /GET_LOCK does not exist/);
  assert.equal(attempts(fake), 1);
});

Deno.test("a granted lock that the connection does not hold afterwards is an error", async () => {
  for (const mine of [0, null]) {
    using fake = server({ IS_USED_LOCK: () => ({ ...HELD, mine }) });
    await using backend = await open(fake.dsn, freshName());
    await assert.rejects(backend.acquire(Infinity, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /proxy.+connect directly to the server/);
      return true;
    });
  }
});

Deno.test("a server that does not report all the checked settings is refused", async () => {
  const known = ["read_only", "wsrep_on"].map((name) => ({ Variable_name: name, Value: "OFF" }));
  for (const state of ["", "0", "0/0/0", null, 0]) {
    using fake = server({ "SHOW GLOBAL VARIABLES": () => known, IS_USED_LOCK: () => ({ ...HELD, state }) });
    await using backend = await open(fake.dsn, freshName());
    await assert.rejects(backend.acquire(Infinity, never), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, /is invalid \(a wrong value of state\)/);
      return true;
    });
  }
});

Deno.test("a lock that the server has freed is lost at the next check", async () => {
  const looks = inTurn(HELD, { ...HELD, mine: null });
  using fake = server({ IS_USED_LOCK: looks });
  await using backend = await open(fake.dsn, freshName(), undefined, { lease: SHORT_LEASE });
  const lock = await hold(backend);
  await until("it is lost", () => lock.lost.aborted);
  assert.ok(lock.lost.reason instanceof LockLostError);
  assert.match(lock.lost.reason.message, /has freed it$/);
});

Deno.test("a lock is lost at the next check if another server answers", async () => {
  const looks = inTurn(HELD, { ...HELD, server: 2 });
  using fake = server({ IS_USED_LOCK: looks });
  await using backend = await open(fake.dsn, freshName(), undefined, { lease: SHORT_LEASE });
  const lock = await hold(backend);
  await until("it is lost", () => lock.lost.aborted);
  assert.match(lock.lost.reason.message, /has freed it$/);
});

Deno.test("the lock is not checked after its release", async () => {
  using clock = new FakeClock();
  using fake = server({});
  await using backend = await open(fake.dsn, freshName(), undefined, { lease: { ttl: 3000, grace: 0 } });
  const lock = await hold(backend);
  const before = fake.statements.length;
  for (let look = 1; look <= 3; look++) {
    const renewed = renewals(lock, 1);
    await clock.to(1000 * look);
    await renewed;
    assert.equal(fake.statements.length, before + look);
  }
  await lock.release();
  const statements = fake.statements.length;
  assert.match(fake.statements[statements - 1]!, /RELEASE_LOCK/);
  await clock.to(3_600_000);
  // The driver's goodbye comes after everything else.
  await backend[Symbol.asyncDispose]();
  await clock.until("the connection is closed", () => fake.clients === 0);
  assert.equal(fake.statements.length, statements);
  assert.equal(lock.lost.aborted, false);
});

Deno.test("a release that the server does not confirm is reported", async () => {
  for (const released of [0, null]) {
    using fake = server({ RELEASE_LOCK: () => ({ released }) });
    await using backend = await open(fake.dsn, freshName());
    const lock = await hold(backend);
    await assert.rejects(lock.release(), LockLostError);
  }
});

Deno.test("a release that fails is reported", async () => {
  using fake = server({ RELEASE_LOCK: () => KILLED });
  await using backend = await open(fake.dsn, freshName());
  const lock = await hold(backend);
  await assert.rejects(lock.release(), LockLostError);
});

Deno.test("full servers and broken requests are transient, all other errors are not", () => {
  for (const errno of [1040, 1203, 1213, 1226, 1317, 1969, 3024, 3058]) {
    assert.equal(isTransientMySqlError({ errno }), true);
  }
  for (const errno of [1044, 1045, 1049, 1193, undefined]) assert.equal(isTransientMySqlError({ errno }), false);
});
