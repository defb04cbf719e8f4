/** Leases and the ledger behind a pooler that gives a server session to another client after each transaction. */

import assert from "node:assert/strict";
// @ts-types="@types/pg"
import pg from "pg";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { Patience } from "../../../lib/ledger/patience.ts";
import { postgresStore } from "../../../lib/backends/postgres/ledger.ts";
import { SqlLedger } from "../../../lib/backends/sql/ledger.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { until } from "../../cli/wait.ts";
import { PLAIN, RUNNER } from "../../ledger/holder.ts";
import { type PgBouncer, pgBouncerUnavailable, startPgBouncer } from "../../servers/pgbouncer.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { freshName } from "../open.ts";
import { RESTARTS, SharedServer } from "../shared_server.ts";
import { leaseTableContract } from "../sql/lease/contract.ts";
import { claimOf, Desk, HOUR } from "../sql/lease/desk.ts";
import { refusal } from "../sql/lease/trouble.ts";
import { leasedSession, postgresLeasePlace } from "./lease_place.ts";

/** Role settings that statements must neither depend on nor change for others. */
const ROLE = ["synchronous_commit = off", "lock_timeout = '1h'", "statement_timeout = '20min'"];

for (const mode of ["transaction", "statement"] as const) {
  let pool: PgBouncer;
  const shared = new SharedServer(
    `PgBouncer, pool_mode=${mode}`,
    systemPostgresUnavailable ?? pgBouncerUnavailable,
    async () => {
      // So that a commit that is not flushed at once is not flushed soon either.
      const server = await startSystemPostgres({ extraArgs: ["--max-connections=60", "--wal-writer-delay=10s"] });
      for (const setting of ROLE) await server.query(`ALTER ROLE ${server.user} SET ${setting}`);
      pool = await startPgBouncer(server, mode, { ignore_startup_parameters: "options,extra_float_digits" });
      return server;
    },
  );
  Deno.test.afterAll(async () => {
    await pool?.stop();
  });
  const place = postgresLeasePlace(shared, `PgBouncer, pool_mode=${mode}`, (params) => pool.url(params));
  const { test } = place;
  leaseTableContract(place);

  test("a lease and a run leave the server session unchanged", async () => {
    await using single = await startPgBouncer(shared.server, mode, { default_pool_size: "1" });
    await using bench = await place.bench();
    const table = { name: `${bench.table.name}_runs` };
    const before = await stateOf(single);
    const session = await leasedSession(single.url());
    const leases = place.leases(bench.table);
    const lock = freshName();
    try {
      assert.equal(await leases.claim(session, claimOf(lock, "a")), undefined);
      const store = await postgresStore(session, table, new Patience(), "statement");
      const ledger = new SqlLedger(store);
      const last = sql`(SELECT MAX(id) FROM ${store.dialect.table})`;
      const fence = await leases.insert(session, claimOf(lock, "a"), last);
      assert.equal(fence, 1n);
      const mine = { owner: claimOf(lock, "a").owner, fence };
      assert.deepEqual(await ledger.abandon(lock), []);
      const begun = await ledger.begin(lock, RUNNER, { ...PLAIN, once: "v1" });
      assert.ok(begun.granted);
      assert.ok(await leases.renew(session, lock, mine, HOUR));
      const together = new SqlLedger({
        ...store,
        end: async (ending) => ({
          isReleased: await leases.release(session, lock, mine, ending),
          readBack: undefined,
          afterwards: [],
        }),
      });
      await together.finish(begun.id, "succeeded", 0, { ...PLAIN, once: "v1" }, { isLast: true });
      assert.equal(await leases.read(session, lock), undefined);
      assert.equal(await leases.claim(session, claimOf(lock, "b"), last), 2n);
      const again = await ledger.begin(lock, RUNNER, { ...PLAIN, once: "v1" });
      assert.equal(again.granted, false);
      await ledger.skip(lock, RUNNER, PLAIN);
      await ledger.prune();
      assert.deepEqual((await ledger.latest(9)).map(({ outcome }) => outcome), ["skipped", "succeeded"]);
      // One that fails as well.
      await refusal(leases.release(session, lock, mine, {
        table: sql`nowhere`,
        assignments: { pid: sql`1` },
        condition: { id: sql`1` },
      }));
      assert.equal((await leases.list(session, "all")).leases.length, 1);
    } finally {
      await session.close();
    }
    assert.deepEqual(await stateOf(single), before);
    await shared.server.query(`DROP TABLE ${table.name}`);
  });

  shared.test("what was answered survives a server crash even where commits are asynchronous", async (server) => {
    await using desk = await Desk.open(place);
    const runs = { name: `${desk.bench.table.name}_runs` };
    const store = await postgresStore(desk.session, runs, new Patience(), "statement");
    for (const statement of createTable(store.dialect)) await store.run(statement);
    await desk.hold("a");
    await server.query("CHECKPOINT");
    const mine = { owner: claimOf(desk.lock, "a").owner, fence: 1n };
    const steps: (() => Promise<unknown>)[] = [
      () => desk.leases.renew(desk.session, desk.lock, mine, 2 * HOUR),
      () => desk.leases.release(desk.session, desk.lock, mine),
      () => new SqlLedger(store).skip(desk.lock, RUNNER, PLAIN),
      () => desk.claim("b"),
    ];
    for (const step of steps) {
      await again(step);
      const written = await desk.row();
      const count = await countOf(runs.name);
      await server.kill();
      await server.restart();
      assert.deepEqual(await desk.row(), written);
      assert.equal(await countOf(runs.name), count);
    }
    await server.query(`DROP TABLE ${runs.name}`);

    async function countOf(name: string): Promise<unknown> {
      return (await server.query(`SELECT COUNT(*) AS count FROM ${name}`))[0]?.count;
    }
  }, RESTARTS);
}

/** Asks until the pooler has noticed that the server was restarted. */
async function again(ask: () => Promise<unknown>): Promise<void> {
  await until("an answer", async () => {
    try {
      await ask();
      return true;
    } catch (error) {
      if (error instanceof LockUnavailableError && error.transient) return false;
      throw error;
    }
  });
}

/** What another client finds in the only server session of a pooler. */
async function stateOf(pool: PgBouncer): Promise<Readonly<Record<string, unknown>>> {
  const client = new pg.Client({ connectionString: pool.url(), application_name: "other", ssl: false });
  await client.connect();
  try {
    const rows = async (sql: string) => (await client.query(sql)).rows;
    return {
      session: await rows("SELECT pg_backend_pid() AS pid, pg_my_temp_schema() AS temporary"),
      settings: await rows("SELECT name, setting, source FROM pg_settings ORDER BY name"),
      statements: await rows("SELECT name FROM pg_prepared_statements"),
      channels: await rows("SELECT pg_listening_channels()"),
      cursors: await rows("SELECT name FROM pg_cursors WHERE name <> ''"),
      locks: await rows(
        "SELECT locktype FROM pg_locks WHERE pid = pg_backend_pid() AND (locktype = 'advisory' OR relation >= 16384)",
      ),
      transaction: await rows("SELECT now() = statement_timestamp() AS new"),
    };
  } finally {
    await client.end();
  }
}
