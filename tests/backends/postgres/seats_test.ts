/** Who is woken when a lock is released, and what that takes, however many wait. */

import assert from "node:assert/strict";
// @ts-types="@types/pg"
import pg from "pg";
import { IS_SEAT, SEATS } from "../../../lib/backends/postgres/seats.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import type { HeldLock, Lock } from "../../../lib/lock/lock.ts";
import { until } from "../../cli/wait.ts";
import { fixedRandom } from "../../fixed_random.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { Proxy } from "../../servers/proxy.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { keySql } from "./key_sql.ts";
import { OtherClient, waiting } from "./view.ts";

const DAY = 86_400_000;

/** With this, and with {@linkcode PATIENT} in place of Math.random(), no waiter polls for hours. */
const options = { lease: { ttl: DAY, grace: 10_000 } };
const PATIENT = 1e6;

/** Many more than there are seats. */
const MANY = 40;

const seats = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND ${IS_SEAT.textFor(POSTGRESQL)}`;

/** How many seats are taken. */
const taken = async (server: PostgresServer) => (await server.query(seats)).length;

/** Resolves when so many wait, with a seat as far as there are any, and have been answered. */
async function settled(server: PostgresServer, name: string, count: number): Promise<void> {
  await until(`${count} have settled`, async () => {
    const found = await waiting(server, name, count);
    const seated = new Set((await server.query(seats)).map(({ pid }) => pid));
    return seated.size === Math.min(count, SEATS) &&
      found.every(({ pid, state, query }) => state === "idle" && /AS seat/.test(query) !== seated.has(pid));
  });
}

/** Those who wait for a lock, in the order in which they began. */
class Crowd implements AsyncDisposable {
  /** Who got the lock, by number, in this order. */
  readonly served: number[] = [];
  readonly #url: string;
  readonly #name: string;
  readonly #locks: Lock[] = [];
  readonly #over = new AbortController();
  #held: HeldLock | undefined;

  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
  }

  async join(): Promise<void> {
    const lock = await open(this.#url, this.#name, undefined, options);
    const number = this.#locks.push(lock) - 1;
    await lock.session(never);
    later(
      lock.acquire(Infinity, this.#over.signal).then((held) => {
        this.#held = held;
        this.served.push(number);
      }),
    );
  }

  /** Resolves when the next one has it. */
  async next(): Promise<HeldLock> {
    return await until("somebody gets it", () => {
      const held = this.#held;
      this.#held = undefined;
      return held;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error("over"));
    await Promise.all(this.#locks.map((lock) => lock[Symbol.asyncDispose]()));
  }
}

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  shared.test("a hand-off takes three messages, however many wait", async (server) => {
    using _random = fixedRandom(PATIENT);
    await using proxy = await Proxy.open(server.port);
    const url = server.url("sslmode=disable").replace(`:${server.port}/`, `:${proxy.port}/`);
    for (const count of [1, 5, MANY]) {
      const name = freshName();
      await using holder = await open(url, name, undefined, options);
      let lock = await hold(holder);
      await using crowd = new Crowd(url, name);
      for (let joined = 0; joined < count; joined++) await crowd.join();
      await settled(server, name, count);
      for (let left = Math.min(count, 3); left > 0; left--) {
        const [asked, before] = [proxy.requests.length, await taken(server)];
        await lock.release();
        lock = await crowd.next();
        await until("its seat is free", async () => await taken(server) === before - 1);
        // The release, the question with the check, and the farewell to the seat.
        assert.equal(proxy.requests.length - asked, 3, `${count} wait`);
      }
      await lock.release();
    }
  });

  shared.test("waiters get the lock seat by seat", async (server) => {
    using _random = fixedRandom(PATIENT);
    const name = freshName();
    await using holder = await open(server.url(), name, undefined, options);
    let lock = await hold(holder);
    await using crowd = new Crowd(server.url(), name);
    for (let count = 1; count <= 4; count++) {
      await crowd.join();
      await settled(server, name, count);
    }
    for (let turn = 0; turn < 4; turn++) {
      await lock.release();
      lock = await crowd.next();
      // The new waiter takes the first seat, which is free, but is the last in line.
      if (turn === 0) {
        await until("the first seat is free", async () => await taken(server) === 3);
        await crowd.join();
        await settled(server, name, 4);
      }
    }
    await lock.release();
    await (await crowd.next()).release();
    assert.deepEqual(crowd.served, [0, 1, 2, 3, 4]);
  });

  shared.test("a notified waiter that does not come does not block the others for long", async (server) => {
    const name = freshName();
    await using holder = await open(server.url(), name);
    const lock = await hold(holder);
    // Take all seats, and listen to nothing, as processes that are stopped.
    const ghosts = await Promise.all(Array.from({ length: SEATS }, () => open(server.url(), name)));
    const over = new AbortController();
    for (const ghost of ghosts) later(ghost.acquire(Infinity, over.signal));
    await settled(server, name, SEATS);
    await using other = await OtherClient.connect(server);
    const keys = await server.query(seats.replace("pid", "classid::int, objid::int"));
    over.abort(new Error("over"));
    await Promise.all(ghosts.map((ghost) => ghost[Symbol.asyncDispose]()));
    await until("the seats are free", async () => await taken(server) === 0);
    for (const { classid, objid } of keys) await other.query(`SELECT pg_advisory_lock(${classid}, ${objid})`);
    await using waiter = await open(server.url(), name);
    const granted = later(waiter.acquire(Infinity, never));
    await until("it stands", async () => (await waiting(server, name, 1))[0]!.query.includes("AS seat"));
    await lock.release();
    await (await granted)!.release();
  });

  shared.test("a sera from before seats and a current one notify each other", async (server) => {
    using _random = fixedRandom(PATIENT);
    const name = freshName();
    const { args } = keySql(name);
    const { socketFolder, port, database } = server;
    const old = new pg.Client({ host: socketFolder, port, user: "postgres", database, ssl: false });
    await old.connect();
    try {
      let told = 0;
      old.on("notification", () => told++);
      await old.query(`LISTEN "sera_${name}"`);
      await using backend = await open(server.url(), name, undefined, options);
      await (await hold(backend)).release();
      await until("it is told", () => told === 1);
      await old.query(`SELECT pg_advisory_lock(${args})`);
      const granted = later(backend.acquire(Infinity, never));
      await settled(server, name, 1);
      await old.query(`NOTIFY "sera_${name}"; SELECT pg_advisory_unlock(${args})`);
      await (await granted)!.release();
    } finally {
      await old.end();
    }
  });
}

/** Runs an action while only superusers may call a function. */
async function without(server: PostgresServer, call: string, run: () => Promise<void>): Promise<void> {
  await server.query(`REVOKE EXECUTE ON FUNCTION ${call} FROM PUBLIC`);
  try {
    await run();
  } finally {
    await server.query(`GRANT EXECUTE ON FUNCTION ${call} TO PUBLIC`);
  }
}

const modest = sharedPostgres("--max-connections=20");

modest.test("a role that may not take a seat is notified of a release nevertheless", async (server) => {
  using _random = fixedRandom(PATIENT);
  for (const call of ["pg_try_advisory_lock(int, int)", "generate_series(int, int)"]) {
    await without(server, call, async () => {
      const name = freshName();
      await using one = await open(server.url(), name, undefined, options);
      await using other = await open(server.url(), name, undefined, options);
      const lock = await hold(one);
      const granted = later(other.acquire(Infinity, never));
      await until("it listens", async () => {
        const [found] = await waiting(server, name);
        return found!.state === "idle" && !found!.query.includes("AS seat");
      });
      await lock.release();
      await (await granted)!.release();
    });
  }
});

modest.test("a release succeeds without the right to notify", async (server) => {
  const calls = [
    "pg_notify(text, text)",
    "pg_try_advisory_lock_shared(int, int)",
    "pg_advisory_unlock_shared(int, int)",
  ];
  for (const call of [...calls, "pg_try_advisory_lock(int, int)", "pg_advisory_unlock(int, int)"]) {
    await without(server, call, async () => {
      const name = freshName();
      await using one = await open(server.url(), name);
      await using other = await open(server.url(), name);
      const lock = await hold(one);
      const granted = later(other.acquire(Infinity, never));
      await waiting(server, name);
      await lock.release();
      await (await granted)!.release();
    });
  }
});
