/** A command that goes by the ledger, on one that is kept in memory and a clock that the test moves. */

import assert from "node:assert/strict";
import { InterruptedError, type LockUnavailableError } from "../../lib/errors.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import type { RecordingRule } from "../../lib/ledger/run.ts";
import type { HeldLock, Lock } from "../../lib/lock/lock.ts";
import { Logger } from "../../lib/log/logger.ts";
import { atMostOnce } from "../../lib/modes/at_most_once.ts";
import { everyoneExecutes, type LockResult, type Mode } from "../../lib/modes/mode.ts";
import { later } from "../backends/open.ts";
import { heldLock, LastingTrouble, MemoryLedger, PassingTrouble } from "../ledger/memory_ledger.ts";
import { FakeClock } from "../lock/fake_clock.ts";

const skips: Mode = async (lock, { wait, signal }) => ({
  outcome: "skipped",
  lock: (await lock.acquire(wait, signal))!,
  reason: "They have finished",
});

/** A lock that is free, and a ledger beside it. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly ledger = new MemoryLedger();
  readonly interrupt = new AbortController();
  /** How the lock was asked for, each time. */
  readonly waits: number[] = [];
  readonly retried: string[] = [];
  /** Whether another run has it from now on. */
  isTaken = false;
  given: { lock: HeldLock; lose: () => void }[] = [];
  givenBack = 0;
  readonly #io = { out: () => undefined, err: () => undefined, env: () => undefined };
  readonly #logger = new Logger(this.#io, { format: "text" }, "test");

  /** Tries for a turn. */
  turn(wait: number, rule: Partial<RecordingRule> = {}, mode: Mode = everyoneExecutes): Promise<LockResult> {
    const recorder = new Recorder(
      () => Promise.resolve(this.ledger),
      "the lock",
      { label: "l", host: "h", pid: 1, user: "u" },
      { countFailures: false, keepHistory: 1000, recordSkips: true, ...rule },
      this.#logger,
    );
    return later(
      atMostOnce(mode, recorder)(this.#lock, {
        wait,
        signal: this.interrupt.signal,
        logger: this.#logger,
        retrying: ({ message }: LockUnavailableError) => void this.retried.push(message),
      }),
    );
  }

  readonly #lock: Lock = {
    // deno-lint-ignore require-await
    acquire: async (wait) => {
      this.waits.push(wait);
      if (this.isTaken) return undefined;
      const given = heldLock({ release: () => Promise.resolve(void this.givenBack++) });
      this.given.push(given);
      return given.lock;
    },
    session: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  get outcomes(): readonly string[] {
    return this.ledger.runs.map(({ outcome }) => outcome);
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

Deno.test("the holder begins a run; a later one skips after a success, and says why", async () => {
  using bench = new Bench();
  const turn = await bench.turn(0, { once: "v1" });
  assert.ok(turn.outcome === "held" && turn.run);
  await turn.run.finish("succeeded", 0);
  const second = await bench.turn(0, { once: "v1" });
  assert.ok(second.outcome === "skipped");
  assert.match(second.reason, /^Already done for this key: run 1 /);
  assert.equal(second.lock, bench.given[1]!.lock);
  assert.deepEqual(bench.outcomes, ["succeeded", "skipped"]);
});

Deno.test("without the lock the ledger is not touched", async () => {
  using bench = new Bench();
  bench.isTaken = true;
  assert.deepEqual(await bench.turn(0), { outcome: "busy" });
  assert.deepEqual(bench.ledger.steps, []);
});

Deno.test("a run that skips anyway is recorded, and begins nothing", async () => {
  using bench = new Bench();
  const turn = await bench.turn(0, {}, skips);
  assert.ok(turn.outcome === "skipped");
  assert.equal(turn.reason, "They have finished");
  assert.deepEqual(bench.outcomes, ["skipped"]);
});

Deno.test("a transient ledger error is waited out within the wait, under the lock", async () => {
  using bench = new Bench();
  bench.ledger.fault = () => {
    if (bench.clock.now < 5000) throw new PassingTrouble();
  };
  const turn = bench.turn(10_000);
  await bench.clock.to(10_000);
  assert.equal((await turn).outcome, "held");
  assert.deepEqual(bench.waits, [10_000]);
  assert.ok(bench.retried.length > 1);
  assert.deepEqual(bench.outcomes, ["running"]);
});

Deno.test("a ledger error that outlasts the wait, is permanent, or comes with a wait of 0 is reported at once", async () => {
  const cases = [
    { wait: 10_000, trouble: PassingTrouble, at: 10_000 },
    { wait: 10_000, trouble: LastingTrouble, at: 0 },
    { wait: 0, trouble: PassingTrouble, at: 0 },
  ];
  for (const { wait, trouble, at } of cases) {
    using bench = new Bench();
    bench.ledger.fault = () => {
      throw new trouble();
    };
    let ended = -1;
    const turn = bench.turn(wait);
    turn.catch(() => ended = bench.clock.now);
    await bench.clock.to(60_000);
    await assert.rejects(turn, trouble);
    assert.equal(ended, at);
    // The caller releases it, by disposing of the lock.
    assert.equal(bench.givenBack, 0);
  }
});

Deno.test("a lock lost meanwhile is given up, and requested again for the rest of the wait", async () => {
  using bench = new Bench();
  const { clock, ledger, given } = bench;
  ledger.fault = () => {
    if (given.length === 1) throw new PassingTrouble();
  };
  const turn = bench.turn(10_000);
  await clock.to(4000);
  given[0]!.lose();
  await clock.to(4001);
  const got = await turn;
  assert.ok(got.outcome === "held");
  assert.equal(got.lock, given[1]!.lock);
  assert.deepEqual(bench.waits, [10_000, 6000]);
  assert.equal(bench.givenBack, 1);
  assert.deepEqual(bench.outcomes, ["running"]);
});

Deno.test("a lock that is lost and taken by another is busy: the command was not run", async () => {
  using bench = new Bench();
  const { clock, ledger, given } = bench;
  ledger.fault = () => new Promise(() => undefined);
  const turn = bench.turn(10_000);
  await clock.to(4000);
  bench.isTaken = true;
  given[0]!.lose();
  await clock.to(4001);
  assert.deepEqual(await turn, { outcome: "busy" });
  assert.deepEqual(bench.retried, ["Lock lost: the server has freed it"]);
});

Deno.test("a lost lock is not requested again after a signal", async () => {
  using bench = new Bench();
  bench.ledger.fault = () => new Promise(() => undefined);
  const turn = bench.turn(10_000);
  await bench.clock.to(4000);
  bench.interrupt.abort(new InterruptedError(15));
  bench.given[0]!.lose();
  await bench.clock.to(4001);
  await assert.rejects(turn, InterruptedError);
  assert.deepEqual(bench.waits, [10_000]);
});

Deno.test("with a wait of 0 a lost lock is not requested again", async () => {
  using bench = new Bench();
  bench.ledger.fault = () => new Promise(() => undefined);
  const turn = bench.turn(0);
  await bench.clock.to(1);
  bench.given[0]!.lose();
  await bench.clock.to(2);
  await assert.rejects(turn, { message: "Lock lost: the server has freed it" });
  assert.deepEqual(bench.waits, [0]);
});
