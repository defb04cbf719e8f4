/** Slots and several locks as leases, when a holder dies, an answer is lost, or a row is taken over. */
// Starts early: leases of those who died have to run out.

import assert from "node:assert/strict";
import { SlotMarkers } from "../../../lib/backends/postgres/slot_markers.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { until } from "../../cli/wait.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { Proxy } from "../../servers/proxy.ts";
import { Together } from "../../side_by_side.ts";
import { Crew, LONG, releaseAll, slotsOf } from "../crew.ts";
import { leaseOptions, SHORT } from "../lease_contract.ts";
import { freshName, later, never, type OpenOptions } from "../open.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";
import { OtherClient } from "./view.ts";

const N = 2;
const TABLE = "contract_leases";

function crewOn(server: () => string, options: OpenOptions, name?: string): Crew {
  return new Crew({ test: () => undefined, server, options: () => leaseOptions(), short: SHORT }, options, name);
}

/** The rows of a lock and its slots. */
async function rowsOf(server: PostgresServer, lock: string): Promise<Record<string, unknown>[]> {
  return await server.query(
    `SELECT name, owner, fence::text, expires::text FROM ${TABLE} WHERE starts_with(name, '${lock}') ORDER BY name`,
    server.database,
  );
}

/** How many session locks of its slots there are, by their marks. */
async function sessionLocks(server: PostgresServer, lock: string): Promise<number> {
  const marks = new SlotMarkers(lock, N).isSame.textFor(POSTGRESQL);
  const [row] = await server.query(
    `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND ${marks}`,
  );
  return Number(row!.count);
}

const together = new Together();
for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  const test = (name: string, fn: (server: PostgresServer) => Promise<void>) => shared.testTogether(together, name, fn);

  test("the slot of a killed holder is taken over only after its lease", async (server) => {
    await using crew = crewOn(() => server.url(), { slots: N });
    const held = await crew.holder();
    await using holder = crew.process();
    await holder.says(/held slot 1\./);
    const [waiter, other] = await crew.clients(2);
    const granted = later(waiter!.acquire(LONG, never));
    holder.kill("SIGKILL");
    await holder.ended;
    const [, before] = await rowsOf(server, crew.name);
    assert.equal(await other!.acquire(0, never), undefined);
    const next = await granted;
    assert.equal(next?.slot, 1);
    assert.equal(next.token, BigInt(String(before!.fence)) + 1n);
    const [now] = await server.query(`SELECT '${before!.expires}'::timestamptz < clock_timestamp() AS is_over`);
    assert.equal(now!.is_over, true);
    await releaseAll([held, next]);
  });

  test("a waiter for a killed holder's slot gets another one that comes free sooner", async (server) => {
    await using crew = crewOn(() => server.url(), { slots: N });
    const held = await crew.holder();
    await using holder = crew.process();
    await holder.says(/held slot 1\./);
    const granted = later((await crew.client()).acquire(LONG, never));
    await crew.waiting(1);
    holder.kill("SIGKILL");
    await holder.ended;
    await until("it has the session lock of that slot", async () => (await sessionLocks(server, crew.name)) === N);
    await crew.waiting(1);
    assert.deepEqual((await crew.seenHolders()).map(({ slot }) => slot), [0, 1]);
    await held.release();
    const next = await granted;
    assert.equal(next?.slot, 0);
    // It keeps nothing of the other one.
    await until("one session lock is left", async () => (await sessionLocks(server, crew.name)) === 1);
    const last = await (await crew.client()).acquire(LONG, never);
    assert.equal(last?.slot, 1);
    await releaseAll([next, last]);
  });

  test("losing one of several rows loses all the locks", async (server) => {
    const names = [freshName(), freshName(), freshName()];
    for (const taken of names) {
      const [name, ...also] = names;
      await using crew = crewOn(() => server.url(), { also }, name);
      const held = await crew.holder(crew.short);
      await server.query(`UPDATE ${TABLE} SET owner = NULL WHERE name = '${taken}'`, server.database);
      await until("the loss", () => held.lost.aborted);
      assert.match(String(held.lost.reason), /somebody has freed its row/);
    }
  });

  test("after a lost answer to a claim the same slot is held, with the same token", async (server) => {
    await using proxy = await Proxy.open(server.port);
    await using crew = crewOn(() => server.url(), { slots: N });
    await releaseAll(await crew.holders(N));
    await using far = crewOn(() => proxy.instead(server.url()), { slots: N }, crew.name);
    const client = await far.client();
    await using gate = await OtherClient.connect(server);
    const { pid } = await gate.query("SELECT pg_backend_pid() AS pid");
    await gate.query("BEGIN");
    await gate.query(`SELECT name FROM ${TABLE} WHERE starts_with(name, '${crew.name}') FOR UPDATE`);
    const granted = later(client.acquire(LONG, never));
    await until("the claim is at the gate", async () => {
      const waiting = await server.query(`SELECT 1 FROM pg_stat_activity WHERE ${pid} = ANY (pg_blocking_pids(pid))`);
      return waiting.length === 1;
    });
    proxy.stall("toClient");
    await gate.query("COMMIT");
    const owned = async () => (await rowsOf(server, crew.name)).filter(({ owner }) => owner !== null);
    await until("the claim is carried out", async () => (await owned()).length === 1);
    const [before] = await owned();
    proxy.cut();
    proxy.resume();
    const held = await granted;
    const [after, ...others] = await owned();
    assert.deepEqual(others, []);
    const { name, owner, fence } = after!;
    assert.deepEqual({ name, owner, fence }, { name: before!.name, owner: before!.owner, fence: before!.fence });
    assert.deepEqual([slotName(crew.name, held!.slot!), held!.token], [name, BigInt(String(fence))]);
    const more = await crew.holder();
    assert.deepEqual(slotsOf([held, more]), [0, 1]);
    assert.equal(await (await crew.client()).acquire(0, never), undefined);
    await releaseAll([held, more]);
  });
}
