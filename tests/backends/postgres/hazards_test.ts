/** What administrators, limits, other clients and the server's end do to those who wait for a lock or hold one. */

import assert from "node:assert/strict";
import { parsePostgresServer } from "../../../lib/backends/postgres/address.ts";
import { LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import { keySql } from "./key_sql.ts";
import { stopsAfter } from "../../../lib/lock/lease.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import { openPostgresSession } from "../../../lib/backends/postgres/open_session.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { HANG, pause, until } from "../../cli/wait.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { fixedRandom } from "../../fixed_random.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { failure, freshName, hold, later, never, open, plainSession, Retries } from "../open.ts";
import { holderOf, OtherClient, type ServerSession, sessions, waiters, waiting } from "./view.ts";
import { RESTARTS, sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { Together } from "../../side_by_side.ts";

/** How many wait for one lock at the same time, where many do. */
const MANY = 100;

/** How long a goodbye may take, in milliseconds. */
const GOODBYE = 1000;

const postgres = sharedPostgres(`--max-connections=${MANY + 20}`);

const together = new Together();

for (const shared of [postgres, sharedPostgres18(`--max-connections=${MANY + 20}`)]) {
  const test: typeof shared.test = (name, fn, options) => shared.testTogether(together, name, fn, options);

  test("a waiter has no transaction and no snapshot", async (server) => {
    const name = freshName();
    await using one = await open(server.url(), name);
    await using other = await open(server.url(), name);
    const lock = await hold(one);
    const granted = later(other.acquire(HANG, never));
    await waiting(server, name);
    const looks = new Set<string>();
    let times = 0;
    await until("several looks", async () => {
      const [session] = await waiters(server, name);
      looks.add(session!.queryStart);
      // It may be met in the middle of one.
      if (session!.state === "active") return false;
      const { state, backendXmin, transactionStart } = session!;
      assert.deepEqual({ state, backendXmin, transactionStart }, {
        state: "idle",
        backendXmin: null,
        transactionStart: null,
      });
      return ++times > 20 && looks.size > 3;
    });
    await lock.release();
    await (await granted)!.release();
  });

  test("the holder's command may run statements that wait for all transactions to end", async (server) => {
    const name = freshName();
    await using one = await open(server.url(), name);
    await using other = await open(server.url(), name);
    const lock = await hold(one);
    const granted = later(other.acquire(HANG, never));
    await waiting(server, name);

    await using command = await OtherClient.connect(server);
    await command.query("CREATE TABLE numbers AS SELECT generate_series(1, 10000) AS number");
    // A waiter in its way would make each of these fail.
    await command.query("SET statement_timeout = '15s'");
    await command.query("CREATE INDEX CONCURRENTLY numbers_index ON numbers (number)");
    await command.query("REINDEX INDEX CONCURRENTLY numbers_index");
    await command.query("DELETE FROM numbers");
    // In the very moment of a look it would keep the rows.
    await until("VACUUM takes the deleted rows away", async () => {
      await command.query("VACUUM numbers");
      return (await command.query("SELECT pg_relation_size('numbers')::int AS size")).size === 0;
    });
    await command.query("DROP TABLE numbers");

    await lock.release();
    await (await granted)!.release();
  });

  test("time limits of the role interrupt neither a wait nor a release", async (server) => {
    await withRole(server, "SET statement_timeout = '300ms'", "SET lock_timeout = '300ms'", async () => {
      await withGate(server, async (url, gate) => {
        const name = freshName();
        await using one = await open(server.url(), name);
        await using other = await open(url, name);
        const lock = await hold(one);
        const granted = later(other.acquire(HANG, never));
        await waiting(server, name);
        await gate.close();
        const [waiter] = await blocked(server);
        await until("it has been blocked for twice as long", async () => {
          const [row] = await server.query(
            `SELECT clock_timestamp() - query_start > '600ms' AS long FROM pg_stat_activity WHERE pid = ${waiter!.pid}`,
          );
          return row?.long;
        });
        assert.deepEqual(await blocked(server), [waiter]);
        await gate.open();
        assert.equal(lock.lost.aborted, false);
        await lock.release();
        await (await granted)!.release();
      });
    });
  });

  test("a session has no statement and lock timeouts, and the lease's idle timeout", async (server) => {
    const role = ["SET statement_timeout = '5s'", "SET lock_timeout = '5s'", "SET idle_session_timeout = '700ms'"];
    await withRole(server, ...role, async () => {
      const config = parsePostgresServer(server.url(), { env: () => undefined, home: undefined, systemUser: () => "" });
      const session = await openPostgresSession(config, plainSession, never);
      try {
        const values = { statement_timeout: "0", lock_timeout: "0", idle_session_timeout: "30s" };
        for (const [setting, value] of Object.entries(values)) {
          assert.equal((await session.query(sql`SELECT current_setting(${setting}) AS value`)).value, value, setting);
        }
      } finally {
        await session.close();
      }
    });
  });

  test("a server that refuses the session settings can still be used", async (server) => {
    await withSchema(
      server,
      `CREATE FUNCTION front.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no settings here'; END $$`,
      async (url) => {
        const name = freshName();
        await using one = await open(url, name);
        await using other = await open(url, name);
        const lock = await hold(one);
        const granted = later(other.acquire(HANG, never));
        await waiting(server, name);
        await lock.release();
        await (await granted)!.release();
      },
    );
  });

  test("a lock that the server does not show for the session is not held", async (server) => {
    await withSchema(
      server,
      "CREATE VIEW front.pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false",
      async (url) => {
        const { message } = await failure(url);
        assert.match(message, /^Cannot lock on PostgreSQL at tcp\([^\n]*: the server does not keep the lock with this/);
      },
    );
  });

  test("releasing a lock that is gone reports that", async (server) => {
    const unlock = "CREATE FUNCTION front.pg_advisory_unlock(bigint) RETURNS boolean RETURN false";
    await withSchema(server, unlock, async (url) => {
      await using backend = await open(url, freshName());
      const lock = await hold(backend);
      await assert.rejects(lock.release(), (error) => {
        assert.ok(error instanceof LockLostError);
        assert.match(error.message, /^The lock was gone before its release: PostgreSQL at tcp\([^\n]+ had freed it$/);
        return true;
      });
    });
  });

  test("a holder whose session is terminated learns of its loss at once", async (server) => {
    const name = freshName();
    // Its next look comes hours later.
    await using backend = await open(server.url(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
    const lock = await hold(backend);
    const lost = lossOf(lock);
    const pid = await holderOf(server, name);
    const began = performance.now();
    await server.query(`SELECT pg_terminate_backend(${pid})`);
    const { message } = await lost;
    assert.ok(performance.now() - began < HANG);
    assert.match(message, /^Lock lost: PostgreSQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
    await assert.rejects(lock.release(), LockLostError);
    await (await hold(backend)).release();
  });

  test("a waiter whose session is terminated goes on waiting in another one", async (server) => {
    const name = freshName();
    const told: string[] = [];
    await using one = await open(server.url(), name);
    await using other = await open(server.url(), name, undefined, { retrying: ({ message }) => told.push(message) });
    const lock = await hold(one);
    const granted = later(other.acquire(HANG, never));
    const [waiter] = await waiting(server, name);
    const began = performance.now();
    await server.query(`SELECT pg_terminate_backend(${waiter!.pid})`);
    const again = await until("another one waits", async () => {
      const found = (await waiters(server, name)).filter(({ pid }) => pid !== waiter!.pid);
      return found.length === 1 ? found[0] : undefined;
    });
    assert.ok(performance.now() - began < HANG);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^Cannot lock on PostgreSQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
    await until("two sessions are left", async () => (await sessions(server)).length === 2);
    const releasing = performance.now();
    await lock.release();
    const next = await granted;
    // It is notified of the release in its new session, too.
    assert.ok(performance.now() - releasing < HANG, `${performance.now() - releasing} ms`);
    assert.equal(await holderOf(server, name), again.pid);
    await next!.release();
  });

  test("a waiter whose statement is cancelled goes on waiting", async (server) => {
    await withGate(server, async (url, gate) => {
      const name = freshName();
      await using one = await open(server.url(), name);
      await using other = await open(url, name);
      const lock = await hold(one);
      let over = false;
      const granted = later(other.acquire(HANG, never).finally(() => over = true));
      const [waiter] = await waiting(server, name);
      // Between its looks it does not even notice.
      await server.query(`SELECT pg_cancel_backend(${waiter!.pid}) FROM generate_series(1, 1000)`);
      await gate.close();
      const starts = new Set<string>();
      for (let times = 0; times < 4; times++) {
        const [session] = await until("another look", async () => {
          const found = await blocked(server);
          return found.length > 0 && !starts.has(found[0]!.queryStart) ? found : undefined;
        });
        assert.equal(session!.pid, waiter!.pid);
        starts.add(session!.queryStart);
        await server.query(`SELECT pg_cancel_backend(${session!.pid})`);
      }
      await gate.open();
      assert.equal(over, false);
      await lock.release();
      const next = await granted;
      assert.equal(await holderOf(server, name), waiter!.pid);
      await next!.release();
    });
  });

  test("a holder whose check or release is cancelled keeps its lock until it is released", async (server) => {
    const name = freshName();
    // A third of the TTL is the time to the next look. The rest has to be enough for all that is done meanwhile.
    await using backend = await open(server.url(), name, undefined, { lease: { ttl: 15_000, grace: 0 } });
    const lock = await hold(backend);
    await using blocker = await OtherClient.connect(server);
    await block(blocker);
    const [session] = await blocked(server);
    await server.query(`SELECT pg_cancel_backend(${session!.pid})`);
    const again = await until("the look is repeated", async () => {
      const [found] = await blocked(server);
      return found!.queryStart !== session!.queryStart ? found : undefined;
    });
    assert.equal(again.pid, session!.pid);
    await blocker.query("ROLLBACK");
    assert.equal(await holderOf(server, name), session!.pid);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
  });

  test("within the wait, sera waits for the role's connection limit", async (server) => {
    await gone(server);
    await withRole(server, "CONNECTION LIMIT 1", async () => {
      await using one = await open(server.url(), freshName());
      const lock = await hold(one);
      const retries = new Retries();
      await using other = await open(server.url(), freshName(), undefined, retries);
      await assert.rejects(other.acquire(0, never), (error) => {
        assert.ok(error instanceof LockUnavailableError);
        assert.match(error.message, /too many connections for role "sera"; raise [^\n]+$/);
        // So that it is tried again within a wait.
        assert.equal(error.transient, true);
        return true;
      });
      let over = false;
      const granted = later(other.acquire(HANG, never).finally(() => over = true));
      await retries.more(2);
      assert.equal(over, false);
      await lock.release();
      await one[Symbol.asyncDispose]();
      await (await granted)!.release();
    });
  });

  // Not on both at the same time: they would share the random numbers.
  shared.test("waiters are notified of a release", async (server) => {
    const name = freshName();
    const told: string[] = [];
    const retrying = ({ message }: LockUnavailableError) => told.push(message);
    await using one = await open(server.url(), name, undefined, { retrying });
    await using other = await open(server.url(), name, undefined, { retrying });
    let [holder, waiter] = [one, other];
    let lock = await hold(holder);
    const { random } = Math;
    // Its own next look comes days later.
    Math.random = () => 1e6;
    try {
      for (let round = 0; round < 15; round++) {
        const granted = later(waiter.acquire(Infinity, never));
        await waiting(server, name);
        await lock.release();
        lock = (await granted)!;
        [holder, waiter] = [waiter, holder];
      }
    } finally {
      Math.random = random;
    }
    await lock.release();
    // Nor did it look because its session ended.
    assert.deepEqual(told, []);
  });

  test("a release without a notification is noticed", async (server) => {
    const name = freshName();
    const { args } = keySql(name);
    await using backend = await open(server.url(), name);
    for (let round = 0; round < 2; round++) {
      await using other = await OtherClient.connect(server);
      await other.query(`SELECT pg_advisory_lock(${args})`);
      const granted = later(backend.acquire(HANG, never));
      await waiting(server, name);
      // By its own hand, or by the end of its session.
      if (round % 2 === 0) await other.query(`SELECT pg_advisory_unlock(${args})`);
      else await other[Symbol.asyncDispose]();
      const lock = await granted;
      await lock!.release();
    }
  });

  test("a held lock uses one session, and a second wait uses the same one", async (server) => {
    await gone(server);
    const name = freshName();
    await using one = await open(server.url(), name);
    const lock = await hold(one);
    const holder = await holderOf(server, name);
    assert.deepEqual((await sessions(server)).map(({ pid }) => pid), [holder]);

    await using other = await open(server.url(), name);
    assert.equal(await other.acquire(0, never), undefined);
    const [first] = (await sessions(server)).filter(({ pid }) => pid !== holder);
    const granted = later(other.acquire(HANG, never));
    await waiting(server, name);
    assert.equal((await sessions(server)).length, 2);
    await lock.release();
    const next = await granted;
    assert.equal(await holderOf(server, name), first!.pid);
    await next!.release();
  });

  test("nothing is left on the server afterwards", async (server) => {
    await gone(server);
    const name = freshName();
    {
      await using backend = await open(server.url(), name);
      const lock = await hold(backend);
      assert.equal((await sessions(server)).length, 1);
      await lock.release();
    }
    await gone(server);
    {
      await using backend = await open(server.url(), name);
      await hold(backend);
    }
    await gone(server);
    assert.deepEqual(await server.query("SELECT pid FROM pg_locks WHERE locktype = 'advisory'"), []);
  });

  test("a waiter that gave up does not stay on the server", async (server) => {
    await gone(server);
    const name = freshName();
    await using one = await open(server.url(), name);
    const lock = await hold(one);
    const abort = new AbortController();
    await using other = await open(server.url(), name);
    const granted = later(other.acquire(Infinity, abort.signal));
    await waiting(server, name);
    abort.abort(new Error("enough"));
    await assert.rejects(granted, { message: "enough" });
    await other[Symbol.asyncDispose]();
    await until("the waiter has gone", async () => (await sessions(server)).length === 1);
    await using third = await open(server.url(), name);
    assert.equal(await third.acquire(500, never), undefined);
    await third[Symbol.asyncDispose]();
    await until("the third has gone", async () => (await sessions(server)).length === 1);
    await lock.release();
  });

  test("a wait that is aborted in the middle of a check leaves nothing behind", async (server) => {
    await gone(server);
    await withGate(server, async (url, gate) => {
      const name = freshName();
      await using one = await open(server.url(), name);
      const lock = await hold(one);
      await using other = await open(url, name);
      const abort = new AbortController();
      const granted = later(other.acquire(Infinity, abort.signal));
      const [waiter] = await waiting(server, name);
      await gate.close();
      assert.equal((await blocked(server))[0]!.pid, waiter!.pid);
      const began = performance.now();
      abort.abort(new Error("enough"));
      await assert.rejects(granted, { message: "enough" });
      assert.ok(performance.now() - began < HANG);
      await gate.open();
      await until("the waiter has gone", async () => (await sessions(server)).length === 1);
      await lock.release();
      await (await hold(one)).release();
    });
  });

  test("when the server crashes, the holder notices at once, and the waiter waits for its return", async (server) => {
    await assertTold(server, () => server.kill(), () => server.restart());
  }, RESTARTS);

  test(
    "when the server shuts down, the holder notices at once, and the waiter waits for its return",
    async (server) => {
      await assertTold(server, () => server.restart());
    },
    RESTARTS,
  );

  shared.test("many waiters all get the lock, one at a time", async (server) => {
    const name = freshName();
    const url = server.url();
    await using holder = await open(url, name);
    const lock = await hold(holder);
    let inside = 0;
    const waits = later(Promise.all(Array.from({ length: MANY }, async () => {
      await using backend = await open(url, name);
      const lock = await backend.acquire(Infinity, never);
      assert.equal(++inside, 1);
      // A turn for those who should not be inside.
      await pause(0);
      inside--;
      await lock!.release();
    })));
    await waiting(server, name, MANY);
    assert.equal(inside, 0);
    await lock.release();
    await waits;
  });
}

postgres.test("a hanging server delays nobody longer than the answer timeout", async (server) => {
  const url = server.url("connect_timeout=2");
  const name = freshName();
  const answerTimeout = 1000;
  const lease = { ttl: 3000, grace: 0 };
  const one = await open(url, name, undefined, { lease, answerTimeout });
  const other = await open(url, name, undefined, { answerTimeout });
  const third = await open(url, name);
  try {
    using clock = new FakeClock();
    using _random = fixedRandom();
    const lock = await hold(one);
    let over = false;
    const granted = later(other.acquire(1000, never).finally(() => over = true));
    await clock.until("it waits", async () => (await waiters(server, name)).length === 1);
    await server.pause();
    // Its statement may be on its way, or comes after the pause between two looks.
    await clock.to(999);
    assert.equal(over, false);
    await clock.to(2000);
    assert.equal(over, true);
    const message = /PostgreSQL at tcp\(127\.0\.0\.1:\d+\): no answer for 1s; check the server and the network$/;
    await assert.rejects(granted, (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, message);
      return true;
    });
    // The next look comes after a second, and has until a tenth before the TTL is over.
    await clock.to(stopsAfter(lease) - 1);
    assert.equal(lock.lost.aborted, false);
    await clock.to(stopsAfter(lease));
    assert.match(lock.lost.reason.message, /PostgreSQL at tcp\(127\.0\.0\.1:\d+\): no answer for 2\.7s$/);
    await assert.rejects(lock.release(), LockLostError);
    const refused = later(third.acquire(0, never));
    await clock.to(clock.now + 2000);
    await assert.rejects(refused, /: no answer within 2s; check the server and the network, or a pooler's log$/);
    // Their goodbye is not answered.
    const disposed = Promise.all([one, other, third].map((lock) => lock[Symbol.asyncDispose]()));
    await clock.to(clock.now + GOODBYE);
    await disposed;
  } finally {
    await server.resume();
  }
});

/**
 * A holder learns of the server's end, a waiter goes on with the next server, and both can.
 *
 * @param end Ends the server.
 * @param begin Starts it again, if `end` has not done so. Once only: the waiter takes the lock on the first that it finds.
 */
async function assertTold(
  server: PostgresServer,
  end: () => Promise<void>,
  begin?: () => Promise<void>,
): Promise<void> {
  const name = freshName();
  const told: string[] = [];
  // Its next look comes hours later.
  await using one = await open(server.url(), name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
  await using other = await open(server.url(), name, undefined, { retrying: ({ message }) => told.push(message) });
  const lock = await hold(one);
  const granted = later(other.acquire(HANG, never));
  const lost = lossOf(lock);
  await waiting(server, name);
  const ended = end();
  const began = performance.now();
  try {
    assert.match((await lost).message, /^Lock lost: PostgreSQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
    await until("the waiter has noticed", () => told.length > 0);
    assert.ok(performance.now() - began < HANG);
    assert.match(told[0]!, /^Cannot lock on PostgreSQL at tcp\(127\.0\.0\.1:\d+\): [^\n]+$/);
    await assert.rejects(lock.release(), LockLostError);
  } finally {
    await ended;
    await begin?.();
  }
  const next = await granted;
  assert.ok(next);
  assert.equal(await one.acquire(0, never), undefined);
  await next.release();
  await (await hold(one)).release();
}

/** Keeps those who try for a lock in the middle of it. */
interface Gate {
  close(): Promise<void>;
  open(): Promise<void>;
}

/** Gives a URL with which a try for a lock passes a gate. */
async function withGate(server: PostgresServer, use: (url: string, gate: Gate) => Promise<void>): Promise<void> {
  const sql = `CREATE TABLE front.gate ();
    CREATE FUNCTION front.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM FROM front.gate; RETURN pg_catalog.pg_try_advisory_lock($1); END'`;
  await withSchema(server, sql, async (url) => {
    await using keeper = await OtherClient.connect(server);
    await use(url, {
      close: async () => {
        await keeper.query("BEGIN");
        await keeper.query("LOCK TABLE front.gate IN ACCESS EXCLUSIVE MODE");
      },
      open: async () => void await keeper.query("ROLLBACK"),
    });
  });
}

/** Lets every look whether a lock is still held wait until ROLLBACK. */
async function block(client: OtherClient): Promise<void> {
  await client.query("BEGIN");
  await client.query("LOCK TABLE pg_catalog.pg_locks IN ACCESS EXCLUSIVE MODE");
}

/** Resolves with the plain user's sessions that {@linkcode block} holds up, once there are any. */
function blocked(server: PostgresServer): Promise<ServerSession[]> {
  return until("a blocked session", async () => {
    const found = (await sessions(server)).filter(({ blocked }) => blocked);
    return found.length > 0 ? found : undefined;
  });
}

/** Changes the plain user's role while an action runs: the clauses of ALTER ROLE, then the action. */
async function withRole(server: PostgresServer, ...rest: [...string[], () => Promise<void>]): Promise<void> {
  const changes = rest.slice(0, -1) as string[];
  try {
    for (const change of changes) await server.query(`ALTER ROLE ${server.user} ${change}`);
    await (rest.at(-1) as () => Promise<void>)();
  } finally {
    await server.query(`ALTER ROLE ${server.user} RESET ALL; ALTER ROLE ${server.user} CONNECTION LIMIT -1`);
  }
}

/** A URL with which the schema `front` shadows the server's own schema. */
async function withSchema(server: PostgresServer, sql: string, use: (url: string) => Promise<void>): Promise<void> {
  try {
    await server.query(`CREATE SCHEMA front AUTHORIZATION ${server.user}; ${sql};
      GRANT SELECT ON ALL TABLES IN SCHEMA front TO ${server.user}`);
    await use(server.url("options=-c%20search_path%3Dfront%2Cpg_catalog"));
  } finally {
    await server.query("DROP SCHEMA IF EXISTS front CASCADE");
  }
}

/** Resolves when no session is left. */
async function gone(server: PostgresServer): Promise<void> {
  await until("no session is left", async () => (await sessions(server)).length === 0);
}

/** Resolves with the reason when the lock is lost. */
function lossOf({ lost }: HeldLock): Promise<LockLostError> {
  return new Promise((resolve) => lost.addEventListener("abort", () => resolve(lost.reason), { once: true }));
}
