/** When a waiter checks a held lock, on a fake clock. */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
// @ts-types="@types/pg"
import type pg from "pg";
import { PostgresLock } from "../../../lib/backends/postgres/lock.ts";
import { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import { Answer } from "../../../lib/backends/sql/answer.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { fixedRandom } from "../../fixed_random.ts";
import { Seats } from "../../../lib/backends/postgres/seats.ts";
import { answerOf, FAKE_POSTGRES } from "../fake_sessions.ts";
import { later, never, plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";
import { PID } from "./fake_server.ts";

/** The statements, each with a pattern that identifies it. */
const QUESTIONS = { seat: "AS seat", look: "AS got", check: "AS mine", release: "AS released", told: "AS told" };

/** The first half second of a request for a held lock. */
const BEGINNING = ["look", "check", "seat", "LISTEN", "look"];

/** A held lock on a server that answers at once. */
class Waiting extends PostgresLock {
  /** The statements with their times: see {@linkcode QUESTIONS}; of others the first word. */
  readonly asked: (readonly [at: number, what: string])[] = [];
  isFree = false;
  /** The seat that the server gives; 0 if it has none, or its refusal. */
  seat: number | "refused" = 1;
  /** How many of the next checks fail in passing. */
  failing = 0;
  /** How many sessions were opened. */
  opened = 0;
  /** Whether who leaves a seat gets no answer. */
  isSlow = false;
  /** The last channel that was listened to. */
  channel: string | undefined;
  readonly #clock: FakeClock;
  readonly #client = new EventEmitter();

  static async on(clock: FakeClock): Promise<Waiting> {
    return new Waiting(clock, await parsePostgres("postgres://u:p@h/d"), plainSession);
  }

  private constructor(clock: FakeClock, ...lock: ConstructorParameters<typeof PostgresLock>) {
    super(...lock);
    this.#clock = clock;
  }

  /** When it was looked at, with a question for a seat or without. */
  get looks(): number[] {
    return this.asked.filter(([, what]) => what === "look" || what === "seat").map(([at]) => at);
  }

  /** The statements from then on. */
  from(time: number): string[] {
    return this.asked.filter(([at]) => at >= time).map(([, what]) => what);
  }

  /** Tells those who listen of a release. */
  notify(channel = this.channel): void {
    assert.ok(channel, "nobody listens");
    this.#client.emit("notification", { channel });
  }

  protected override open(): Promise<PostgresSession> {
    this.opened++;
    const client = Object.assign(this.#client, {
      processID: PID,
      query: (sql: string, done: (error: unknown, result?: unknown) => void) => {
        const question = Object.entries(QUESTIONS).find(([, words]) => sql.includes(words))?.[0] ??
          sql.split(" ", 1)[0]!;
        this.asked.push([this.#clock.now, question]);
        if (question === "LISTEN") this.channel = /^LISTEN "(\w+)"/.exec(sql)![1]!;
        if (question === "seat" && this.seat === "refused") {
          const refusal = { severity: "ERROR", code: "42501" };
          return done(Object.assign(new Error("permission denied for function pg_try_advisory_lock"), refusal));
        }
        if (question === "check" && this.failing > 0) {
          this.failing--;
          return done(Object.assign(new Error("canceled"), { severity: "ERROR", code: "57014" }));
        }
        if (question === "UNLISTEN" && this.isSlow) return;
        const row = sql.startsWith("SELECT") ? answerOf(FAKE_POSTGRES, sql, this.isFree) : undefined;
        done(undefined, { rows: row ? [{ ...row, ...question === "seat" ? { seat: this.seat } : {} }] : [] });
      },
      end: (done: () => void) => done(),
      connection: { stream: { destroy() {}, cork() {}, uncork() {} } },
    }) as unknown as pg.Client;
    const row = { pid: PID, born: "0.5", standby: "f", read_only: "off", idle: 0 };
    const facts = new Answer([row], ["pid", "born", "standby", "read_only", "idle"], ({ what }) => new Error(what));
    return Promise.resolve(new PostgresSession("PostgreSQL at h", client, facts, 700));
  }
}

Deno.test("with a wait of 0 there is one check, and no listening", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  assert.equal(await lock.acquire(0, never), undefined);
  assert.deepEqual(lock.asked, [[0, "look"], [0, "check"]]);
});

Deno.test("a free lock is acquired and checked at once, without a seat", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  lock.isFree = true;
  const held = await lock.acquire(Infinity, never);
  assert.deepEqual(lock.asked, [[0, "look"], [0, "check"]]);
  await held!.release();
  assert.deepEqual(lock.from(0), ["look", "check", "release", "told"]);
});

Deno.test("a lock whose check fails transiently is requested again in another session, not in the same one", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  lock.isFree = true;
  lock.failing = 1;
  const granted = lock.acquire(Infinity, never);
  await clock.to(1000);
  await (await granted)!.release();
  assert.equal(lock.opened, 2);
});

