/** How runs end, and what becomes of those whose holder died. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../lib/errors.ts";
import { COLUMN_NAMES } from "../../lib/backends/sql/schema.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import { Logger } from "../../lib/log/logger.ts";
import type { Statement } from "../../lib/backends/sql/statement.ts";
import { Holder, PLAIN, RUNNER } from "./holder.ts";
import type { LedgerPlace } from "./places.ts";

export function endTests({ test, bench: makeBench }: LedgerPlace): void {
  test("a run is running until it has ended, and then has a code and a time", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    const before = await holder.recorded(id);
    assert.deepEqual([before.outcome, before.finished, before.exitCode], ["running", undefined, undefined]);
    await holder.finish(id, "failed");
    const after = await holder.recorded(id);
    assert.deepEqual([after.outcome, after.exitCode], ["failed", 1]);
    assert.ok(after.finished! >= before.started!);
    assert.equal(after.started, before.started);
  });

  test("what a dead holder left is marked by the next one, which is told of it", async () => {
    await using bench = await makeBench();
    let id, lock;
    {
      await using dead = await Holder.start(bench);
      lock = dead.lock;
      id = await dead.started();
    }
    await using stranger = await Holder.start(bench);
    const theirs = await stranger.started();
    await using next = await Holder.start(bench, lock);
    const left = await next.ledger.abandon(lock);
    assert.deepEqual(left.map(({ id, host, pid }) => ({ id, host, pid })), [{ id, host: "web1", pid: 4711 }]);
    assert.equal((await next.recorded(id)).outcome, "abandoned");
    assert.deepEqual(await next.ledger.abandon(lock), []);
    assert.equal((await next.recorded(theirs)).outcome, "running");
    await stranger.finish(theirs, "succeeded");
  });

  test("the end of a run that was marked as abandoned meanwhile is an error that names the run", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.started({ once: "v1" });
    await bench.sql(`UPDATE ${bench.name} SET outcome = 'abandoned' WHERE id = ${id}`);
    await assert.rejects(holder.finish(id, "succeeded", { once: "v1" }), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, new RegExp(`^Cannot use the ledger .*: run ${id} is marked as abandoned$`));
      return true;
    });
    const { outcome, exitCode } = await holder.recorded(id);
    assert.deepEqual({ outcome, exitCode }, { outcome: "abandoned", exitCode: undefined });
    await holder.started({ once: "v1" });
  });

  test("the end of a run that was deleted meanwhile is an error that names the run", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const id = await holder.started();
    await bench.sql(`DELETE FROM ${bench.name} WHERE id = ${id}`);
    await assert.rejects(holder.finish(id, "succeeded"), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, new RegExp(`: run ${id} has been deleted$`));
      return true;
    });
  });

  test("the latest runs come first, of one lock or of all, as many as asked for", async () => {
    await using bench = await makeBench();
    await using one = await Holder.start(bench);
    await using other = await Holder.start(bench);
    assert.deepEqual(await one.ledger.latest(10), []);
    const ids: bigint[] = [];
    for (let round = 0; round < 3; round++) for (const holder of [one, other]) ids.push(await holder.ran("succeeded"));
    const latest = async (...args: [number, string?]) => (await one.ledger.latest(...args)).map(({ id }) => id);
    assert.deepEqual(await latest(10), ids.toReversed());
    assert.deepEqual(await latest(2), [ids[5], ids[4]]);
    assert.deepEqual(await latest(2, one.lock), [ids[4], ids[2]]);
  });

  test("any number of runs can be read, also with the longest texts", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    const long = "\u{1f511}".repeat(190);
    await holder.ran("succeeded", { once: long }, { label: long, host: long, pid: 1, user: long });
    const names = COLUMN_NAMES.join(", ");
    for (let rows = 1; rows < 300; rows *= 2) {
      await bench.sql(`INSERT INTO ${bench.name} (${names}) SELECT ${names} FROM ${bench.name}`);
    }
    const latest = await holder.ledger.latest(300);
    assert.equal(new Set(latest.map(({ id }) => id)).size, 300);
    assert.ok(latest.every(({ id }, index) => index === 0 || id < latest[index - 1]!.id));
    assert.equal((await holder.ledger.latest(1000)).length, 512);
  });

  test("a run that was recorded without an answer is taken back, and does not count as one that failed", async () => {
    await using bench = await makeBench();
    await using holder = await Holder.start(bench);
    let isLost = true;
    const run = async (statement: Statement) => {
      const rows = await holder.store.run(statement);
      if (!isLost || !holder.asText(statement).includes("INSERT")) return rows;
      isLost = false;
      throw new LockUnavailableError("the answer did not come");
    };
    const rule = { ...PLAIN, once: "v1", countFailures: true };
    const settings = { ...rule, on: true, table: bench.table, recordSkips: false };
    const io = { out: () => undefined, err: () => undefined, env: () => undefined };
    const open = () => Promise.resolve(new SqlLedger({ ...holder.store, run }));
    const recorder = new Recorder(open, holder.lock, RUNNER, settings, new Logger(io, { format: "text" }, "test"));
    await assert.rejects(recorder.begin(holder.held), LockUnavailableError);
    const begun = await recorder.begin(holder.held);
    assert.ok(typeof begun !== "string");
    const outcomes = (await holder.ledger.latest(10)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["running", "unstarted"]);
  });
}
