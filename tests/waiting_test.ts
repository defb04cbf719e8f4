import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { MAX_TIMER_DELAY } from "../lib/deadline.ts";
import {
  aborted,
  delayOrAbort,
  elapsed,
  firstOf,
  listening,
  onAbort,
  onEvent,
  settled,
  TimeLimit,
  within,
} from "../lib/waiting.ts";
import { CountedSignal } from "./counted_signal.ts";
import { FakeClock } from "./lock/fake_clock.ts";

const never = new Promise<never>(() => undefined);

/** The causes of a wait that is tried with each of them as the first one. */
function causes(signal: CountedSignal, emitter: EventEmitter, promise: Promise<string>) {
  return firstOf<string>(
    settled(promise),
    aborted(signal.signal, ({ reason }) => reason),
    elapsed(1000, () => "time"),
    (resolve) => onEvent(emitter, "event", resolve),
  );
}

for (const first of ["promise", "signal", "time", "event"]) {
  Deno.test(`the first of several causes ends a wait, and leaves no timer and no listener behind: ${first}`, async () => {
    using clock = new FakeClock();
    const signal = new CountedSignal();
    const emitter = new EventEmitter();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waited = causes(signal, emitter, promise);
    assert.deepEqual([clock.pending, signal.listeners, emitter.listenerCount("event")], [1, 1, 1]);
    if (first === "promise") resolve("promise");
    else if (first === "signal") signal.abort("signal");
    else if (first === "event") emitter.emit("event", "event");
    else await clock.to(1000);
    assert.equal(await waited, first);
    assert.deepEqual([clock.pending, signal.listeners, emitter.listenerCount("event")], [0, 0, 0]);
  });
}

Deno.test("later causes change nothing", async () => {
  using clock = new FakeClock();
  const signal = new CountedSignal();
  const emitter = new EventEmitter();
  const { promise, reject } = Promise.withResolvers<string>();
  const waited = causes(signal, emitter, promise);
  emitter.emit("event", "event");
  emitter.emit("event", "again");
  signal.abort("signal");
  // It is heard all the same: nobody else may hear it.
  reject(new Error("too late"));
  await clock.to(2000);
  assert.equal(await waited, "event");
});

Deno.test("a wait fails with its first cause's error, and leaves nothing behind", async () => {
  using clock = new FakeClock();
  const failure = new Error("failed");
  const fail = () => {
    throw failure;
  };
  for (const cause of [settled(Promise.reject(failure)), aborted(AbortSignal.abort(), fail), elapsed(5, fail), fail]) {
    const signal = new CountedSignal();
    const waited = firstOf(aborted(signal.signal, () => "signal"), cause);
    waited.catch(() => undefined);
    await clock.to(clock.now + 5);
    await assert.rejects(waited, failure);
    assert.deepEqual([clock.pending, signal.listeners], [0, 0]);
  }
});

Deno.test("causes after one that has already fired are not started", async () => {
  const waited = firstOf(
    aborted(AbortSignal.abort("fired"), ({ reason }) => reason),
    () => assert.fail("begun"),
  );
  assert.equal(await waited, "fired");
});

Deno.test("a cause that fires while starting is cleaned up, too", async () => {
  let stopped = 0;
  const waited = firstOf<string>((resolve) => {
    resolve("at once");
    return () => void stopped++;
  });
  assert.equal(await waited, "at once");
  assert.equal(stopped, 1);
});

Deno.test("a delay lasts as long as requested", async () => {
  using clock = new FakeClock();
  let isOver = false;
  delayOrAbort(80).then(() => isOver = true);
  await clock.to(79);
  assert.equal(isOver, false);
  await clock.to(80);
  await Promise.resolve();
  assert.equal(isOver, true);
});

Deno.test("a delay ends as soon as one of the signals fires, and leaves nothing behind", async () => {
  using clock = new FakeClock();
  const [one, other] = [new CountedSignal(), new CountedSignal()];
  const delay = delayOrAbort(Infinity, one.signal, other.signal);
  assert.equal(clock.pending, 1);
  other.abort();
  await delay;
  assert.deepEqual([clock.pending, one.listeners, other.listeners], [0, 0, 0]);
});

Deno.test("a delay with an aborted signal ends at once", async () => {
  using clock = new FakeClock();
  await delayOrAbort(Infinity, AbortSignal.abort());
  assert.equal(clock.pending, 0);
});

Deno.test("a delay does not end sooner if its timers fire early", async () => {
  const { setTimeout } = globalThis;
  const delays: number[] = [];
  const abort = new AbortController();
  try {
    // The runtime's may fire a trifle early; this one fires at once.
    globalThis.setTimeout = ((callback: () => void, delay: number) => {
      delays.push(delay);
      return setTimeout(delays.length === 3 ? () => abort.abort() : callback, 0);
    }) as typeof setTimeout;
    await delayOrAbort(2 ** 40, abort.signal);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  // One that is longer than a timer takes goes through several.
  assert.deepEqual(delays, [MAX_TIMER_DELAY, MAX_TIMER_DELAY, MAX_TIMER_DELAY]);
});

for (const delay of [MAX_TIMER_DELAY, MAX_TIMER_DELAY + 1, 2 ** 40, Infinity]) {
  Deno.test(`a delay never uses a timer that is too long and would fire at once: ${delay} ms`, async () => {
    using clock = new FakeClock();
    const abort = new AbortController();
    let isOver = false;
    const waited = delayOrAbort(delay, abort.signal).then(() => isOver = true);
    await clock.to(MAX_TIMER_DELAY);
    await Promise.resolve();
    assert.equal(isOver, delay === MAX_TIMER_DELAY);
    assert.equal(clock.pending, delay === MAX_TIMER_DELAY ? 0 : 1);
    abort.abort();
    await waited;
  });
}

Deno.test("a promise gets the given time", async () => {
  using clock = new FakeClock();
  assert.equal(await within(50, Promise.resolve("given")), "given");
  assert.equal(clock.pending, 0);
  const waited = within(50, never);
  await clock.to(50);
  assert.equal(await waited, undefined);
  await assert.rejects(within(50, Promise.reject(new Error("failed"))), /failed/);
  assert.equal(await within(Infinity, Promise.resolve("given")), "given");
  assert.equal(clock.pending, 0);
});

Deno.test("a time limit fires with its reason, unless it is disposed of", async () => {
  using clock = new FakeClock();
  using late = new TimeLimit(50, () => "too late");
  {
    using early = new TimeLimit(50, () => assert.fail("disposed of"));
    assert.equal(early.signal.aborted, false);
  }
  assert.equal(clock.pending, 1);
  await clock.to(49);
  assert.equal(late.signal.aborted, false);
  await clock.to(50);
  assert.equal(late.signal.reason, "too late");
});

Deno.test("an action waits for a signal until it is disposed of", () => {
  const signal = new CountedSignal();
  const did: string[] = [];
  {
    using _ = listening(signal.signal, () => did.push("too late"));
    assert.equal(signal.listeners, 1);
  }
  assert.equal(signal.listeners, 0);
  onAbort(signal.signal, () => did.push("at the signal"));
  signal.abort();
  onAbort(signal.signal, () => did.push("at once"));
  assert.deepEqual(did, ["at the signal", "at once"]);
});
