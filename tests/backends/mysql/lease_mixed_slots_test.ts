/** Slots on one server, held by some with a lease and by others without. */

import assert from "node:assert/strict";
import { Deadline } from "../../../lib/deadline.ts";
import { MySqlLeaseQueue } from "../../../lib/backends/mysql/lease_queue.ts";
import type { MySqlSession } from "../../../lib/backends/mysql/session.ts";
import type { QueryOptions } from "../../../lib/backends/sql/query_options.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import { sql, type Statement } from "../../../lib/backends/sql/statement.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { HANG, until } from "../../cli/wait.ts";
import { Crew, slotsOf } from "../crew.ts";
import { connectMySql } from "../../servers/mysql_client.ts";
import { leaseOptions } from "../lease_contract.ts";
import { mixedSlotsContract } from "../mixed_slots_contract.ts";
import { later, never, plainSession } from "../open.ts";
import { sharedMariaDb } from "../shared_server.ts";

const mariaDb = sharedMariaDb();
const test = (name: string, fn: () => Promise<void>) => mariaDb.test(name, fn);
mixedSlotsContract({ test, server: () => mariaDb.server.dsn() }, "sera");

test("with a wait of 0 the server is not told to wait for slots that are held without a lease", async () => {
  await using crew = new Crew({ test, server: () => mariaDb.server.dsn() }, { slots: 3 });
  await crew.holders(3);
  const client = await crew.client({ slots: 3, ...leaseOptions("sera") });
  const sent = sentBy(await client.session(never) as MySqlSession);
  assert.equal(await client.acquire(0, never), undefined);
  assert.ok(sent.some(({ text }) => text.includes("GET_LOCK(")));
  assert.deepEqual(sent.filter(({ waits }) => waits > 0), []);
});

for (
  const [held, names] of Object.entries<readonly string[]>({
    "others hold": ["1of2", "1"],
    "others have marked": ["1of2"],
  })
) {
  for (const together of [true, false]) {
    const how = together ? "in one message" : "one by one";
    test(`a slot that ${held} is waited for, and none of its locks is kept (${how})`, async () => {
      await using crew = new Crew({ test, server: () => mariaDb.server.dsn() });
      const lock = lockName(crew.name);
      const session = await (await crew.client()).session(never) as MySqlSession;
      session.oneAtATime = !together;
      const other = await connectMySql({ socketPath: mariaDb.server.socket, user: "root" });
      for (const name of names) await other.query(`SELECT GET_LOCK('${lock}.${name}', 0)`);
      const [own] = await session.queryAll(sql`SELECT CONNECTION_ID() AS id`);
      const sent = sentBy(session);
      const queue = new MySqlLeaseQueue({ presence: { ...plainSession.presence, lock }, slots: 2 });
      const entered = later(queue.enter(session, `${lock}.1`, new Deadline(1000), never));
      // Or a server that waits as long as it may would count as silent.
      await until("it waits", () => sent.some(({ waits }) => waits > 0));
      for (const { text, waits, serverTime } of sent) assert.ok(waits * 1000 <= serverTime, text);
      // A mark that comes free is of no use without its slot.
      if (names.length > 1) await other.query(`SELECT RELEASE_LOCK('${lock}.1of2')`);
      assert.equal(await entered, false);
      const all = ["1", "1of2", "1settled"].map((name) => `IFNULL(IS_USED_LOCK('${lock}.${name}') = ${own!.id}, 0)`);
      const [kept] = await mariaDb.server.query(`SELECT ${all.join(" + ")} AS count`);
      assert.equal(Number(kept!.count), 0);
      await other.end();
      assert.equal(await queue.enter(session, `${lock}.1`, new Deadline(0), never), true);
    });
  }
}

test("a waiter with a lease keeps nothing of a slot that was freed while it waited for another", async () => {
  await using crew = new Crew({ test, server: () => mariaDb.server.dsn() }, { slots: 2 });
  const [zero, one] = await crew.holders(2);
  const waiter = await crew.client({ slots: 2, ...leaseOptions("sera") });
  const sent = sentBy(await waiter.session(never) as MySqlSession);
  const granted = later(waiter.acquire(HANG, never));
  // It has waited for one of them in vain.
  await until("it waits for a slot", () => sent.some(({ waits }) => waits > 0));
  await one!.release();
  const next = await granted;
  assert.equal(next?.slot, 1);
  await zero!.release();
  assert.deepEqual(slotsOf(await crew.holders(1)), [0]);
  await next.release();
  assert.deepEqual(slotsOf(await crew.holders(1)), [1]);
});

/** A statement that was sent. */
interface Sent {
  readonly text: string;
  /** How long the server may wait for locks in it, in seconds. */
  readonly waits: number;
  /** How much longer than usual its message may take, in milliseconds. */
  readonly serverTime: number;
}

/** The statements that a session sends from now on. */
function sentBy(session: MySqlSession): readonly Sent[] {
  const sent: Sent[] = [];
  const note = (statement: Statement, { serverTime = 0 }: QueryOptions = {}) => {
    const text = statement.textFor(MYSQL);
    const waits = [...text.matchAll(/GET_LOCK\('[^']+', (\d+)\)/g)].reduce((sum, [, wait]) => sum + Number(wait), 0);
    sent.push({ text, waits, serverTime });
  };
  const { queryAll, batch } = session;
  session.queryAll = (statement, options) => {
    note(statement, options);
    return queryAll.call(session, statement, options);
  };
  session.batch = (statements, options) => {
    for (const statement of statements) note(statement, options);
    return batch.call(session, statements, options);
  };
  return sent;
}
