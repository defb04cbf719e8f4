/** How long a session waits for its server, on a clock that the test moves. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { LockUnavailableError, troubleOf } from "../../../lib/errors.ts";
import { MAX_TIMER_DELAY } from "../../../lib/deadline.ts";
import type { DriverConnection } from "../../../lib/backends/sql/driver.ts";
import { Session } from "../../../lib/backends/sql/session.ts";
import { sql, type Statement } from "../../../lib/backends/sql/statement.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later } from "../open.ts";

/** A server that answers when the test says so. */
class SlowServer implements DriverConnection {
  readonly #waiting: (() => void)[] = [];
  saidGoodbye: (() => void) | undefined;
  destroyed = 0;

  query(_: unknown, done: (error: unknown, rows: readonly []) => void): void {
    this.#waiting.push(() => done(undefined, []));
  }

  /** Answers the oldest question. */
  answer(): void {
    this.#waiting.shift()!();
  }

  end(done: () => void): void {
    this.saidGoodbye = done;
  }

  destroy(): void {
    this.destroyed++;
  }

  socket(): Socket {
    throw new Error("there is none");
  }
}

function sessionWith(driver: DriverConnection): Session {
  const guide = { describe: troubleOf, isTransient: () => true };
  return new Session("Server at place", driver, guide, 500);
}

Deno.test("a statement that is not answered in time ends the session", async () => {
  using clock = new FakeClock();
  const server = new SlowServer();
  const session = sessionWith(server);
  const asked = later(session.query(sql`SELECT 1`));
  await clock.to(499);
  assert.equal(session.closed.aborted, false);
  await clock.to(500);
  await assert.rejects(asked, {
    message: "Cannot lock on Server at place: no answer for 500ms; check the server and the network",
  });
  assert.equal(session.closed.aborted, true);
  assert.equal(server.destroyed, 1);
});

Deno.test("an answer in time leaves nothing behind", async () => {
  using clock = new FakeClock();
  const server = new SlowServer();
  const session = sessionWith(server);
  for (let round = 0; round < 5; round++) {
    const asked = session.query(sql`SELECT 1`);
    await clock.to(clock.now + 499);
    server.answer();
    await asked;
    assert.equal(clock.pending, 0);
  }
  assert.equal(session.closed.aborted, false);
});

Deno.test("the server's own expected time is added to the timeout", async () => {
  using clock = new FakeClock();
  const session = sessionWith(new SlowServer());
  const asked = later(session.query(sql`SELECT 1`, { serverTime: 60_000 }));
  await clock.to(60_499);
  assert.equal(session.closed.aborted, false);
  await clock.to(60_500);
  await assert.rejects(asked, /no answer for 500ms/);
  const permanent = sessionWith(new SlowServer());
  const asking = later(permanent.query(sql`SELECT 1`, { serverTime: Infinity }));
  await clock.to(clock.now + MAX_TIMER_DELAY - 1);
  assert.equal(permanent.closed.aborted, false);
  permanent.destroy();
  await assert.rejects(asking);
});

Deno.test("a statement queued behind others also gets their time to be answered", async () => {
  using clock = new FakeClock();
  const server = new SlowServer();
  const session = sessionWith(server);
  const first = session.query(sql`SELECT 1`);
  const second = session.query(sql`SELECT 2`);
  await clock.to(499);
  server.answer();
  await first;
  await clock.to(999);
  assert.equal(session.closed.aborted, false);
  server.answer();
  await second;
  // And the time of one again for the next.
  const third = later(session.query(sql`SELECT 3`));
  await clock.to(999 + 500);
  await assert.rejects(third, /no answer/);
});

Deno.test("a signal abandons a statement at once, and the connection with it", async () => {
  using clock = new FakeClock();
  const server = new SlowServer();
  const session = sessionWith(server);
  const abort = new AbortController();
  const asked = later(session.query(sql`SELECT 1`, { signal: abort.signal }));
  abort.abort(new Error("enough"));
  await assert.rejects(asked, { message: "enough" });
  assert.deepEqual({ destroyed: server.destroyed, pending: clock.pending }, { destroyed: 1, pending: 0 });
});

for (const several of [true, false]) {
  Deno.test(`a signal ends a batch with its own reason, ${several ? "sent together" : "one by one"}`, async () => {
    using _clock = new FakeClock();
    const server = new SlowServer();
    const sent: Statement[] = [];
    const queryEach = several ? (statements: readonly Statement[]) => void sent.push(...statements) : undefined;
    const session = sessionWith(Object.assign(server, { queryEach }));
    const stop = new AbortController();
    const asked = later(session.batch([sql`SELECT 1`, sql`SELECT 2`], { signal: stop.signal }));
    // As when a server is searched within a limit.
    const reason = LockUnavailableError.on("Server at place", { what: "not connected within 1s" });
    stop.abort(reason);
    await assert.rejects(asked, (error) => error === reason);
    assert.equal(server.destroyed, 1);
    assert.equal(sent.length, several ? 2 : 0);
  });
}

Deno.test("closing waits at most a second for the server", async () => {
  using clock = new FakeClock();
  for (const untilGone of [false, true]) {
    const silent = sessionWith(new SlowServer());
    let closed = false;
    const closing = silent.close({ untilGone }).then(() => closed = true);
    await clock.to(clock.now + 999);
    assert.equal(closed, false);
    await clock.to(clock.now + 1);
    await closing;

    const server = new SlowServer();
    const polite = sessionWith(server);
    closed = false;
    const ending = polite.close({ untilGone }).then(() => closed = true);
    server.saidGoodbye!();
    await clock.to(clock.now + 1);
    // Until the server has gone too, if asked to.
    assert.equal(closed, !untilGone);
    polite.ended(new Error("closed"));
    await ending;
    assert.equal(clock.pending, 0);
  }
});
