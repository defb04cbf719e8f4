/** Looking who holds a lock, in the session of one who waits for it: it is in nobody's way, and nobody is in its way. */

import assert from "node:assert/strict";
import { MySqlSession } from "../../../lib/backends/mysql/session.ts";
import { mySqlPlace, postgresPlace } from "../../ledger/places.ts";
import { Holder } from "../../ledger/holder.ts";
import { never, plainOptions } from "../open.ts";
import { parse } from "../parse.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../shared_server.ts";

const MYSQL = [mySqlPlace(sharedMariaDb(), "MariaDB"), mySqlPlace(sharedMySql56(), "MySQL 5.6")];

for (
  const { test, bench: makeBench, admin: connect, wholeTable } of [
    ...MYSQL,
    postgresPlace(sharedPostgres(), "PostgreSQL"),
  ]
) {
  test("a ledger that others keep locked hides no holder, and costs no session", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    await holder.started();
    await using waiter = await (await parse(bench.server)).lock(holder.lock, plainOptions);
    assert.equal(await waiter.acquire(0, never), undefined);
    const session = await waiter.session(never);
    await using admin = await connect();
    const { take, giveBack } = wholeTable(bench.name);
    for (const statement of take) await admin.query(statement);
    try {
      const { sightings } = await waiter.sightings(bench.table, never);
      assert.deepEqual(sightings.map(({ state, runId }) => [state, runId]), [["held", undefined]]);
      assert.equal(await waiter.session(never), session);
    } finally {
      await admin.query(giveBack);
    }
  });
}

for (const { test, bench: makeBench } of MYSQL) {
  test("a waiter that has looked at the ledger keeps no transaction open where sessions begin with one", async () => {
    await using bench = await makeBench("autocommit=0");
    await using holder = await Holder.start(bench);
    await holder.started();
    await using waiter = await (await parse(bench.server)).lock(holder.lock, plainOptions);
    assert.equal(await waiter.acquire(0, never), undefined);
    assert.equal((await waiter.sightings(bench.table, never)).sightings.length, 1);
    const session = await waiter.session(never);
    assert.ok(session instanceof MySqlSession);
    const open = await bench.sql("SELECT trx_mysql_thread_id AS session FROM information_schema.innodb_trx");
    assert.deepEqual(open.filter((one) => one.session === session.loginId), []);
  });
}
