/** How the table is created, and what happens without the right to create it. */

import assert from "node:assert/strict";
import type { TableName } from "../../lib/ledger/table_name.ts";
import { parseServer } from "../../lib/settings/server.ts";
import { LockUnavailableError } from "../../lib/errors.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import { Logger } from "../../lib/log/logger.ts";
import { DAY, Holder, type LedgerAddress, openStoreAt, PLAIN, RUNNER } from "./holder.ts";
import type { DatabasePlace } from "./places.ts";

/** How many make the table at the same moment, and how often. */
const RACERS = 4;
const RACES = 12;

/** The statements that an administrator is shown, without the comments. */
async function printedSchema({ server, table }: LedgerAddress): Promise<string[]> {
  const { ledger } = await parseServer(server, "the test", { env: () => undefined });
  const text = (await ledger!.schema!(table)).replace(/^--.*\n/gm, "");
  return text.split(";\n").filter((statement) => statement.trim() !== "");
}

/** Asserts that one line says that the table cannot be used, and what to do. */
function assertTellsCure(why: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof LockUnavailableError, `${error}`);
    assert.match(
      error.message,
      /^Cannot use the ledger runs_\w+: [^\n]+(?:;| and) grant the (user|role) SELECT, [^\n]+$/,
    );
    assert.match(error.message, /sera history --schema/);
    assert.match(error.message, why);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
}

export function tableTests(place: DatabasePlace): void {
  const { test } = place;

  test("reading creates no table", async () => {
    await using bench = await place.bench();
    await using holder = await Holder.start(bench);
    assert.deepEqual(await holder.ledger.latest(10), []);
    assert.deepEqual(await holder.ledger.latest(10, { lock: holder.lock }), []);
    await assert.rejects(bench.sql(`SELECT 1 FROM ${bench.name}`));
    assert.deepEqual(await holder.ids(), []);
    await holder.ran("succeeded");
    await bench.sql(`SELECT 1 FROM ${bench.name}`);
  });

  test("sessions that need the table at the same moment all get it, or its missing columns", async () => {
    await using first = await place.bench();
    const holders = await Promise.all(Array.from({ length: RACERS }, () => Holder.start(first)));
    for (let race = 0; race < RACES; race++) {
      await using bench = await place.bench();
      const ledgers = await Promise.all(
        holders.map(async ({ lock, held }) => ({
          lock,
          ledger: new SqlLedger(await openStoreAt(bench, held.session)),
        })),
      );
      const all = async () => {
        const begun = await Promise.all(ledgers.map(async ({ ledger, lock }) => {
          await ledger.abandon(lock);
          return await ledger.begin(lock, RUNNER, PLAIN);
        }));
        assert.equal(new Set(begun.map((permission) => permission.granted && permission.id)).size, RACERS);
      };
      await all();
      await bench.sql(`ALTER TABLE ${bench.name} DROP COLUMN expires`);
      await all();
    }
    for (const holder of holders) await holder[Symbol.asyncDispose]();
  });

  test("the table may be in a schema of its own", async () => {
    await using bench = await place.bench();
    const table: TableName = { schema: await place.schema(), name: "sera_runs" };
    await using holder = await Holder.start({ ...bench, table });
    const id = await holder.ran("succeeded", { once: "v1" });
    await holder.ledger.prune();
    assert.equal((await holder.refused({ once: "v1" })).id, id);
    assert.equal((await bench.sql(`SELECT id FROM ${table.schema}.sera_runs`)).length, 1);
    await assert.rejects(bench.sql(`SELECT 1 FROM ${bench.name}`));
  });

  test("a table that an administrator created as printed needs no more rights than printed", async () => {
    await using bench = await place.bench();
    const { address, grantee } = await place.user(bench);
    await using admin = await place.admin();
    for (const statement of await printedSchema(bench)) await admin.query(statement);
    await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${bench.name} TO ${grantee}`);
    await using holder = await Holder.start(address);
    const lost = await holder.started();
    const id = await holder.ran("succeeded", { once: "v1" });
    assert.equal((await holder.recorded(lost)).outcome, "abandoned");
    await admin.query(`UPDATE ${bench.name} SET expires = ${holder.after(-DAY)} WHERE id = ${lost}`);
    await holder.ledger.prune();
    assert.deepEqual(await holder.ids(), [id]);
  });

  test("the printed table equals the created one", async () => {
    await using made = await place.bench();
    await using shown = await place.bench();
    await using holder = await Holder.start(made);
    await holder.ran("succeeded");
    await using admin = await place.admin();
    for (const statement of await printedSchema(shown)) await admin.query(statement);
    const columns = (table: string) =>
      made.sql(
        `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, column_default AS value
         FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`,
      );
    const expected = await columns(made.table.name);
    assert.equal(expected.length, 14);
    assert.deepEqual(await columns(shown.table.name), expected);
  });

  test("without the table and the right to create it, one line says so and what to do", async () => {
    await using bench = await place.bench();
    const { address, grantee } = await place.user(bench);
    await bench.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${place.everyTable} TO ${grantee}`);
    await using holder = await Holder.start(address);
    await assert.rejects(holder.begin(), assertTellsCure(/cannot be created: .*denied/));
    assert.deepEqual(await holder.ids(), []);
  });

  test("without the right to write to the table, one line says so and what to do", async () => {
    await using bench = await place.bench();
    await using owner = await Holder.start(bench);
    const id = await owner.ran("succeeded", { once: "v1" });
    const { address, grantee } = await place.user(bench);
    await bench.sql(`GRANT SELECT ON ${bench.name} TO ${grantee}`);
    await using holder = await Holder.start(address);
    await assert.rejects(holder.begin(), assertTellsCure(/denied/));
    assert.deepEqual(await holder.ids(), [id]);
  });

  test("without the right to delete sera still runs, and reports that old runs are kept", async () => {
    await using bench = await place.bench();
    await using owner = await Holder.start(bench);
    await owner.ran("succeeded");
    await bench.sql(`UPDATE ${bench.name} SET expires = ${owner.after(-DAY)}`);
    const { address, grantee } = await place.user(bench);
    await bench.sql(`GRANT SELECT, INSERT, UPDATE ON ${bench.name} TO ${grantee}`);
    await using holder = await Holder.start(address);
    let said = "";
    const io = { out: (text: string) => void (said += text), err: () => assert.fail("an error"), env: () => undefined };
    const settings = { ...PLAIN, on: true, table: bench.table, recordSkips: false };
    const logger = new Logger(io, { format: "text", verbose: "stdout" }, "test");
    const recorder = new Recorder(() => Promise.resolve(holder.ledger), holder.lock, RUNNER, settings, logger);
    const begun = await recorder.begin(holder.held);
    assert.ok(typeof begun !== "string");
    await begun.finish("succeeded", 0);
    await recorder.prune();
    assert.match(said, /^Cannot use the ledger runs_\w+: [^\n]*denied[^\n]*; old runs were not deleted\.\n$/);
    assert.equal((await holder.ids()).length, 2);
    await assert.rejects(holder.ledger.prune(), LockUnavailableError);
  });
}
