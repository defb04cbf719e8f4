/** When a waiter looks at a lock that somebody else holds, on a clock that the test moves. */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
// @ts-types="@types/pg"
import type pg from "pg";
import { PostgresLock } from "../../../lib/backends/postgres/lock.ts";
import { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import { Answer } from "../../../lib/backends/sql/answer.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { luck } from "../../lock/luck.ts";
import { answerOf, FAKE_POSTGRES } from "../fake_sessions.ts";
import { later, never, plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";
import { PID } from "./fake_server.ts";

/** A lock of somebody else's on a server that answers at once. */
class Waiting extends PostgresLock {
  /** What the server was asked, and when: `look`, `listen`, or another statement. */
  readonly asked: (readonly [at: number, what: string])[] = [];
  isFree = false;
  readonly #clock: FakeClock;
  readonly #client = new EventEmitter();

  static async on(clock: FakeClock): Promise<Waiting> {
    return new Waiting(clock, await parsePostgres("postgres://u:p@h/d"), plainSession);
  }

  private constructor(clock: FakeClock, ...lock: ConstructorParameters<typeof PostgresLock>) {
    super(...lock);
    this.#clock = clock;
  }

  /** When it was looked at. */
  get looks(): number[] {
    return this.asked.filter(([, what]) => what === "look").map(([at]) => at);
  }

  /** Tells those who listen of a release. */
  notify(): void {
    const [, listen] = this.asked.find(([, what]) => what.startsWith("LISTEN")) ?? [];
    assert.ok(listen, "nobody listens");
    this.#client.emit("notification", { channel: /^LISTEN "?(\w+)"?/.exec(listen)![1] });
  }

  protected override open(): Promise<PostgresSession> {
    const client = Object.assign(this.#client, {
      processID: PID,
      query: (sql: string, done: (error: undefined, result: unknown) => void) => {
        const isLook = sql.startsWith("SELECT pg_try_advisory_lock(");
        this.asked.push([this.#clock.now, isLook ? "look" : sql]);
        done(undefined, {
          rows: sql.startsWith("LISTEN") ? [] : [answerOf(FAKE_POSTGRES, sql, !isLook || this.isFree)],
        });
      },
      end: (done: () => void) => done(),
      connection: { stream: { destroy: () => undefined } },
    }) as unknown as pg.Client;
    const row = { pid: PID, born: "0.5", standby: "f", read_only: "off", idle: 0 };
    const facts = new Answer([row], ["pid", "born", "standby", "read_only", "idle"], ({ what }) => new Error(what));
    return Promise.resolve(new PostgresSession("PostgreSQL at h", client, facts, 700));
  }
}

Deno.test("with a wait of 0 there is one look, and nobody listens", async () => {
  using clock = new FakeClock();
  const lock = await Waiting.on(clock);
  assert.equal(await lock.acquire(0, never), undefined);
  assert.deepEqual(lock.asked, [[0, "look"]]);
});

Deno.test("a waiter listens before its second look, then rests from look to look, and looks last at the wait's end", async () => {
  for (const [part, pause] of [[0, 300], [0.5, 600], [1, 900]] as const) {
    using clock = new FakeClock();
    using _luck = luck(part);
    const lock = await Waiting.on(clock);
    let ended: number | undefined;
    const granted = later(lock.acquire(2000, never).finally(() => ended = clock.now));
    await clock.to(1999);
    assert.equal(ended, undefined);
    await clock.to(10_000);
    assert.equal(ended, 2000);
    assert.equal(await granted, undefined);
    assert.match(lock.asked[1]![1], /^LISTEN /);
    const rests = Array.from({ length: Math.ceil(2000 / pause) }, (_, index) => index * pause);
    assert.deepEqual(lock.looks, [0, ...rests, 2000]);
    assert.equal(lock.asked.length, lock.looks.length + 1);
  }
});

Deno.test("a lock that became free without a word is found at the next look", async () => {
  using clock = new FakeClock();
  using _luck = luck(0.5);
  const lock = await Waiting.on(clock);
  const granted = lock.acquire(Infinity, never);
  await clock.to(700);
  lock.isFree = true;
  await clock.to(1200);
  assert.ok(await granted);
  assert.deepEqual(lock.looks, [0, 0, 600, 1200]);
});

Deno.test("a release that is told of ends the pause at once; a look that finds nothing is followed by a whole one", async () => {
  using clock = new FakeClock();
  using _luck = luck(0.5);
  const lock = await Waiting.on(clock);
  const granted = lock.acquire(Infinity, never);
  await clock.to(250);
  // Somebody else was quicker.
  lock.notify();
  await clock.to(849);
  assert.deepEqual(lock.looks, [0, 0, 250]);
  await clock.to(900);
  assert.deepEqual(lock.looks, [0, 0, 250, 850]);
  lock.isFree = true;
  lock.notify();
  await clock.to(900);
  assert.ok(await granted);
  assert.deepEqual(lock.looks, [0, 0, 250, 850, 900]);
});

Deno.test("a signal ends the pause at once, and nothing is asked any more", async () => {
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

Deno.test("a session that ends in a pause ends the pause, and the wait goes on in another one", async () => {
  using clock = new FakeClock();
  using _luck = luck(0.5);
  const lock = await Waiting.on(clock);
  const granted = lock.acquire(Infinity, never);
  await clock.to(100);
  const session = await lock.session(never);
  session.destroy();
  // The first pause before another try.
  await clock.to(200);
  assert.deepEqual(lock.looks, [0, 0, 200, 200]);
  assert.equal(lock.asked.filter(([, what]) => what.startsWith("LISTEN")).length, 2);
  lock.isFree = true;
  await clock.to(800);
  assert.ok(await granted);
});
