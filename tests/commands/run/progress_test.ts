import assert from "node:assert/strict";
import { LockUnavailableError, SeraFailedError, UsageError } from "../../../lib/errors.ts";
import { Progress } from "../../../lib/commands/run/progress.ts";

/** Longer than any event takes to be dispatched. */
const TURN = 1;

type Told = { readonly message: string; readonly exitCode: number };

/** Kinds of uncaught errors. */
const UNCAUGHT: Record<string, (error: unknown) => void> = {
  "thrown in a timer": (error) => {
    setTimeout(() => {
      throw error;
    });
  },
  "thrown in a microtask": (error) =>
    queueMicrotask(() => {
      throw error;
    }),
  "thrown by a listener": (error) => {
    const controller = new AbortController();
    controller.signal.addEventListener("abort", () => {
      throw error;
    });
    controller.abort();
  },
  "in an unhandled rejection": (error) => {
    Promise.reject(error);
  },
};

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TURN));
  await new Promise((resolve) => setTimeout(resolve, TURN));
}

for (const [how, raise] of Object.entries(UNCAUGHT)) {
  Deno.test(`an error ${how} before the start ends in 202, and nothing is started`, async () => {
    const told: Told[] = [];
    using progress = new Progress((verdict) => told.push(verdict));
    const code = progress.of(new Promise<number>(() => undefined));
    progress.throwIfGivenUp();
    raise(new TypeError("odd\nin several lines"));
    assert.equal(await code, 202);
    assert.deepEqual(told.map(({ exitCode }) => exitCode), [202]);
    assert.match(told[0]!.message, /^Unexpected error, please report it: TypeError at [^\n]+$/);
    assert.throws(() => progress.throwIfGivenUp());
    assert.equal(progress.failed.aborted, false);
  });

  Deno.test(`an error ${how} while the command runs stops it with 208, once`, async () => {
    const told: Told[] = [];
    using progress = new Progress((verdict) => told.push(verdict));
    let over = false;
    progress.of(new Promise<number>(() => undefined)).then(() => over = true);
    progress.started();
    raise(new TypeError("odd"));
    await turn();
    const { reason } = progress.failed;
    assert.ok(reason instanceof SeraFailedError);
    assert.equal(reason.exitCode, 208);
    assert.match(reason.message, /^Unexpected error while the command ran, please report it: TypeError at [^\n]+$/);
    // Who stops the command tells of the first one.
    assert.equal(told.length, 0);
    raise(new RangeError("second"));
    await turn();
    assert.equal(progress.failed.reason, reason);
    assert.match(told[0]!.message, /RangeError at/);
    assert.equal(over, false);
  });

  Deno.test(`an error ${how} after the command's end is reported, and the exit code is kept`, async () => {
    const told: Told[] = [];
    using progress = new Progress((verdict) => told.push(verdict));
    let finish = (_code: number) => {};
    const code = progress.of(new Promise<number>((resolve) => finish = resolve));
    progress.started();
    progress.ended(3);
    raise(new TypeError("odd"));
    await turn();
    assert.deepEqual(told.map(({ exitCode }) => exitCode), [3]);
    assert.match(
      told[0]!.message,
      /^Unexpected error, please report it: TypeError at [^\n]+; the command had already ended$/,
    );
    assert.equal(progress.failed.aborted, false);
    finish(3);
    assert.equal(await code, 3);
  });
}

Deno.test("the exit code of a thrown error depends on the progress of the run", () => {
  using progress = new Progress(() => undefined);
  assert.equal(progress.verdictOf(new UsageError("wrong")).exitCode, 201);
  assert.equal(progress.verdictOf(undefined).exitCode, 202);
  progress.started();
  // Also what would say by itself that the command did not run.
  for (const error of [new LockUnavailableError("gone"), new UsageError("wrong"), undefined, "text"]) {
    assert.equal(progress.verdictOf(error).exitCode, 208);
  }
  progress.ended(0);
  assert.deepEqual(progress.verdictOf(new LockUnavailableError("gone")), {
    message: "gone; the command had already ended",
    exitCode: 0,
  });
});

Deno.test("a program with a single failure code uses it until the command is started", () => {
  using progress = new Progress(() => undefined, 1);
  assert.equal(progress.verdictOf(new UsageError("wrong")).exitCode, 1);
  progress.ended(7);
  assert.equal(progress.verdictOf(new Error("odd")).exitCode, 7);
});
