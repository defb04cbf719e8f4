/** Leases in a cluster whose nodes all take writes. */

import assert from "node:assert/strict";
import { mySqlLeases } from "../../../lib/backends/mysql/lease.ts";
import { mySqlDialect } from "../../../lib/backends/mysql/ledger.ts";
import { openMySqlSession } from "../../../lib/backends/mysql/session.ts";
import { createTable } from "../../../lib/backends/sql/schema.ts";
import { sql, word } from "../../../lib/backends/sql/statement.ts";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { forThisFile } from "../../servers/for_this_file.ts";
import { type Galera, galeraUnavailable, startGalera } from "../../servers/galera.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { freshName, never, plainSession } from "../open.ts";
import { parseMySql } from "../parse.ts";
import { claimOf, HOUR, ownerOf } from "../sql/lease/desk.ts";
import { race } from "../sql/lease/race.ts";
import { refusal } from "../sql/lease/trouble.ts";

if (galeraUnavailable) console.log(`left out: the leases on Galera: ${galeraUnavailable}`);
const cluster = forThisFile<Galera>(galeraUnavailable, startGalera);

const table = { name: "sera_leases" };
const leases = mySqlLeases(table, () => true);

function test(name: string, fn: (nodes: Galera["nodes"]) => Promise<void>): void {
  Deno.test({ name: `Galera: ${name}`, ignore: galeraUnavailable !== undefined, fn: () => fn(cluster().nodes) });
}

/** A session for leases on a node. */
async function sessionOn(node: MySqlServer) {
  const dsn = await parseMySql(node.dsn().replace("/?", "/sera?"));
  const session = await openMySqlSession(dsn, { ...plainSession, leased: true }, never);
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}

test("what one node has committed the other one knows", async ([one, two]) => {
  await using here = await sessionOn(one);
  await using there = await sessionOn(two);
  for (let time = 0; time < 20; time++) {
    const lock = freshName();
    assert.equal(await leases.claim(there, claimOf(lock, "a")), undefined);
    assert.equal(await leases.insert(here, claimOf(lock, "a")), 1n);
    assert.equal(await leases.claim(there, claimOf(lock, "b")), undefined);
    assert.equal(await leases.insert(there, claimOf(lock, "b")), undefined);
    const { owner, fence, beat } = (await leases.read(there, lock))!;
    assert.deepEqual([owner, fence], [ownerOf("a"), 1n]);
    // A holder goes on over any node.
    assert.ok(await leases.renew(there, lock, { owner, fence }, HOUR));
    assert.equal(await leases.claim(here, claimOf(lock, "b", { seen: { owner, fence, beat } })), undefined);
    assert.equal(await leases.claim(here, claimOf(lock, "b", { seen: { owner, fence, beat: beat + 1n } })), 2n);
    assert.equal(await leases.renew(there, lock, { owner, fence }, HOUR), undefined);
    assert.equal(await leases.release(there, lock, { owner: ownerOf("b"), fence: 2n }), true);
    assert.equal(await leases.claim(here, claimOf(lock, "c")), 3n);
  }
});

test("when both nodes insert and claim, one holder at a time has the lock, and no token is given twice", async (nodes) => {
  const sessions = await Promise.all(Array.from({ length: 8 }, (_, index) => sessionOn(nodes[index % 2]!)));
  try {
    // Several first rows, then one lock for long.
    for (const times of [2, 2, 2, 2, 80]) {
      await race(sessions.map((querier) => ({ querier, leases })), freshName(), times);
    }
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
});

test("the table is made on both nodes at the same time", async (nodes) => {
  for (let time = 0; time < 5; time++) {
    const other = mySqlLeases({ name: `leases_${time}` }, () => true);
    const lock = freshName();
    const sessions = await Promise.all(nodes.map(sessionOn));
    try {
      const insert = async (index: number) => {
        for (;;) {
          try {
            return await other.insert(sessions[index]!, claimOf(lock, "ab"[index]!));
          } catch (error) {
            if (!(error instanceof LockUnavailableError && error.transient)) throw error;
          }
        }
      };
      const fences = await Promise.all([insert(0), insert(1)]);
      assert.deepEqual(fences.filter((fence) => fence !== undefined), [1n]);
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
    }
  }
});

test("the end of a run and its release are on both nodes or on neither", async ([one, two]) => {
  await using here = await sessionOn(one);
  await using there = await sessionOn(two);
  const { table } = mySqlDialect({ name: "sera_runs" });
  for (const statement of createTable(mySqlDialect({ name: "sera_runs" }))) await here.query(statement);
  const lock = freshName();
  await here.query(
    sql`INSERT INTO ${table} (id, lock_name, started, outcome) VALUES (7, ${lock}, UTC_TIMESTAMP(3), 'running')`,
  );
  const ending = {
    table,
    assignments: { outcome: word("succeeded") },
    condition: { id: sql`7`, outcome: word("running") },
  };
  const outcome = async () => (await there.query(sql`SELECT outcome FROM ${table} WHERE id = 7`)).outcome;
  assert.equal(await leases.insert(here, claimOf(lock, "a")), 1n);
  assert.equal(await leases.release(here, lock, { owner: ownerOf("a"), fence: 2n }, ending), false);
  assert.equal(await outcome(), "running");
  assert.equal(await leases.release(here, lock, { owner: ownerOf("a"), fence: 1n }, ending), true);
  assert.equal(await outcome(), "succeeded");
  assert.equal(await leases.read(there, lock), undefined);
});

test("a table that the cluster does not replicate is refused", async ([one]) => {
  await using here = await sessionOn(one);
  const other = mySqlLeases({ name: "own_leases" }, () => true);
  const definition = other.schema().replaceAll(/^--.*\n/gm, "").replace("InnoDB", "MyISAM").replace(
    "`own",
    "sera.`own",
  );
  await one.query(definition);
  const { message } = await refusal(other.insert(here, claimOf(freshName(), "a")));
  assert.match(
    message,
    /^Cannot use the leases in own_leases: the cluster does not replicate [^\n]+ \(engine MyISAM\)[^\n]+; ALTER TABLE own_leases ENGINE=InnoDB$/,
  );
});
