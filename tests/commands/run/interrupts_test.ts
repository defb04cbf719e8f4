import assert from "node:assert/strict";
import { interruptible, unlessInterrupted } from "../../../lib/commands/run/interrupts.ts";
import { InterruptedError, LockUnavailableError } from "../../../lib/errors.ts";
import { FakePlace } from "../fake_place.ts";

Deno.test("without an interruption the result is returned", async () => {
  using place = new FakePlace(true);
  assert.equal(await unlessInterrupted(place.logger, () => Promise.resolve(3)), 3);
  assert.deepEqual(place.events, []);
});

Deno.test("a signal becomes 128 and its number, reported when verbose", async () => {
  using place = new FakePlace(true);
  assert.equal(await unlessInterrupted(place.logger, () => Promise.reject(new InterruptedError(2))), 130);
  assert.deepEqual(place.events, ["Interrupted by signal 2 - the command was not executed."]);
});

Deno.test("another error is passed on", async () => {
  using place = new FakePlace(true);
  const other = new LockUnavailableError("no server");
  await assert.rejects(unlessInterrupted(place.logger, () => Promise.reject(other)), other);
  assert.deepEqual(place.events, []);
});

Deno.test("work that a signal aborts fails with the signal", async () => {
  const reason = new InterruptedError(15);
  const other = new LockUnavailableError("given up");
  await assert.rejects(interruptible(AbortSignal.abort(reason), () => Promise.reject(other)), reason);
  await assert.rejects(interruptible(new AbortController().signal, () => Promise.reject(other)), other);
  // What succeeds all the same stands: it may be a lock.
  assert.equal(await interruptible(AbortSignal.abort(reason), () => Promise.resolve("a lock")), "a lock");
});
