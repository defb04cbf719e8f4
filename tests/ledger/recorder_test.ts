/** How a run uses the ledger, with an in-memory ledger and a fake clock. */

import assert from "node:assert/strict";
import { Deadline } from "../../lib/deadline.ts";
import { LockUnavailableError } from "../../lib/errors.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import type { RecordingRule } from "../../lib/ledger/run.ts";
import { Logger } from "../../lib/log/logger.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { EPOCH, heldLock, LastingTrouble, MemoryLedger } from "./memory_ledger.ts";

const LOCK = "the lock";
const RUNNER = { label: "rotate-logs", host: "web1", pid: 4711, user: "ops" };
const MINUTE = 60_000;

/** A run, its ledger, and the messages. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly ledger: MemoryLedger;
  readonly recorder: Recorder;
  /** Lines as everybody sees them, and those that `--verbose` adds. */
  readonly told: string[] = [];
  readonly verbose: string[] = [];
  readonly lock = heldLock().lock;

  constructor(rule: Partial<RecordingRule> = {}, ledger = new MemoryLedger(), slots?: number) {
    this.ledger = ledger;
    const io = {
      err: (text: string) => void this.told.push(text.trim()),
      out: (text: string) => void this.verbose.push(text.trim()),
      env: () => undefined,
    };
    this.recorder = new Recorder(
      () => Promise.resolve(ledger),
      LOCK,
      RUNNER,
      { countFailures: false, keepHistory: MINUTE, recordSkips: false, ...rule },
      new Logger(io, { format: "text", verbose: "stdout" }, "rotate-logs"),
      undefined,
      undefined,
      slots,
    );
  }

  async started(): Promise<bigint> {
    const begun = await this.recorder.begin(this.lock);
    if (typeof begun === "string") assert.fail(begun);
    return begun.id;
  }

  async refused(): Promise<string> {
    const begun = await this.recorder.begin(this.lock);
    if (typeof begun !== "string") assert.fail(`run ${begun.id} was granted`);
    return begun;
  }

  /** A run that ends at once. */
  async ran(outcome: "succeeded" | "failed" = "succeeded"): Promise<bigint> {
    const begun = await this.recorder.begin(this.lock);
    if (typeof begun === "string") assert.fail(begun);
    await begun.finish(outcome, outcome === "succeeded" ? 0 : 1);
    return begun.id;
  }

  get outcomes(): readonly string[] {
    return this.ledger.runs.map(({ outcome }) => outcome);
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

Deno.test("a run is recorded when it begins and when it ends, with its owner", async () => {
  using bench = new Bench();
  const { ledger, lock, recorder } = bench;
  const begun = await recorder.begin(lock);
  assert.ok(typeof begun !== "string");
  assert.deepEqual([...ledger.runs], [
    { id: 1n, lock: LOCK, key: undefined, ...RUNNER, started: EPOCH, outcome: "running" },
  ]);
  await bench.clock.to(1500);
  await begun.finish("failed", 3);
  assert.deepEqual(ledger.steps, ["abandon", "begin", "finish"]);
  const { outcome, exitCode, finished } = ledger.runs[0]!;
  assert.deepEqual({ outcome, exitCode, finished }, { outcome: "failed", exitCode: 3, finished: EPOCH + 1500 });
  assert.deepEqual([...bench.told, ...bench.verbose], []);
});

Deno.test("once: after a success the command does not run again for this key, however long ago it was", async () => {
  using bench = new Bench({ once: "v1" });
  await bench.ran("failed");
  await bench.ran();
  await bench.clock.to(1000 * MINUTE);
  assert.equal(
    await bench.refused(),
    "Already done for this key: run 2 by web1:4711 at 2030-01-01 00:00:00Z succeeded",
  );
  assert.deepEqual(bench.outcomes, ["failed", "succeeded"]);
});

Deno.test("once: with count-failures a failed run counts as well", async () => {
  using bench = new Bench({ once: "v1", countFailures: true });
  await bench.ran("failed");
  assert.match(await bench.refused(), /^Already done for this key: run 1 .* failed$/);
});

Deno.test("every: the interval counts from the start of a run, to the millisecond", async () => {
  using bench = new Bench({ every: MINUTE });
  await bench.ran();
  await bench.clock.to(MINUTE - 1);
  assert.match(await bench.refused(), /^Done within the last 1m: run 1 by web1:4711 at [-0-9]+ [0-9:]+Z succeeded$/);
  await bench.clock.to(MINUTE);
  assert.equal(await bench.started(), 2n);
});

Deno.test("every: a run that began a little ahead of the clock counts, and the line says that the clock was set back", async () => {
  using bench = new Bench({ every: MINUTE });
  bench.ledger.change(await bench.ran(), { started: EPOCH + 10_000 });
  assert.match(
    await bench.refused(),
    /^Done within 1m of now: run 1 .* succeeded, ahead of the server's clock, which has been set back since; check it$/,
  );
});

Deno.test("every: a run far ahead of the clock does not count, which is reported once", async () => {
  using bench = new Bench({ every: MINUTE });
  bench.ledger.change(await bench.ran(), { started: EPOCH + 2 * MINUTE });
  const told =
    /^sera: Run 1 by .* is dated more than 1m ahead of the server's clock, so it does not count for --every, and run \d+/;
  assert.equal(await bench.started(), 2n);
  assert.equal(bench.told.length, 1);
  assert.match(bench.told[0]!, told);
  // The next time it is no news.
  assert.equal(await bench.started(), 3n);
  assert.equal(bench.told.length, 1);
  assert.match(`sera: ${bench.verbose.at(-1)}`, told);
});

Deno.test("a skipped run is recorded only if requested", async () => {
  for (const recordSkips of [false, true]) {
    using bench = new Bench({ once: "v1", recordSkips });
    await bench.ran();
    await bench.refused();
    await bench.recorder.skip(bench.lock);
    assert.deepEqual(bench.outcomes, ["succeeded", ...recordSkips ? ["skipped", "skipped"] : []]);
  }
});

Deno.test("a dead holder's run is marked and reported first, even by a run that skips", async () => {
  const ledger = new MemoryLedger();
  using dead = new Bench({}, ledger);
  await dead.started();
  using next = new Bench({ once: "v1" }, ledger);
  await next.recorder.skip(next.lock);
  assert.deepEqual(next.outcomes, ["abandoned"]);
  assert.deepEqual(next.verbose, [
    "Run 1 by web1:4711 at 2030-01-01 00:00:00Z did not finish: marked as abandoned.",
  ]);
  await next.started();
  assert.equal(next.verbose.length, 1);
});

Deno.test("a run that was perhaps recorded is withdrawn by the next attempt, and never counts as failed", async () => {
  using bench = new Bench({ once: "v1", countFailures: true });
  const { ledger } = bench;
  ledger.unanswered = () => {
    ledger.unanswered = () => undefined;
    throw new LockUnavailableError("the answer did not come");
  };
  await assert.rejects(bench.started(), { message: "the answer did not come" });
  assert.equal(await bench.started(), 2n);
  assert.deepEqual(bench.outcomes, ["unstarted", "running"]);
  assert.deepEqual(ledger.steps, ["abandon", "begin", "takeBack", "abandon", "begin"]);
});

Deno.test("a locked ledger is waited for within the run's wait, and for the usual time at the end", async () => {
  using bench = new Bench();
  const { ledger, lock, recorder } = bench;
  const deadline = new Deadline(300);
  const begun = await recorder.begin(lock, deadline);
  assert.equal(ledger.deadline, deadline);
  assert.ok(typeof begun !== "string");
  await begun.finish("succeeded", 0);
  assert.equal(ledger.deadline, undefined);
});

Deno.test("old runs that cannot be deleted are reported when verbose, without other effect", async () => {
  using bench = new Bench();
  const { ledger, recorder } = bench;
  // Nothing was opened, so there is nothing to forget.
  await recorder.prune();
  assert.deepEqual(ledger.steps, []);
  await bench.ran();
  ledger.fault = () => {
    throw new LastingTrouble();
  };
  await recorder.prune();
  assert.deepEqual(bench.told, []);
  assert.deepEqual(bench.verbose, ["Cannot use the ledger: INSERT denied; grant it; old runs were not deleted."]);
});

Deno.test("a run is recorded under its slot; only unfinished runs of this slot and of removed slots are marked", async () => {
  const ledger = new MemoryLedger();
  for (const slot of [0, 1, 2, 4]) {
    using dead = new Bench({}, ledger, 8);
    await dead.recorder.begin({ ...dead.lock, slot });
  }
  using next = new Bench({ recordSkips: true }, ledger, 4);
  await next.recorder.begin({ ...next.lock, slot: 1 });
  assert.deepEqual(
    ledger.runs.map(({ lock, outcome }) => [lock, outcome]),
    [
      [LOCK, "running"],
      [`${LOCK}.1`, "abandoned"],
      [`${LOCK}.2`, "running"],
      [`${LOCK}.4`, "abandoned"],
      [`${LOCK}.1`, "running"],
    ],
  );
  await next.recorder.skip({ ...next.lock, slot: 3 });
  assert.deepEqual(ledger.runs.at(-1)!.lock, `${LOCK}.3`);
  using plain = new Bench({}, ledger);
  await plain.started();
  assert.deepEqual(ledger.runs.filter(({ outcome }) => outcome === "running").map(({ lock }) => lock), [LOCK]);
});

Deno.test("if failures count, an unfinished run in another slot makes the command skip", async () => {
  const ledger = new MemoryLedger();
  using other = new Bench({ once: "v1" }, ledger, 2);
  await other.started();
  using next = new Bench({ once: "v1", countFailures: true }, ledger, 2);
  const told = await next.recorder.begin({ ...next.lock, slot: 1 });
  assert.equal(
    told,
    "Already begun for this key: run 1 by web1:4711 at 2030-01-01 00:00:00Z has not ended",
  );
});
