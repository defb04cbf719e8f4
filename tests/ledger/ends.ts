/** How runs end, and what happens to those of dead holders. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../lib/errors.ts";
import type { Ledger } from "../../lib/ledger/ledger.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import { Logger } from "../../lib/log/logger.ts";
import type { RunPlace } from "./run_bench.ts";
import { PLAIN, RUNNER } from "./run_holder.ts";

/** The recorder's requests to a ledger besides beginning a run. */
const STEPS = ["limitWait", "abandon", "takeBack", "finish", "skip", "prune", "latest"] as const;

export function endTests({ test, bench: makeBench }: RunPlace): void {
  test("a run is running until it has ended, and then has a code and a time", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.started();
    const before = await holder.recorded(id);
    assert.deepEqual([before.outcome, before.finished, before.exitCode], ["running", undefined, undefined]);
    await holder.finish(id, "failed");
    const after = await holder.recorded(id);
    assert.deepEqual([after.outcome, after.exitCode], ["failed", 1]);
    assert.ok(after.finished! >= before.started!);
    assert.equal(after.started, before.started);
  });

  test("a dead holder's run is marked as abandoned by the next holder, which reports it", async () => {
    await using bench = await makeBench();
    let id, lock;
    {
      await using dead = await bench.holder();
      lock = dead.lock;
      id = await dead.started();
    }
    await using stranger = await bench.holder();
    const theirs = await stranger.started();
    await using next = await bench.holder(lock);
    const left = await next.ledger.abandon(lock);
    assert.deepEqual(left.map(({ id, host, pid }) => ({ id, host, pid })), [{ id, host: "web1", pid: 4711 }]);
    assert.equal((await next.recorded(id)).outcome, "abandoned");
    assert.deepEqual(await next.ledger.abandon(lock), []);
    assert.equal((await next.recorded(theirs)).outcome, "running");
    await stranger.finish(theirs, "succeeded");
  });

  test("the end of a run that was marked as abandoned meanwhile is an error that names the run", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    const id = await holder.started({ once: "v1" });
    await bench.mark(id, "abandoned");
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
    await using holder = await bench.holder();
    const id = await holder.started();
    await bench.remove(id);
    await assert.rejects(holder.finish(id, "succeeded"), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.match(error.message, new RegExp(`: run ${id} has been deleted$`));
      return true;
    });
  });

  test("the latest runs come first, of one lock or of all, up to the limit", async () => {
    await using bench = await makeBench();
    await using one = await bench.holder();
    await using other = await bench.holder();
    assert.deepEqual(await one.ledger.latest(10), []);
    const ids: bigint[] = [];
    for (let round = 0; round < 3; round++) for (const holder of [one, other]) ids.push(await holder.ran("succeeded"));
    const latest = async (limit: number, lock?: string) =>
      (await one.ledger.latest(limit, { lock })).map(({ id }) => id);
    assert.deepEqual(await latest(10), ids.toReversed());
    assert.deepEqual(await latest(2), [ids[5], ids[4]]);
    assert.deepEqual(await latest(2, one.lock), [ids[4], ids[2]]);
  });

  test("a run whose begin got no answer is withdrawn, and does not count as failed", async () => {
    await using bench = await makeBench();
    await using holder = await bench.holder();
    let isLost = true;
    // All else is the ledger's own.
    const ledger: Ledger = Object.create(holder.ledger, {
      ...Object.fromEntries(STEPS.map((name) => [name, { value: holder.ledger[name].bind(holder.ledger) }])),
      begin: {
        async value(...args: Parameters<Ledger["begin"]>) {
          const permission = await holder.ledger.begin(...args);
          if (!isLost) return permission;
          isLost = false;
          throw new LockUnavailableError("the answer did not come");
        },
      },
    });
    const rule = { ...PLAIN, once: "v1", countFailures: true };
    const settings = { ...rule, recordSkips: false };
    const io = { out: () => undefined, err: () => undefined, env: () => undefined };
    const open = () => Promise.resolve(ledger);
    const recorder = new Recorder(open, holder.lock, RUNNER, settings, new Logger(io, { format: "text" }, "test"));
    await assert.rejects(recorder.begin(holder.held), LockUnavailableError);
    const begun = await recorder.begin(holder.held);
    assert.ok(typeof begun !== "string");
    const outcomes = (await holder.ledger.latest(10)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["running", "unstarted"]);
  });
}
