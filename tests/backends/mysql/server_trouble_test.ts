/** Servers that die, hang or end idle connections. */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import { HANG, until } from "../../cli/wait.ts";
import { Together } from "../../side_by_side.ts";
import { freshName, hold, later, never, open, renewals, Retries } from "../open.ts";
import { waiting } from "../server_view.ts";
import { RESTARTS, sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

const together = new Together();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.testTogether(
    together,
    "a server that dies tells a holder at once, and a waiter waits for its return",
    async (server) => {
      const name = freshName();
      const told: string[] = [];
      // Its next look comes hours later.
      await using one = await open(server.dsn(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
      await using other = await open(server.dsn(), name, undefined, { retrying: ({ message }) => told.push(message) });
      const lock = await hold(one);
      let over = false;
      const granted = later(other.acquire(60_000, never).finally(() => over = true));
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
        // Who does not wait is told at once.
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

  shared.testTogether(together, "a server that hangs does not keep anybody", async (server) => {
    const dsn = server.dsn("timeout=5s&readTimeout=500ms");
    const lease = { ttl: 3000, grace: 500 };
    const name = freshName();
    const one = await open(dsn, name, undefined, { lease });
    const other = await open(dsn, name, undefined, { lease });
    const lock = await hold(one);
    const granted = later(other.acquire(1000, never));
    const lost = new Promise((resolve) => lock.lost.addEventListener("abort", resolve, { once: true }));
    await waiting(server, name);
    const began = performance.now();
    server.pause();
    try {
      await assert.rejects(granted, (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(error.message, /no answer for 500ms; check the server and the network$/);
        return true;
      });
      // The wait, and the time to answer.
      assert.ok(performance.now() - began < HANG);
      // The TTL, less the time that ending a command takes; sooner would free the lock before that.
      await lost;
      assert.ok(performance.now() - began < HANG, `took ${performance.now() - began} ms`);
      assert.ok(lock.lost.reason instanceof LockLostError);
      assert.match(lock.lost.reason.message, /: no answer for 2\.\d+s$/);
      await assert.rejects(lock.release(), LockLostError);
      const disposing = performance.now();
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      assert.ok(performance.now() - disposing < HANG);

      const third = await open(dsn, name);
      await assert.rejects(
        third.acquire(0, never),
        /accepts the connection, but does not answer within 500ms; check the address and the firewall$/,
      );
    } finally {
      server.resume();
    }
  });

  shared.testTogether(together, "disposing does not wait long for a server that hangs", async (server) => {
    const backend = await open(server.dsn(), freshName());
    await hold(backend);
    server.pause();
    try {
      const began = performance.now();
      await backend[Symbol.asyncDispose]();
      assert.ok(performance.now() - began < HANG);
    } finally {
      server.resume();
    }
  });

  shared.testTogether(together, "a server that ends idle connections ends no held lock", async (server) => {
    const name = freshName();
    // The shortest lease, and a setting that would undercut it.
    const lease = { ttl: 3000, grace: 500 };
    await using backend = await open(server.dsn("wait_timeout=1"), name, undefined, { lease });
    const lock = await hold(backend);
    // The fourth look comes after the TTL.
    await renewals(lock, 4);
    assert.equal(lock.lost.aborted, false);
    await using other = await open(server.dsn(), name);
    assert.equal(await other.acquire(0, never), undefined);
    await lock.release();
  });

  shared.testTogether(together, "the time to answer does not shorten a wait", async (server) => {
    const name = freshName();
    await using one = await open(server.dsn(), name);
    const { told, retrying } = new Retries();
    await using other = await open(server.dsn("readTimeout=300ms&writeTimeout=300ms"), name, undefined, { retrying });
    const lock = await hold(one);
    const granted = other.acquire(30_000, never);
    const [waiter] = await waiting(server, name);
    await until("the server has waited far longer", async () => (await waiting(server, name))[0]!.seconds >= 1);
    assert.equal((await waiting(server, name))[0]!.id, waiter!.id);
    assert.deepEqual(told, []);
    await lock.release();
    await (await granted)!.release();
  });
}
