/** For how long a server is waited for whose table others keep locked, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Deadline } from "../../../lib/deadline.ts";
import { InterruptedError, LockUnavailableError, TroubleError, troubleOf } from "../../../lib/errors.ts";
import { LAST_ANSWER, LedgerBusyError, Patience } from "../../../lib/ledger/patience.ts";
import { ledgerStatements, LOCK_WAIT } from "../../../lib/backends/sql/ledger_statements.ts";
import { Session } from "../../../lib/backends/sql/session.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later } from "../open.ts";

/** A signal that has come, or comes. */
const SIGNAL = new InterruptedError(15);

/** A session whose server breaks each statement off after its time, or never answers. */
function sessionThat(answers: "breaks off" | "is silent"): { session: Session; asked: () => number } {
  let asked = 0;
  const session = new Session(
    "Server at place",
    {
      query: (_, done) => {
        asked++;
        if (answers === "breaks off") {
          setTimeout(() => done(new TroubleError("lock wait", "try it again"), []), LOCK_WAIT);
        }
      },
      end: (done) => done(),
      destroy: () => undefined,
      socket: () => undefined as unknown as Socket,
    },
    { describe: troubleOf, isTransient: () => false },
    60_000,
  );
  return { session, asked: () => asked };
}

Deno.test("a statement that the server aborts because of others' locks is repeated for 10 s", async () => {
  using clock = new FakeClock();
  const { session, asked } = sessionThat("breaks off");
  const isLocked = (cause: unknown) => /lock wait/.test(String(cause));
  const ran = later(Promise.resolve(ledgerStatements(session, new Patience(), isLocked).run(sql`SELECT 1`)));
  await clock.to(12_000);
  await assert.rejects(ran, (error) => {
    assert.ok(error instanceof LedgerBusyError && error.transient);
    assert.match(
      error.message,
      /^Cannot lock on Server at place: others have kept its table locked \(lock wait\) for 10s; find out which session keeps it/,
    );
    return true;
  });
  assert.equal(asked(), 11);
  // An error other than a lock timeout is reported at once.
  const refused = later(Promise.resolve(ledgerStatements(session, new Patience(), () => false).run(sql`SELECT 1`)));
  await clock.to(14_000);
  await assert.rejects(refused, LockUnavailableError);
  assert.equal(asked(), 12);
});

Deno.test("after a signal the server has another two seconds to answer, more than its lock timeout", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { session } = sessionThat("is silent");
  const { unrefTimer } = Deno;
  // The fake clock's timers do not keep the process alive.
  Deno.unrefTimer = () => undefined;
  try {
    const ran = later(
      Promise.resolve(ledgerStatements(session, new Patience(interrupt.signal), () => false).run(sql`SELECT 1`)),
    );
    await clock.to(30_000);
    interrupt.abort(SIGNAL);
    await clock.to(31_999);
    assert.equal(session.closed.aborted, false);
    await clock.to(32_000);
    await assert.rejects(ran, { message: "Cannot lock on Server at place: no answer, and a signal ended the wait" });
    assert.equal(session.closed.aborted, true);
  } finally {
    Deno.unrefTimer = unrefTimer;
  }
});

Deno.test("a signal ends the wait with the current statement, and the session is kept", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { session, asked } = sessionThat("breaks off");
  const ran = later(
    Promise.resolve(ledgerStatements(session, new Patience(interrupt.signal), () => true).run(sql`SELECT 1`)),
  );
  await clock.to(500);
  interrupt.abort(SIGNAL);
  await clock.to(LOCK_WAIT);
  await assert.rejects(ran, {
    message:
      "Cannot lock on Server at place: others have kept its table locked (lock wait), and a signal ended the wait",
  });
  assert.equal(asked(), 1);
  assert.equal(session.closed.aborted, false);
});

for (const within of [2500, 300]) {
  Deno.test(`a remaining wait of ${within} ms is exceeded by at most one statement`, async () => {
    using clock = new FakeClock();
    const { session, asked } = sessionThat("breaks off");
    const patience = new Patience();
    patience.limitWait(new Deadline(within));
    const ran = later(Promise.resolve(ledgerStatements(session, patience, () => true).run(sql`SELECT 1`)));
    await clock.to(within + LOCK_WAIT);
    await assert.rejects(ran, / for [1-3]s; find out which/);
    assert.equal(asked(), Math.ceil(within / LOCK_WAIT));
  });
}

Deno.test("the server aborts a statement before the answer timeout after a signal", () => {
  assert.ok(LOCK_WAIT < LAST_ANSWER);
});

Deno.test("settings that fail with the first statements are sent again alone, and the statements are not", async () => {
  const messages: string[] = [];
  let fails = true;
  const session = new Session(
    "Server at place",
    {
      query: (statement, done) => {
        messages.push(statement.textFor(MYSQL));
        done(null, []);
      },
      queryEach: (statements, done) => {
        const texts = statements.map((statement) => statement.textFor(MYSQL));
        messages.push(texts.join("; "));
        done(texts.map((text) => text === "SET 1" && fails ? { error: new Error("cancelled") } : { rows: [{ text }] }));
        fails = false;
      },
      end: (done) => done(),
      destroy: () => undefined,
      socket: () => undefined as unknown as Socket,
    },
    { describe: troubleOf, isTransient: () => false },
    60_000,
  );
  const { batch } = ledgerStatements(session, new Patience(), () => false, sql`SET 1`);
  for (let times = 0; times < 2; times++) {
    const outcomes = await batch!([sql`ONE`, sql`TWO`]);
    assert.deepEqual(outcomes, [{ rows: [{ text: "ONE" }] }, { rows: [{ text: "TWO" }] }]);
  }
  assert.deepEqual(messages, ["SET 1; ONE; TWO", "SET 1", "ONE; TWO"]);
});
