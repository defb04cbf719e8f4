/** Servers that die, hang or end idle connections. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import { stopsAfter } from "../../../lib/lock/lease.ts";
import { HANG, until } from "../../cli/wait.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { waiters, waiting } from "./view.ts";
import { Together } from "../../side_by_side.ts";
import { RESTARTS, sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

/** How long a goodbye may take, in milliseconds. */
const GOODBYE = 1000;

const together = new Together();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.testTogether(
    together,
    "when the server crashes, the holder notices at once, and the waiter waits for its return",
    async (server) => {
      const name = freshName();
      const told: string[] = [];
      // Its next look comes hours later.
      await using one = await open(server.dsn(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
      await using other = await open(server.dsn(), name, undefined, { retrying: ({ message }) => told.push(message) });
      const lock = await hold(one);
      let over = false;
      const granted = later(other.acquire(HANG, never).finally(() => over = true));
      const lost = new Promise((resolve) => lock.lost.addEventListener("abort", resolve, { once: true }));
      await waiting(server, name);
      const began = performance.now();
      await server.kill();
      try {
        await lost;
        assert.ok(performance.now() - began < HANG);
        await assert.rejects(lock.release(), LockLostError);
        await until("the waiter has noticed", () => told.length > 0);
        assert.ok(performance.now() - began < HANG);
        assert.match(told[0]!, /^Cannot lock on MySQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
        // With a wait of 0 the error comes at once.
        const trying = performance.now();
        await assert.rejects(one.acquire(0, never), LockUnavailableError);
        assert.ok(performance.now() - trying < HANG);
        assert.equal(over, false);
      } finally {
        await server.restart();
      }
      const next = await granted;
      assert.ok(next);
      await next.release();
    },
    RESTARTS,
  );

  shared.test("a hanging server does not block sera for ever", async (server) => {
    const dsn = server.dsn("timeout=5s&readTimeout=500ms");
    const lease = { ttl: 3000, grace: 500 };
    const name = freshName();
    const one = await open(dsn, name, undefined, { lease });
    const other = await open(dsn, name, undefined, { lease });
    try {
      using clock = new FakeClock();
      const lock = await hold(one);
      let over = false;
      const granted = later(other.acquire(1000, never).finally(() => over = true));
      await clock.until("it waits", async () => (await waiters(server, name)).length === 1);
      await server.pause();
      // The wait, and the time to answer.
      await clock.to(1499);
      assert.equal(over, false);
      await clock.to(1500);
      await assert.rejects(granted, (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(error.message, /no answer for 500ms; check the server and the network$/);
        return true;
      });
      // The TTL, less the time that ending a command takes; sooner would free the lock before that.
      await clock.to(stopsAfter(lease) - 1);
      assert.equal(lock.lost.aborted, false);
      await clock.to(stopsAfter(lease));
      assert.ok(lock.lost.reason instanceof LockLostError);
      assert.match(lock.lost.reason.message, /: no answer for 2\.2s$/);
      await assert.rejects(lock.release(), LockLostError);
      const disposed = Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
      await clock.to(clock.now + GOODBYE);
      await disposed;
    } finally {
      server.resume();
    }
  });

  shared.test("a hanging server is reported when connecting", async (server) => {
    const backend = await open(server.dsn("timeout=5s&readTimeout=500ms"), freshName());
    await server.pause();
    try {
      await assert.rejects(
        backend.acquire(0, never),
        /accepts the connection, but does not answer within 500ms; check the address and the firewall$/,
      );
    } finally {
      server.resume();
    }
  });
}