Deno.test("a waiter with a seat listens first, then checks after pauses, and last at the wait's end", async () => {
  for (const [part, pause] of [[0, 900], [0.5, 950], [1, 1000]] as const) {
    using clock = new FakeClock();
    using _random = fixedRandom(part);
    const lock = await Waiting.on(clock);
    let ended: number | undefined;
    const granted = later(lock.acquire(2000, never).finally(() => ended = clock.now));
    await clock.to(1999);
    assert.equal(ended, undefined);
    await clock.to(10_000);
    assert.equal(ended, 2000);
    assert.equal(await granted, undefined);
    const rests = [pause, 2 * pause].filter((at) => at < 2000);
    assert.deepEqual(lock.looks, [0, 0, 0, ...rests, 2000]);
    // Nothing is checked while the lock is held; and at the end others must not take it for a waiter.
    assert.deepEqual(lock.from(0), [...BEGINNING, ...rests.map(() => "look"), "look", "UNLISTEN"]);
  }
});

Deno.test("a waiter without a seat asks for one now and then, and does not listen until it has one", async () => {
  for (const [part, pause] of [[0, 2000], [0.5, 3000], [1, 4000]] as const) {
    using clock = new FakeClock();
    using _random = fixedRandom(part);
    const lock = await Waiting.on(clock);
    lock.seat = 0;
    const abort = new AbortController();
    const granted = later(lock.acquire(Infinity, abort.signal));
    await clock.to(2 * pause);
    assert.deepEqual(lock.asked, [[0, "look"], [0, "check"], [0, "seat"], [pause, "seat"], [2 * pause, "seat"]]);
    lock.seat = 7;
    await clock.to(3 * pause);
    assert.deepEqual(lock.from(3 * pause), ["seat", "LISTEN", "look"]);
    assert.equal(lock.channel, new Seats(plainSession.presence.lock).channelOf(7));
    await clock.to(3 * pause + 1000);
    assert.equal(lock.from(3 * pause + 1).join(), "look");
    abort.abort(new Error("enough"));
    await assert.rejects(granted);
  }
});

Deno.test("a waiter without a seat may find the lock free", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  lock.seat = 0;
  const granted = lock.acquire(Infinity, never);
  await clock.to(2999);
  lock.isFree = true;
  await clock.to(3000);
  assert.ok(await granted);
  assert.deepEqual(lock.from(3000), ["seat", "check"]);
});

Deno.test("where seats are refused, a waiter listens to the general notification, and checks as with a seat", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  lock.seat = "refused";
  const granted = lock.acquire(Infinity, never);
  await clock.to(1000);
  assert.deepEqual(lock.from(0), [...BEGINNING, "look"]);
  assert.equal(lock.channel, `sera_${plainSession.presence.lock}`);
  lock.isFree = true;
  lock.notify();
  await clock.to(1000);
  assert.ok(await granted);
});

Deno.test("a lock that was freed without a notification is found at the next check", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  const granted = lock.acquire(Infinity, never);
  await clock.to(1000);
  lock.isFree = true;
  await clock.to(1900);
  assert.ok(await granted);
  assert.deepEqual(lock.looks, [0, 0, 0, 950, 1900]);
  // It leaves its seat once it knows that it has the lock.
  assert.deepEqual(lock.from(1900), ["look", "check", "UNLISTEN"]);
});

Deno.test("a notification of a release ends the pause at once; a check that finds nothing is followed by a full pause", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  lock.seat = 3;
  const granted = lock.acquire(Infinity, never);
  await clock.to(250);
  // Another session was faster.
  lock.notify();
  await clock.to(1199);
  assert.deepEqual(lock.looks, [0, 0, 0, 250]);
  // Notifications for others do not count.
  lock.notify(`sera_${plainSession.presence.lock}`);
  await clock.to(1200);
  assert.deepEqual(lock.looks, [0, 0, 0, 250, 1200]);
  lock.isFree = true;
  lock.notify();
  await clock.to(1200);
  assert.ok(await granted);
  assert.deepEqual(lock.from(1200), ["look", "look", "check", "UNLISTEN"]);
});

Deno.test("a seat whose release gets no answer costs nobody the lock", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  lock.isSlow = true;
  const granted = lock.acquire(Infinity, never);
  await clock.to(100);
  lock.isFree = true;
  lock.notify();
  await clock.to(100);
  const held = await granted;
  assert.equal(lock.from(100).at(-1), "UNLISTEN");
  await clock.to(25_000);
  assert.equal(held!.lost.aborted, false);
  await held!.release();
});

Deno.test("a signal ends the pause at once, and nothing more is requested", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  const abort = new AbortController();
  const granted = later(lock.acquire(Infinity, abort.signal));
  await clock.to(100);
  const { length } = lock.asked;
  abort.abort(new Error("enough"));
  await assert.rejects(granted, { message: "enough" });
  await clock.to(10_000);
  assert.equal(lock.asked.length, length);
});

Deno.test("when the session ends during a pause, the pause ends, and the wait goes on in another session", async () => {
  using clock = new FakeClock();
  using _random = fixedRandom(0.5);
  const lock = await Waiting.on(clock);
  const granted = lock.acquire(Infinity, never);
  await clock.to(100);
  const session = await lock.session(never);
  session.destroy();
  // The first pause before another try.
  await clock.to(200);
  assert.deepEqual(lock.from(200), BEGINNING);
  lock.isFree = true;
  await clock.to(1150);
  assert.ok(await granted);
});
