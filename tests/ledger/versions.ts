/** Older and newer tables than the one that this sera makes. */

import assert from "node:assert/strict";
import { Holder, type LedgerAddress, openStoreAt } from "./holder.ts";
import { LockUnavailableError } from "../../lib/errors.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import type { Bench, LedgerPlace } from "./places.ts";
import { freshName, never, open } from "../backends/open.ts";

/** Makes a table with one run in it, of before there were these columns. */
async function makeOld({ sql, name, ...bench }: Bench): Promise<{ readonly id: bigint; readonly lock: string }> {
  await using holder = await Holder.start(bench);
  const id = await holder.ran("succeeded", { once: "v1" });
  await sql(`UPDATE ${name} SET version = 0`);
  const { inlineIndexes, indexName } = holder.store.dialect;
  // Where indexes are a part of the table they go with their columns.
  if (!inlineIndexes) await sql(`DROP INDEX ${holder.asText(indexName("expires"))}`);
  for (const column of ["expires", "session_id", "user_name"]) await sql(`ALTER TABLE ${name} DROP COLUMN ${column}`);
  return { id, lock: holder.lock };
}

/** Reads the ledger as `sera history` does, without a lock. */
async function readHistory(address: LedgerAddress) {
  await using backend = await open(address.server, freshName());
  return await new SqlLedger(await openStoreAt(address, await backend.session(never))).latest(10);
}

export function versionTests({ test, bench: makeBench }: LedgerPlace): void {
  test("an older table is completed by the first write, and its rows are kept", async () => {
    await using bench = await makeBench();
    const old = await makeOld(bench);
    await using holder = await Holder.start(bench, old.lock);
    assert.equal((await holder.refused({ once: "v1" })).id, old.id);
    const id = await holder.ran("succeeded", { once: "v2" });
    await holder.ledger.prune();
    const versions = await bench.sql(`SELECT id, version FROM ${bench.name} ORDER BY id`);
    assert.deepEqual(versions.map(({ id, version }) => [BigInt(`${id}`), Number(version)]), [[old.id, 0], [id, 1]]);
    const { user, session } = await holder.recorded(old.id);
    assert.deepEqual({ user, session }, { user: "", session: 0 });
  });

  test("an older table is completed by the first pruning", async () => {
    await using bench = await makeBench();
    const { id } = await makeOld(bench);
    await using holder = await Holder.start(bench);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [id]);
  });

  test("reading does not change an older table", async () => {
    await using bench = await makeBench();
    const { id, lock } = await makeOld(bench);
    for (let reads = 0; reads < 2; reads++) {
      const runs = await readHistory(bench);
      assert.deepEqual(runs.map((run) => [run.id, run.lock, run.key, run.user]), [[id, lock, "v1", ""]]);
      await assert.rejects(async () => await bench.sql(`SELECT user_name FROM ${bench.name}`));
    }
  });

  test("a newer table is used as it is", async () => {
    await using bench = await makeBench();
    const { sql, name } = bench;
    await using holder = await Holder.start(bench);
    const first = await holder.ran("succeeded", { once: "v1" });
    await sql(`ALTER TABLE ${name} ADD COLUMN fence BIGINT NULL`);
    await sql(`ALTER TABLE ${name} ADD COLUMN zone VARCHAR(20) NOT NULL DEFAULT 'here'`);
    await sql(`UPDATE ${name} SET version = 2, outcome = 'paused', fence = 7, zone = 'there'`);
    await holder.ran("failed", { once: "v1" });
    const last = await holder.ran("succeeded", { once: "v1" });
    assert.equal((await holder.refused({ once: "v1", countFailures: true })).id, last);
    await holder.ledger.prune();
    assert.deepEqual((await readHistory(bench)).map(({ outcome }) => outcome), ["succeeded", "failed", "paused"]);
    const rows = await sql(`SELECT id, version, outcome, fence, zone FROM ${name} ORDER BY id`);
    assert.deepEqual(
      rows.map(({ version, outcome, fence, zone }) => [Number(version), outcome, fence && +fence, zone]),
      [
        [2, "paused", 7, "there"],
        [1, "failed", null, "here"],
        [1, "succeeded", null, "here"],
      ],
    );
    assert.equal(BigInt(`${rows[0]!.id}`), first);
  });

  test("another program's table of the same name is left unchanged", async () => {
    await using bench = await makeBench();
    const { sql, name } = bench;
    await sql(`CREATE TABLE ${name} (id INTEGER NOT NULL, price INTEGER NOT NULL)`);
    await sql(`INSERT INTO ${name} VALUES (1, 2)`);
    await using holder = await Holder.start(bench);
    await assert.rejects(holder.begin(), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(
        error.message,
        /^Cannot use the ledger \S+: this table is not sera's; (name another one with --ledger-table|move it away to start afresh)$/,
      );
      return true;
    });
    const [row] = await sql(`SELECT * FROM ${name}`);
    assert.deepEqual(Object.keys(row!), ["id", "price"]);
  });
}
