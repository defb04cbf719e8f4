import assert from "node:assert/strict";
import { Deadline, delayOrAbort } from "../lib/deadline.ts";
import { until } from "./cli/wait.ts";

const never = new AbortController().signal;

Deno.test("a deadline counts down and stays at zero", async () => {
  const deadline = new Deadline(50);
  assert.ok(deadline.remaining > 0 && deadline.remaining <= 50);
  assert.equal(deadline.passed, false);
  await until("it has passed", () => deadline.passed);
  assert.equal(deadline.remaining, 0);
});

Deno.test("a deadline of no time has passed, and an endless one never does", () => {
  assert.equal(new Deadline(0).passed, true);
  assert.equal(new Deadline(Infinity).passed, false);
  assert.equal(new Deadline(Infinity).remaining, Infinity);
});

Deno.test("a deadline does not follow the wall clock", () => {
  const now = Date.now;
  try {
    const deadline = new Deadline(60_000);
    Date.now = () => now() + 3600_000;
    assert.equal(deadline.passed, false);
  } finally {
    Date.now = now;
  }
});

Deno.test("a delay takes its time", async () => {
  const began = performance.now();
  await delayOrAbort(80, never);
  // Timers may fire a trifle early.
  assert.ok(performance.now() - began >= 79);
});

Deno.test("a delay ends as soon as the signal fires", async () => {
  const abort = new AbortController();
  const delay = delayOrAbort(Infinity, abort.signal);
  abort.abort();
  await delay;
});

Deno.test("a delay with an aborted signal is none", async () => {
  await delayOrAbort(Infinity, AbortSignal.abort());
});

for (const delay of [2 ** 31 - 1, 2 ** 31, 2 ** 40, Infinity]) {
  Deno.test(`a delay longer than a timer takes does not end at once: ${delay} ms`, async () => {
    const abort = new AbortController();
    let over = false;
    const waited = delayOrAbort(delay, abort.signal).then(() => over = true);
    await delayOrAbort(30, never);
    assert.equal(over, false);
    abort.abort();
    await waited;
  });
}

Deno.test("a delay longer than a timer takes goes through several timers", async () => {
  const { setTimeout } = globalThis;
  const delays: number[] = [];
  const abort = new AbortController();
  try {
    globalThis.setTimeout = ((callback: () => void, delay: number) => {
      delays.push(delay);
      if (delays.length === 3) abort.abort();
      return setTimeout(callback, 0);
    }) as typeof setTimeout;
    await delayOrAbort(2 ** 40, abort.signal);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert.equal(delays.length, 3);
  for (const delay of delays) assert.equal(delay, 2 ** 31 - 1);
});

Deno.test("delays leave no listeners on a signal that lives on", async () => {
  const abort = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = abort.signal;
  abort.signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, abort.signal, args);
  };
  abort.signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, abort.signal, args);
  };
  for (let times = 0; times < 3; times++) await delayOrAbort(1, abort.signal);
  assert.equal(listeners, 0);
});
