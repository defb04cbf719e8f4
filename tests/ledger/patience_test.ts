/** For how long a ledger that others keep locked is waited for, on a clock that the test moves. */

import assert from "node:assert/strict";
import { Deadline } from "../../lib/deadline.ts";
import { InterruptedError } from "../../lib/errors.ts";
import { type Contention, LAST_ANSWER, Patience } from "../../lib/ledger/patience.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { later } from "../backends/open.ts";

/** A signal that has come, or comes. */
const SIGNAL = new InterruptedError(15);

const BUSY = "somebody else writes";

/** How the tests' place shows that others are at it. */
const OTHERS: Contention = {
  isBusy: (error) => error instanceof Error && error.message === BUSY,
  giveUpError: (error, how, isInterrupted) =>
    new Error(`${(error as Error).message}${how}${isInterrupted ? "" : "; see who it is"}`),
};

/** A place that others keep locked until so many milliseconds have passed, and how often it was tried. */
function lockedFor(clock: FakeClock, span: number): { attempt: () => string; tries: number[] } {
  const tries: number[] = [];
  const attempt = () => {
    tries.push(clock.now);
    if (clock.now < span) throw new Error(BUSY);
    return "written";
  };
  return { attempt, tries };
}

Deno.test("a locked ledger is retried every few milliseconds, for at most 10 s", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience().whileBusy(attempt, OTHERS));
  await clock.to(10_000);
  await clock.to(10_030);
  await assert.rejects(written, { message: `${BUSY} for 10s; see who it is` });
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  assert.ok(pauses.every((pause) => pause >= 10 && pause <= 30));
  // One more attempt after the end, to find a ledger that was freed by then.
  assert.ok(tries.at(-1)! >= 10_000 && tries.at(-2)! < 10_000);
});

Deno.test("the caller may set another limit", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience(undefined, 300).whileBusy(attempt, OTHERS));
  await clock.to(330);
  await assert.rejects(written, { message: `${BUSY} for 300ms; see who it is` });
  assert.ok(tries.at(-1)! >= 300 && tries.at(-2)! < 300);
});

Deno.test("a write succeeds as soon as possible, even at the end of the wait", async () => {
  for (const span of [0, 30, 9999]) {
    using clock = new FakeClock();
    const { attempt, tries } = lockedFor(clock, span);
    const written = later(new Patience().whileBusy(attempt, OTHERS));
    await clock.to(10_030);
    assert.equal(await written, "written");
    assert.ok(tries.at(-1)! <= span + 30);
  }
});

Deno.test("after a timeout each write is tried only once, until one succeeds", async () => {
  using clock = new FakeClock();
  const patience = new Patience();
  const { attempt } = lockedFor(clock, 20_000);
  const written = later(patience.whileBusy(attempt, OTHERS));
  await clock.to(10_030);
  await assert.rejects(written);
  const second = lockedFor(clock, 20_000);
  await assert.rejects(patience.whileBusy(second.attempt, OTHERS));
  assert.equal(second.tries.length, 1);
  await clock.to(20_000);
  assert.equal(await patience.whileBusy(attempt, OTHERS), "written");
  const third = lockedFor(clock, 21_000);
  const again = later(patience.whileBusy(third.attempt, OTHERS));
  await clock.to(21_030);
  assert.equal(await again, "written");
});

Deno.test("a signal ends the wait at once, and other errors are reported at once", async () => {
  using clock = new FakeClock();
  const interrupt = new AbortController();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const written = later(new Patience(interrupt.signal).whileBusy(attempt, OTHERS));
  await clock.to(500);
  interrupt.abort(SIGNAL);
  await assert.rejects(written, { message: `${BUSY}, and a signal ended the wait` });
  const count = tries.length;
  await clock.to(20_000);
  assert.equal(tries.length, count);
  const odd = () => {
    throw new Error("disk is full");
  };
  await assert.rejects(new Patience().whileBusy(odd, OTHERS), { message: "disk is full" });
});

Deno.test("a shorter limit of the caller is kept", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const patience = new Patience();
  patience.limitWait(new Deadline(2000));
  const written = later(patience.whileBusy(attempt, OTHERS));
  await clock.to(2030);
  await assert.rejects(written, { message: `${BUSY} for 2s; see who it is` });
  assert.ok(tries.at(-1)! >= 2000 && tries.at(-2)! < 2000);
});

Deno.test("a slow attempt is not repeated when less time than it took is left", async () => {
  using clock = new FakeClock();
  const { attempt, tries } = lockedFor(clock, Infinity);
  const patience = new Patience();
  patience.limitWait(new Deadline(2000));
  const written = later(patience.whileBusy(attempt, { ...OTHERS, shortest: 1000 }));
  await clock.to(2030);
  await assert.rejects(written, { message: `${BUSY} for 1s; see who it is` });
  assert.ok(tries.at(-1)! >= 1000 && tries.at(-2)! < 1000);
});

Deno.test("after a signal an answer is waited for no longer than the given time", async () => {
  using clock = new FakeClock();
  const { unrefTimer } = Deno;
  // The fake clock's timers do not keep the process alive.
  Deno.unrefTimer = () => undefined;
  try {
    const interrupt = new AbortController();
    const { noAnswer } = new Patience(interrupt.signal);
    await clock.to(10_000);
    interrupt.abort(SIGNAL);
    await clock.to(10_000 + LAST_ANSWER - 1);
    assert.equal(noAnswer.aborted, false);
    await clock.to(10_000 + LAST_ANSWER);
    assert.equal(noAnswer.reason, SIGNAL);
  } finally {
    Deno.unrefTimer = unrefTimer;
  }
});
