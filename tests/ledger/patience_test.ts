/** For how long a ledger that others keep locked is waited for, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Deadline } from "../../lib/deadline.ts";
import { InterruptedError, LockUnavailableError } from "../../lib/errors.ts";
import { BUSY, LedgerBusyError, LOCK_WAIT, Patience } from "../../lib/ledger/patience.ts";
import { Session } from "../../lib/backends/sql/session.ts";
import { sql } from "../../lib/backends/sql/statement.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { later } from "../backends/open.ts";

/** A signal that has come, or comes. */
const SIGNAL = new InterruptedError(15);

/** A file that another process keeps locked until so many milliseconds have passed, and how often it was tried. */
function lockedFor(clock: FakeClock, span: number): { attempt: () => string; tries: number[] } {
  const tries: number[] = [];
  const attempt = () => {
    tries.push(clock.now);
    if (clock.now < span) throw new Error(BUSY);
    return "written";
  };
  return { attempt, tries };
}

Deno.test("file: it is tried every few milliseconds, and given up after 10 s", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience().whileBusy(attempt));
  await clock.to(10_000);
  await clock.to(10_030);
  await assert.rejects(written, { message: `${BUSY} for 10s; see which process keeps it open` });
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  assert.ok(pauses.every((pause) => pause >= 10 && pause <= 30));
  // One more after the end, so that what was free by then is found.
  assert.ok(tries.at(-1)! >= 10_000 && tries.at(-2)! < 10_000);
});

Deno.test("file: another limit may be set by who makes it", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience(undefined, 300).whileBusy(attempt));
  await clock.to(330);
  await assert.rejects(written, { message: `${BUSY} for 300ms; see which process keeps it open` });
  assert.ok(tries.at(-1)! >= 300 && tries.at(-2)! < 300);
});

Deno.test("file: it is written as soon as it can be, also at the end of the wait", async () => {
  for (const span of [0, 30, 9999]) {
    using clock = new FakeClock();
    const { attempt, tries } = lockedFor(clock, span);
    const written = later(new Patience().whileBusy(attempt));
    await clock.to(10_030);
    assert.equal(await written, "written");
    assert.ok(tries.at(-1)! <= span + 30);
  }
});

Deno.test("file: what comes after a wait in vain is tried once, until something succeeds", async () => {
  using clock = new FakeClock();
  const patience = new Patience();
  const { attempt } = lockedFor(clock, 20_000);
  const written = later(patience.whileBusy(attempt));
  await clock.to(10_030);
  await assert.rejects(written);
  const second = lockedFor(clock, 20_000);
  await assert.rejects(patience.whileBusy(second.attempt));
  assert.equal(second.tries.length, 1);
  await clock.to(20_000);
  assert.equal(await patience.whileBusy(attempt), "written");
  const third = lockedFor(clock, 21_000);
  const again = later(patience.whileBusy(third.attempt));
  await clock.to(21_030);
  assert.equal(await again, "written");
});

Deno.test("file: a signal ends the wait at once, and what else is wrong is told at once", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience(interrupt.signal).whileBusy(attempt));
  await clock.to(500);
  interrupt.abort(SIGNAL);
  await assert.rejects(written, { message: `${BUSY}, and a signal ended the wait` });
  const count = tries.length;
  await clock.to(20_000);
  assert.equal(tries.length, count);
  const odd = () => {
    throw new Error("disk is full");
  };
  await assert.rejects(new Patience().whileBusy(odd), { message: "disk is full" });
});

/** A session whose server breaks each statement off after its time, or never answers. */
function sessionThat(answers: "breaks off" | "is silent"): { session: Session; asked: () => number } {
  let asked = 0;
  const session = new Session(
    "Server at place",
    {
      query: (_, done) => {
        asked++;
        if (answers === "breaks off") setTimeout(() => done(new Error("lock wait; try it again"), []), LOCK_WAIT);
      },
      end: (done) => done(),
      destroy: () => undefined,
      socket: () => undefined as unknown as Socket,
    },
    { describe: (error) => (error as Error).message, isTransient: () => false },
    60_000,
  );
  return { session, asked: () => asked };
}

Deno.test("server: a statement that it breaks off for others' locks is asked again, for 10 s", async () => {
  using clock = new FakeClock();
  const { session, asked } = sessionThat("breaks off");
  const isLocked = (cause: unknown) => /lock wait/.test(String(cause));
  const ran = later(Promise.resolve(new Patience().runIn(session, isLocked)(sql`SELECT 1`)));
  await clock.to(12_000);
  await assert.rejects(ran, (error) => {
    assert.ok(error instanceof LedgerBusyError && error.transient);
    assert.match(
      error.message,
      /^Cannot lock on Server at place: others have kept its table locked \(lock wait\) for 10s; see which session keeps it/,
    );
    return true;
  });
  assert.equal(asked(), 11);
  // What is no lock of others is told at once.
  const refused = later(Promise.resolve(new Patience().runIn(session, () => false)(sql`SELECT 1`)));
  await clock.to(14_000);
  await assert.rejects(refused, LockUnavailableError);
  assert.equal(asked(), 12);
});

Deno.test("server: after a signal it has another two seconds to answer, longer than it keeps a statement waiting", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { session } = sessionThat("is silent");
  const { unrefTimer } = Deno;
  // The fake clock's timers keep nobody alive.
  Deno.unrefTimer = () => undefined;
  try {
    const ran = later(Promise.resolve(new Patience(interrupt.signal).runIn(session, () => false)(sql`SELECT 1`)));
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

Deno.test("server: a signal ends the wait with the statement that waits, and the session is kept", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { session, asked } = sessionThat("breaks off");
  const ran = later(Promise.resolve(new Patience(interrupt.signal).runIn(session, () => true)(sql`SELECT 1`)));
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
  Deno.test(`server: who may wait for ${within} ms more does not wait for longer than by one statement`, async () => {
    using clock = new FakeClock();
    const { session, asked } = sessionThat("breaks off");
    const patience = new Patience();
    patience.hurry(new Deadline(within));
    const ran = later(Promise.resolve(patience.runIn(session, () => true)(sql`SELECT 1`)));
    await clock.to(within + LOCK_WAIT);
    await assert.rejects(ran, / for [1-3]s; see which/);
    assert.equal(asked(), Math.ceil(within / LOCK_WAIT));
  });
}

Deno.test("file: who may wait for a shorter time only waits for that", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const patience = new Patience();
  patience.hurry(new Deadline(2000));
  const written = later(patience.whileBusy(attempt));
  await clock.to(2030);
  await assert.rejects(written, { message: `${BUSY} for 2s; see which process keeps it open` });
  assert.ok(tries.at(-1)! >= 2000 && tries.at(-2)! < 2000);
});
