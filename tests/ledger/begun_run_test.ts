/** How the end of a run is recorded, come what may, on a clock that the test moves. */

import assert from "node:assert/strict";
import { InterruptedError, LockUnavailableError } from "../../lib/errors.ts";
import { begunRun, type LedgerRun } from "../../lib/ledger/begun_run.ts";
import type { Rule } from "../../lib/ledger/run.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { Logger } from "../../lib/log/logger.ts";
import { later } from "../backends/open.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { EPOCH, heldLock, LastingTrouble, MemoryLedger, PassingTrouble } from "./memory_ledger.ts";

const PLAIN: Rule = { countFailures: false, keepHistory: 60_000 };

/** A run that has begun, its ledger, and the messages. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly ledger = new MemoryLedger();
  readonly told: string[] = [];
  readonly interrupt = new AbortController();
  readonly run: LedgerRun;
  readonly lose: () => void;

  private constructor(id: bigint, ledger: MemoryLedger, rule: Rule, parts: Partial<HeldLock>) {
    this.ledger = ledger;
    const { lock, lose } = heldLock(parts);
    this.lose = lose;
    const io = {
      err: (text: string) => void this.told.push(text.trim()),
      out: () => undefined,
      env: () => undefined,
    };
    this.run = begunRun(id, lock, ledger, {
      rule,
      logger: new Logger(io, { format: "text" }, "test"),
      interrupted: this.interrupt.signal,
      lockFlags: "--name nightly",
    });
  }

  static async make(rule: Partial<Rule> = {}, parts: Partial<HeldLock> = {}): Promise<Bench> {
    const ledger = new MemoryLedger();
    const whole = { ...PLAIN, ...rule };
    const begun = await ledger.begin("the lock", { label: "l", host: "h", pid: 1, user: "u" }, whole);
    assert.ok(begun.granted);
    return new Bench(begun.id, ledger, whole, parts);
  }

  /** The line that an end comes to that is not recorded. */
  async unrecorded(ended: Promise<void>): Promise<string> {
    const error = await ended.then(() => assert.fail("it was recorded"), (error: unknown) => error);
    assert.ok(error instanceof LockUnavailableError, `${error}`);
    return error.message;
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

Deno.test("a transient error is waited out and reported once; the recorded end is the command's", async () => {
  using bench = await Bench.make();
  const { clock, ledger, run } = bench;
  ledger.fault = () => {
    if (clock.now < 60_000) throw new PassingTrouble();
  };
  await clock.to(1000);
  const ended = later(run.finish("succeeded", 0));
  await clock.to(64_000);
  await ended;
  const [{ outcome, finished } = {}] = ledger.runs;
  assert.deepEqual({ outcome, finished }, { outcome: "succeeded", finished: EPOCH + 1000 });
  assert.deepEqual(bench.told, [
    "sera: Cannot use the ledger: the disk is full; make room; trying to record the end of run 1 for another 5m at most, " +
    "while the lock is held.",
  ]);
});

Deno.test("an error is waited out for at most five minutes, since all waiters wait meanwhile", async () => {
  using bench = await Bench.make({ once: "v1" });
  const { clock, ledger, run } = bench;
  const tries: number[] = [];
  ledger.fault = () => {
    tries.push(clock.now);
    throw new PassingTrouble();
  };
  const line = later(bench.unrecorded(run.finish("succeeded", 0)));
  await clock.to(299_000);
  const before = tries.length;
  await clock.to(310_000);
  assert.equal(
    await line,
    "Cannot use the ledger: the disk is full; make room; " +
      "run 1 counts as abandoned, and the command may be run again; " +
      "the lock was held the whole time, so nobody else has run it; " +
      "if it must not run again, record a success in its place: sera --name nightly --once v1 0 true",
  );
  assert.ok(tries.length > before);
  // One after the end, so that what has passed by then is found.
  assert.ok(tries.at(-1)! >= 300_000 && tries.at(-2)! < 300_000);
  // Not a busy loop: two seconds between two tries at the most, one at the least, once it has gone on for a while.
  const pauses = tries.slice(10, -1).map((at, index) => at - tries[index + 9]!);
  assert.ok(pauses.every((pause) => pause >= 1000 && pause <= 3000), pauses.join());
});

Deno.test("a permanent error is reported at once, with the consequence for the rule", async () => {
  const followed: readonly (readonly [rule: Partial<Rule>, follows: RegExp])[] = [
    [{}, /counts as abandoned, and the command may be run again; the lock was held the whole time[^;]*$/],
    [{ every: 60_000 }, /; if it must not run again, record a success in its place: sera .* --every 1m 0 true$/],
    [
      { once: "v1", countFailures: true },
      /counts as abandoned, and may keep the command from being run again \(--count-failures\); the lock was [^;]*$/,
    ],
  ];
  for (const [rule, follows] of followed) {
    using bench = await Bench.make(rule);
    bench.ledger.fault = () => {
      throw new LastingTrouble();
    };
    const line = await bench.unrecorded(bench.run.finish("succeeded", 0));
    assert.match(line, /^Cannot use the ledger: INSERT denied; grant it; run 1 /);
    assert.match(line, follows);
    assert.equal(bench.ledger.steps.filter((step) => step === "finish").length, 1);
    assert.deepEqual(bench.told, []);
  }
});

Deno.test("after a failed run there is no advice to record a success", async () => {
  using bench = await Bench.make({ once: "v1" });
  bench.ledger.fault = () => {
    throw new LastingTrouble();
  };
  assert.doesNotMatch(await bench.unrecorded(bench.run.finish("failed", 1)), /record a success/);
});

Deno.test("a deleted run no longer counts, whatever the rule", async () => {
  using bench = await Bench.make({ once: "v1", countFailures: true });
  bench.ledger.runs = [];
  assert.match(
    await bench.unrecorded(bench.run.finish("succeeded", 0)),
    /^Cannot use the ledger: run 1 is gone, so the command may be run again; the lock was held .*; if it must not run/,
  );
});

Deno.test("a lock lost meanwhile ends the attempts; if that is unknown, the message says so", async () => {
  const known = [
    { parts: {}, outcome: "succeeded", when: "and another node may have run the command at the same time" },
    { parts: { heldToEnd: true }, outcome: "succeeded", when: "after the command had ended" },
    { parts: {}, outcome: "unstarted", when: "and the command was not run here" },
  ] as const;
  for (const { parts, outcome, when } of known) {
    using bench = await Bench.make({}, parts);
    const { clock, ledger, run } = bench;
    ledger.fault = () => {
      throw new PassingTrouble();
    };
    const line = later(bench.unrecorded(run.finish(outcome, 0)));
    await clock.to(5000);
    const tries = ledger.steps.length;
    bench.lose();
    await clock.to(5001);
    assert.match(await line, new RegExp(`; the lock was lost meanwhile, ${when}; sera history shows whether`));
    await clock.to(400_000);
    assert.equal(ledger.steps.length, tries);
  }
});

Deno.test("a silent server is waited for no longer than the lock is held", async () => {
  using bench = await Bench.make();
  bench.ledger.fault = () => new Promise(() => undefined);
  const line = later(bench.unrecorded(bench.run.finish("succeeded", 0)));
  await bench.clock.to(1000);
  bench.lose();
  await bench.clock.to(1001);
  assert.match(await line, /^Lock lost: the server has freed it; run 1 counts as abandoned/);
});

Deno.test("a signal ends the attempts: the lock was held until then", async () => {
  using bench = await Bench.make();
  const { clock, ledger, run } = bench;
  ledger.fault = () => {
    throw new PassingTrouble();
  };
  const line = later(bench.unrecorded(run.finish("failed", 1)));
  await clock.to(5000);
  bench.interrupt.abort(new InterruptedError(15));
  await clock.to(5001);
  assert.match(await line, /; the lock was held the whole time, so nobody else has run it$/);
});

Deno.test("a line that cannot be logged does not prevent recording the end", async () => {
  using bench = await Bench.make();
  const { clock, ledger } = bench;
  const broken = {
    err: () => {
      throw new Error("broken pipe");
    },
    out: () => undefined,
    env: () => undefined,
  };
  const { lock } = heldLock();
  const run = begunRun(1n, lock, ledger, {
    rule: PLAIN,
    logger: new Logger(broken, { format: "text" }, "test"),
    interrupted: bench.interrupt.signal,
    lockFlags: undefined,
  });
  ledger.fault = () => {
    if (clock.now < 500) throw new PassingTrouble();
  };
  const ended = later(run.finish("succeeded", 0));
  await clock.to(5000);
  await ended;
  assert.equal(ledger.runs[0]!.outcome, "succeeded");
});
