/** The requests of a waiter, and their times, on a fake clock. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { troubleOf } from "../../../lib/errors.ts";
import { MySqlLock } from "../../../lib/backends/mysql/lock.ts";
import { MySqlSession } from "../../../lib/backends/mysql/session.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { answerOf, FAKE_MYSQL } from "../fake_sessions.ts";
import { later, never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import type { AnswerRow } from "../fake_server.ts";

/** How long an answer may take, in milliseconds. */
const ANSWER = 700;

/** A lock on a server that waits as it is asked to, or as the test has it. */
class Waiting extends MySqlLock {
  /** For how many seconds the server was asked to wait, and when. */
  readonly asked: (readonly [at: number, seconds: number])[] = [];
  /** When the lock becomes free. */
  freeAt = Infinity;
  /** How long the server waits, in milliseconds, when it was asked to do so for so many seconds. */
  waits = (seconds: number): number => seconds * 1000;
  sessions = 0;
  readonly #clock: FakeClock;

  static async on(clock: FakeClock): Promise<Waiting> {
    return new Waiting(clock, await parseMySql("u:p@tcp(h)/"), plainSession);
  }

  private constructor(clock: FakeClock, ...lock: ConstructorParameters<typeof MySqlLock>) {
    super(...lock);
    this.#clock = clock;
  }

  protected override open(): Promise<MySqlSession> {
    this.sessions++;
    const driver = {
      query: (
        statement: { textFor(quoting: typeof MYSQL): string },
        done: (error: unknown, rows: AnswerRow[]) => void,
      ) => {
        const sql = statement.textFor(MYSQL);
        const seconds = /\bGET_LOCK\('\w+', (\d+)\)/.exec(sql)?.[1];
        if (seconds === undefined) return done(undefined, [answerOf(FAKE_MYSQL, sql) as AnswerRow]);
        this.asked.push([this.#clock.now, Number(seconds)]);
        // On a clock that stands the test would not come to its end.
        if (this.asked.length > 100) return done(new Error("asked without a pause"), []);
        const end = this.#clock.now + this.waits(Number(seconds));
        const got = this.freeAt <= end ? 1 : 0;
        setTimeout(
          () => done(undefined, [{ got }]),
          Math.min(end, Math.max(this.freeAt, this.#clock.now)) - this.#clock.now,
        );
      },
      end: (done: () => void) => done(),
      destroy: () => undefined,
      socket: () => undefined as unknown as Socket,
    };
    const guide = { describe: troubleOf, isTransient: () => true };
    return Promise.resolve(new MySqlSession("MySQL at h", driver, guide, ANSWER));
  }
}

Deno.test("a wait is one request of its whole seconds, and ends with the server's answer or by our own clock", async () => {
  const cases: readonly (readonly [wait: number, seconds: number, ends: number])[] = [
    [0, 0, 0],
    [50, 0, 0],
    [100, 0, 0],
    // The server would wait for longer than that.
    [101, 1, 101],
    [500, 1, 500],
    [899, 1, 899],
    // Or so little longer that it may.
    [900, 1, 1000],
    [1000, 1, 1000],
    [1100, 1, 1000],
    [1101, 2, 1101],
    [30_000, 30, 30_000],
    [60_000, 60, 60_000],
  ];
  for (const [wait, seconds, ends] of cases) {
    using clock = new FakeClock();
    const lock = await Waiting.on(clock);
    let ended: number | undefined;
    const granted = later(lock.acquire(wait, never).finally(() => ended = clock.now));
    if (ends > 0) {
      await clock.to(ends - 1);
      assert.equal(ended, undefined, `${wait} ms`);
    }
    await clock.to(100_000);
    assert.equal(ended, ends, `${wait} ms`);
    assert.equal(await granted, undefined);
    assert.deepEqual(lock.asked, [[0, seconds]]);
  }
});

Deno.test("a longer wait is split into minutes, so that a vanished server is noticed", async () => {
  for (const wait of [150_000, Infinity]) {
    using clock = new FakeClock();
    const lock = await Waiting.on(clock);
    lock.freeAt = 130_000;
    const granted = lock.acquire(wait, never);
    await clock.to(130_000);
    const held = await granted;
    assert.ok(held);
    const third = wait === Infinity ? 60 : Math.ceil((wait - 120_200 - 100) / 1000);
    assert.deepEqual(lock.asked, [[0, 60], [60_100, 60], [120_200, third]]);
    assert.equal(lock.sessions, 1);
    await held.release();
  }
});

Deno.test("a server that does not wait at all is asked at most ten times a second", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  lock.waits = () => 0;
  const granted = lock.acquire(1000, never);
  await clock.to(100_000);
  assert.equal(await granted, undefined);
  assert.deepEqual(lock.asked.map(([at]) => at), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
});

Deno.test("a server that waits for less than requested is asked for the rest", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  lock.waits = (seconds) => Math.min(seconds, 2) * 1000;
  const granted = lock.acquire(5000, never);
  await clock.to(100_000);
  assert.equal(await granted, undefined);
  assert.deepEqual(lock.asked, [[0, 5], [2100, 3], [4200, 1]]);
});

Deno.test("the answer timeout begins when the server's wait ends", async () => {
  for (const [late, isWaitedFor] of [[ANSWER - 1, true], [ANSWER + 1, false]] as const) {
    using clock = new FakeClock();
    const lock = await Waiting.on(clock);
    lock.waits = (seconds) => seconds * 1000 + late;
    const granted = later(lock.acquire(2000, never));
    await clock.to(2000 + ANSWER + 2);
    if (isWaitedFor) assert.equal(await granted, undefined);
    else await assert.rejects(granted, /MySQL at h: [^\n]*no answer for 700ms/);
  }
});

Deno.test("a signal ends the pause between two requests at once", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  lock.waits = () => 0;
  const abort = new AbortController();
  const granted = later(lock.acquire(Infinity, abort.signal));
  await clock.to(250);
  abort.abort(new Error("enough"));
  await assert.rejects(granted, { message: "enough" });
  await clock.to(10_000);
  assert.equal(lock.asked.length, 3);
});
