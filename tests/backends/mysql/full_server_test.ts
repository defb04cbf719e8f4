/** Each waiter costs a connection, so a server may be full for a while. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import type { Lock } from "../../../lib/lock/lock.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { freshName, hold, never, open, Retries } from "../open.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";

// MariaDB takes no less. Root has one of its own besides.
const CONNECTIONS = 10;

for (const shared of [sharedMariaDb, sharedMySql56].map((start) => start(`--max-connections=${CONNECTIONS}`))) {
  shared.test("a full server is an error with a wait of 0, and otherwise tried again within the wait", async (server) => {
    const others = await fill(server);
    try {
      const retries = new Retries();
      await using backend = await open(server.dsn(), freshName(), undefined, retries);
      await assert.rejects(backend.acquire(0, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(error.message, /Too many connections; raise max_connections/);
        return true;
      });

      const began = performance.now();
      await assert.rejects(backend.acquire(600, never), LockUnavailableError);
      const took = performance.now() - began;
      assert.ok(took > 500, `took ${took} ms`);

      let over = false;
      const granted = backend.acquire(30_000, never).finally(() => over = true);
      await retries.more(2);
      assert.equal(over, false);
      await others.pop()![Symbol.asyncDispose]();
      const lock = await granted;
      assert.ok(lock);
      await lock.release();
    } finally {
      for (const backend of others) await backend[Symbol.asyncDispose]();
    }
  });
}

/** Takes all connections. */
async function fill(server: MySqlServer): Promise<Lock[]> {
  const backends: Lock[] = [];
  for (;;) {
    const backend = await open(server.dsn(), freshName());
    try {
      await hold(backend);
      backends.push(backend);
    } catch (error) {
      await backend[Symbol.asyncDispose]();
      if (backends.length < CONNECTIONS - 2) throw error;
      return backends;
    }
  }
}
