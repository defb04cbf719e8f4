/** How a lock's number of slots is agreed on while a holder without slots has it. */

import assert from "node:assert/strict";
import { slotArgs } from "../../../lib/backends/postgres/advisory_key.ts";
import { SlotMarkers } from "../../../lib/backends/postgres/slot_markers.ts";
import { POSTGRESQL } from "../../../lib/backends/sql/quoting.ts";
import { join, sql, type Statement } from "../../../lib/backends/sql/statement.ts";
import { OtherSlotsError } from "../../../lib/errors.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { freshName, hold, never, open } from "../open.ts";
import { sharedPostgres } from "../shared_server.ts";
import { OtherClient } from "./view.ts";

const SLOTS = 3;

const shared = sharedPostgres();

shared.test("two holders that found the lock held without slots do not confirm each other", async (server) => {
  const name = freshName();
  const takesOne = (error: unknown) => error instanceof OtherSlotsError && error.slots === 1 && error.asked === SLOTS;
  await using lock = await open(server.url(), name, undefined, { slots: SLOTS });
  // It has looked before there were others, and runs.
  await using _plain = await taking(server, slot(name, 0));
  await assert.rejects(lock.acquire(0, never), takesOne);
  // This one is about to give its slot back.
  await using _unsettled = await taking(server, slot(name, 1), mark(name, 1));
  await assert.rejects(lock.acquire(0, never), takesOne);
  await assert.rejects(lock.acquire(120_000, never), takesOne);
  await using _settled = await taking(server, slot(name, 2), mark(name, 2), settled(name));
  assert.equal(await lock.acquire(0, never), undefined);
});

shared.test("a client that does not know slots takes slot 0 while others hold slots", async (server) => {
  const name = freshName();
  const client = () => open(server.url(), name, undefined, { slots: SLOTS });
  await using one = await client();
  await using other = await client();
  await using third = await client();
  const first = await hold(one);
  assert.equal((await hold(other)).slot, 1);
  await first.release();
  await using _plain = await taking(server, slot(name, 0));
  const last = await hold(one);
  assert.equal(last.slot, 2);
  assert.equal(await third.acquire(0, never), undefined);
  await last.release();
});

shared.test("a release leaves no trace of the holder's agreement", async (server) => {
  const name = freshName();
  await using lock = await open(server.url(), name, undefined, { slots: SLOTS });
  const held = await hold(lock);
  const count = async () => {
    const condition = new SlotMarkers(name, SLOTS).isSettled.textFor(POSTGRESQL);
    const [row] = await server.query(`SELECT count(*)::int AS count FROM pg_locks WHERE ${condition}`);
    return row!.count;
  };
  assert.equal(await count(), 1);
  await held.release();
  assert.equal(await count(), 0);
});

/** Another session, which takes something. */
async function taking(server: PostgresServer, ...expressions: readonly Statement[]): Promise<OtherClient> {
  const client = await OtherClient.connect(server);
  await client.query(sql`SELECT ${join(expressions)}`.textFor(POSTGRESQL));
  return client;
}

function slot(name: string, slot: number): Statement {
  return sql`pg_try_advisory_lock(${slotArgs(name, sql`${slot}`)})`;
}

function mark(name: string, slot: number): Statement {
  return sql`pg_try_advisory_lock_shared(${new SlotMarkers(name, SLOTS).args(sql`${slot}`)})`;
}

function settled(name: string): Statement {
  return sql`pg_try_advisory_lock_shared(${new SlotMarkers(name, SLOTS).settledArgs})`;
}
