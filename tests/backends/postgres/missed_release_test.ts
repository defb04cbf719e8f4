/** Releases that the notified waiter cannot use: each must reach another waiter. */

import assert from "node:assert/strict";
import type { PostgresSession } from "../../../lib/backends/postgres/session.ts";
import { IS_SEAT } from "../../../lib/backends/postgres/seats.ts";
import type { Statement } from "../../../lib/backends/sql/statement.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import type { HeldLock, Lock } from "../../../lib/lock/lock.ts";
import { until } from "../../cli/wait.ts";
import { fixedRandom } from "../../fixed_random.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { keySql } from "./key_sql.ts";
import { OtherClient } from "./view.ts";

/** With this, and with {@linkcode PATIENT} in place of Math.random(), no waiter polls for hours. */
const options = { lease: { ttl: 86_400_000, grace: 10_000 } };
const PATIENT = 1e6;

/** The wait of a run that gives up, in milliseconds. */
const SHORT = 500;

const SEATED = `SELECT pid, classid::int, objid::int FROM pg_locks
  WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND ${IS_SEAT.textFor(POSTGRESQL)}`;

/** Resolves when so many sit, and all have been answered their question for the lock, which they asked after that. */
async function settled(server: PostgresServer, count: number): Promise<void> {
  await until(`${count} sit and wait`, async () => {
    const found = await server.query(
      `SELECT FROM pg_stat_activity WHERE pid IN (SELECT pid FROM (${SEATED}) seated)
         AND state = 'idle' AND strpos(query, 'pg_try_advisory_lock') > 0 AND strpos(query, 'AS seat') = 0`,
    );
    return found.length === count;
  });
}

/** Does something before the lock's session sends a statement of this kind for the first time from now on. */
async function before(lock: Lock, words: string, act: () => Promise<unknown>): Promise<void> {
  const session = await lock.session(never) as PostgresSession;
  const { queryAll, batch } = session;
  const look = async (...statements: readonly Statement[]) => {
    if (!statements.some((statement) => statement.textFor(POSTGRESQL).includes(words))) return;
    Object.assign(session, { queryAll, batch });
    await act();
  };
  session.queryAll = async (statement, more) => {
    await look(statement);
    return await queryAll.call(session, statement, more);
  };
  session.batch = async (statements, more) => {
    await look(...statements);
    return await batch.call(session, statements, more);
  };
}

/** Begins to wait for a lock. The result resolves when it was acquired and released, and fails if that takes too long. */
function granting(lock: Lock): () => Promise<void> {
  let held: HeldLock | undefined;
  later(lock.acquire(Infinity, never).then((acquired) => held = acquired));
  return async () => await (await until("it gets the lock", () => held)).release();
}

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  for (const slots of [undefined, 2]) {
    const what = slots === undefined ? "a lock" : "a slot";
    shared.test(`${what} that is released while the notified waiter gives up goes to another`, async (server) => {
      using _random = fixedRandom(PATIENT);
      const name = freshName();
      const openOne = () => open(server.url(), name, undefined, { ...options, slots });
      await using one = await openOne();
      await using other = await openOne();
      const held = await hold(one);
      if (slots !== undefined) await hold(other);
      await using hasty = await openOne();
      let isReleased = false;
      // After its last look: the holder tells it, since it has the first seat.
      await before(hasty, "UNLISTEN", async () => {
        await held.release();
        isReleased = true;
      });
      const given = later(hasty.acquire(SHORT, never));
      await until("it sits", async () => (await server.query(SEATED)).length === 1 || isReleased);
      await using patient = await openOne();
      const granted = granting(patient);
      assert.equal(await given, undefined);
      await granted();
    });
  }

  shared.test("a waiter that has to give a slot back at once keeps no seat without listening", async (server) => {
    const name = freshName();
    const { args } = keySql(name);
    const openOne = () => open(server.url(), name, undefined, { ...options, slots: 2 });
    await using one = await openOne();
    await using other = await openOne();
    await using old = await OtherClient.connect(server);
    const held = [await hold(one), await hold(other)];
    await using waiter = await openOne();
    using _random = fixedRandom(0);
    let patient: Disposable | undefined;
    // It gets a seat and the other slot, and finds that a holder without slots is older.
    await before(waiter, "AS seat", async () => {
      for (const lock of held.splice(0)) await lock.release();
      await old.query(`SELECT pg_advisory_lock(${args})`);
      await before(waiter, "AS released", async () => {
        await before(waiter, "AS granted", async () => {
          await old.query(`SELECT pg_advisory_unlock(${args})`);
          held.push(await hold(one), await hold(other));
          patient = fixedRandom(PATIENT);
        });
      });
    });
    const granted = granting(waiter);
    await until("both slots are held again", () => patient !== undefined);
    await settled(server, 1);
    for (const lock of held) await lock.release();
    patient![Symbol.dispose]();
    await granted();
  });

  shared.test("a seat that another session is only checking does not count as taken", async (server) => {
    using _random = fixedRandom(PATIENT);
    const name = freshName();
    const openOne = () => open(server.url(), name, undefined, options);
    await using holder = await openOne();
    const held = await hold(holder);
    await using first = await openOne();
    const over = new AbortController();
    const gone = later(first.acquire(Infinity, over.signal));
    await settled(server, 1);
    const [seat] = await server.query(SEATED);
    over.abort(new Error("over"));
    await assert.rejects(gone);
    await until("the seat is free", async () => (await server.query(SEATED)).length === 0);
    // As who looks for a waiter does for a moment.
    await using looking = await OtherClient.connect(server);
    await looking.query(`SELECT pg_advisory_lock_shared(${seat!.classid}, ${seat!.objid})`);
    await using waiter = await openOne();
    const granted = granting(waiter);
    await settled(server, 1);
    await held.release();
    await granted();
  });
}
