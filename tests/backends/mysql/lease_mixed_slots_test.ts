/** Slots on one server, held by some with a lease and by others without. */

import assert from "node:assert/strict";
import type { MySqlSession } from "../../../lib/backends/mysql/session.ts";
import { MYSQL } from "../../../lib/backends/sql/quoting.ts";
import { Crew } from "../crew.ts";
import { leaseOptions } from "../lease_contract.ts";
import { mixedSlotsContract } from "../mixed_slots_contract.ts";
import { never } from "../open.ts";
import { sharedMariaDb } from "../shared_server.ts";

const mariaDb = sharedMariaDb();
const test = (name: string, fn: () => Promise<void>) => mariaDb.test(name, fn);
mixedSlotsContract({ test, server: () => mariaDb.server.dsn() }, "sera");

test("with a wait of 0 the server is not told to wait for slots that are held without a lease", async () => {
  await using crew = new Crew({ test, server: () => mariaDb.server.dsn() }, { slots: 3 });
  await crew.holders(3);
  const client = await crew.client({ slots: 3, ...leaseOptions("sera") });
  const session = await client.session(never) as MySqlSession;
  const sent: string[] = [];
  const { queryAll, batch } = session;
  session.queryAll = (statement, options) => {
    sent.push(statement.textFor(MYSQL));
    return queryAll.call(session, statement, options);
  };
  session.batch = (statements, options) => {
    sent.push(...statements.map((statement) => statement.textFor(MYSQL)));
    return batch.call(session, statements, options);
  };
  assert.equal(await client.acquire(0, never), undefined);
  assert.ok(sent.some((text) => text.includes("GET_LOCK(")), sent.join("\n"));
  assert.deepEqual(sent.filter((text) => /^SELECT GET_LOCK\('[^']+', [1-9]/.test(text)), []);
});
