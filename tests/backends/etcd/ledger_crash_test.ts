/** A holder that dies before any request of a run, or before the answer to it. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import type { Caller } from "../../../lib/backends/etcd/own_key.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { Recorder } from "../../../lib/ledger/recorder.ts";
import { Logger } from "../../../lib/log/logger.ts";
import type { Rule } from "../../../lib/ledger/run.ts";
import { PLAIN, RUNNER } from "../../ledger/run_holder.ts";
import { freshName } from "../open.ts";
import { sharedEtcd } from "../shared_server.ts";
import { type EtcdBench, etcdBench } from "./ledger_bench.ts";

const shared = sharedEtcd();
const HOUR = 3600 * 1000;

class Death extends Error {}

/** Lets the holder die at a request: before it, or when it was carried out. Counts the requests. */
class Fate {
  readonly paths: string[] = [];
  isDead = false;

  constructor(readonly at = Infinity, readonly when: "before" | "after" = "before") {}

  through = (client: Caller): Caller => ({
    address: client.address,
    where: client.where,
    call: async (...args) => {
      if (this.isDead) throw new Death();
      this.paths.push(args[0]);
      this.isDead = this.paths.length === this.at;
      if (!this.isDead) return await client.call(...args);
      if (this.when === "after") await client.call(...args);
      throw new Death();
    },
  });
}

/** Runs the command as sera does, unless the ledger has something against it. */
async function runOnce(
  bench: EtcdBench,
  lock: string,
  rule: Partial<Rule>,
  pid: number,
  journal: number[],
  fate = new Fate(),
): Promise<"ran" | "skipped" | "died"> {
  await using holder = await bench.holder(lock, fate.through);
  const io = { out: () => undefined, err: () => undefined, env: () => undefined };
  const logger = new Logger(io, { format: "text" }, "test");
  const settings = { ...PLAIN, ...rule, recordSkips: false };
  const recorder = new Recorder(
    () => Promise.resolve(holder.another()),
    lock,
    { ...RUNNER, pid },
    settings,
    logger,
  );
  try {
    const begun = await recorder.begin(holder.held);
    if (typeof begun !== "string") {
      journal.push(pid);
      await begun.finish("succeeded", 0);
    }
    await recorder.prune();
    return typeof begun === "string" ? "skipped" : "ran";
  } catch (error) {
    if (error instanceof Death) return "died";
    throw error;
  }
}

const RULES: Readonly<Record<string, Partial<Rule>>> = {
  "once": { once: "v1", keepHistory: 0 },
  "once, count-failures": { once: "v1", countFailures: true },
  "every": { every: HOUR, keepHistory: 0 },
  "every, count-failures": { every: HOUR, countFailures: true },
};
for (const [name, rule] of Object.entries(RULES)) {
  shared.test(`${name}: after a crash at any request of a run, the next run repairs the ledger`, async (server) => {
    await using bench = etcdBench(server);
    const prepared = async () => {
      const lock = freshName();
      await using holder = await bench.holder(lock);
      await holder.ran("failed", { ...rule, countFailures: false, once: rule.once && "v0" });
      await holder.started({ ...rule, countFailures: false, once: rule.once && "v0" });
      return lock;
    };
    // One that a holder has left counts as well if failures do.
    const lockBefore = async () => rule.countFailures && rule.every ? freshName() : await prepared();
    const straight = new Fate();
    assert.equal(await runOnce(bench, await lockBefore(), rule, 1, [], straight), "ran");
    assert.ok(straight.paths.filter((path) => path === Path.txn).length >= 3, `${straight.paths}`);
    assert.equal(straight.paths.includes(Path.grant), rule.every !== undefined);

    for (let at = 1; at <= straight.paths.length; at++) {
      for (const when of ["before", "after"] as const) {
        const lock = await lockBefore();
        const journal: number[] = [];
        const crashed = await runOnce(bench, lock, rule, 2, journal, new Fate(at, when));
        const next = await runOnce(bench, lock, rule, 3, journal);
        assert.equal(await runOnce(bench, lock, rule, 4, journal), "skipped", `${at} ${when}`);
        await using holder = await bench.holder(lock);
        const runs = (await holder.ledger.latest(100, { lock })).filter(({ pid }) => pid !== RUNNER.pid).reverse();
        const told = `${when} request ${at} of ${straight.paths}: ${Deno.inspect({ crashed, next, runs, journal })}`;
        assert.deepEqual(runs.filter(({ outcome }) => outcome === "running"), [], told);
        assert.deepEqual(runs.map(({ pid }) => pid), runs.map(({ pid }) => pid).toSorted(), told);
        const [dead] = runs.filter(({ pid }) => pid === 2);
        assert.ok(dead || !journal.includes(2), `it ran without a record: ${told}`);
        if (dead?.outcome === "succeeded") assert.ok(journal.includes(2), told);
        else assert.equal(dead?.outcome ?? "abandoned", "abandoned", told);
        if (rule.countFailures) {
          assert.equal(next, dead ? "skipped" : "ran", told);
          assert.ok(journal.length === 1 || journal.length === 0 && dead, told);
        } else {
          assert.equal(next, dead?.outcome === "succeeded" ? "skipped" : "ran", told);
          assert.equal(runs.filter(({ outcome }) => outcome === "succeeded").length, 1, told);
        }
      }
    }
  });
}

shared.test("a run whose begin gets no answer is withdrawn by the same process", async (server) => {
  await using bench = etcdBench(server);
  for (const when of ["before", "after"] as const) {
    for (const rule of [{ once: "v1" }, { every: HOUR }]) {
      // The one that begins it is the last of an attempt.
      const count = new Fate();
      await using first = await bench.holder(freshName(), count.through);
      await first.ledger.begin(first.lock, RUNNER, { ...PLAIN, ...rule, countFailures: true });
      const fate = new Fate(count.paths.length, when);
      await using holder = await bench.holder(freshName(), fate.through);
      const strict = { ...PLAIN, ...rule, countFailures: true };
      await assert.rejects(holder.ledger.begin(holder.lock, RUNNER, strict), Death);
      fate.isDead = false;
      const again = holder.another();
      await again.takeBack(holder.lock, RUNNER);
      assert.deepEqual(await again.abandon(holder.lock), []);
      const permission = await again.begin(holder.lock, RUNNER, strict);
      assert.ok(permission.granted, `${when} ${Deno.inspect(rule)}`);
      const outcomes = (await again.latest(9, { lock: holder.lock })).map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, when === "after" ? ["running", "unstarted"] : ["running"]);
    }
  }
});

shared.test("an end that gets no answer is recorded by the next attempt", async (server) => {
  await using bench = etcdBench(server);
  const fate = new Fate();
  await using holder = await bench.holder(freshName(), fate.through);
  const id = await holder.started({ once: "v1" });
  const lost = new Fate(1, "after");
  const ledger = holder.ledger;
  const { call } = holder.client;
  holder.client.call = lost.through({ ...holder.client, call }).call;
  await assert.rejects(holder.finish(id, "succeeded", { once: "v1" }), Death);
  holder.client.call = call;
  await ledger.finish(id, "succeeded", 0, { ...PLAIN, once: "v1" });
  // It has ended, and does not end again in another way.
  await assert.rejects(ledger.finish(id, "failed", 1, { ...PLAIN, once: "v1" }), (error) => {
    assert.ok(error instanceof LockUnavailableError);
    assert.match(error.message, new RegExp(`: run ${id} is marked as succeeded$`));
    return true;
  });
});
