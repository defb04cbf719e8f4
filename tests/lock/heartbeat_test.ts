/** The rhythm of renewals, on a clock that the test moves. */

import assert from "node:assert/strict";
import { messageOf } from "../../lib/errors.ts";
import { Heartbeat } from "../../lib/lock/heartbeat.ts";
import { FakeClock } from "./fake_clock.ts";

/** When the beats are sent, on a server that takes so long to answer. */
async function sentAt(took: number, { since = 0, until }: { since?: number; until: number }): Promise<number[]> {
  using clock = new FakeClock();
  const sent: number[] = [];
  using _heartbeat = new Heartbeat(
    1000,
    () => {
      sent.push(clock.now);
      return new Promise((resolve) => setTimeout(resolve, took));
    },
    (error) => assert.fail(messageOf(error)),
    since,
  );
  await clock.to(until);
  return sent;
}

Deno.test("the interval counts from one request to the next, however long the answers take", async () => {
  assert.deepEqual(await sentAt(0, { until: 3500 }), [1000, 2000, 3000]);
  assert.deepEqual(await sentAt(500, { until: 3500 }), [1000, 2000, 3000]);
  assert.deepEqual(await sentAt(999, { until: 3500 }), [1000, 2000, 3000]);
});

Deno.test("an answer that takes longer than the interval is followed by the next beat at once", async () => {
  assert.deepEqual(await sentAt(1400, { until: 4000 }), [1000, 2400, 3800]);
});

Deno.test("the first beat is counted from what came before it", async () => {
  assert.deepEqual(await sentAt(500, { since: 500, until: 2600 }), [500, 1500, 2500]);
  assert.deepEqual(await sentAt(500, { since: 5000, until: 1200 }), [0, 1000]);
});

Deno.test("a failed beat is reported once and is the last", async () => {
  using clock = new FakeClock();
  const told: string[] = [];
  let beats = 0;
  const fail = () => {
    beats++;
    return Promise.reject(new Error("gone"));
  };
  using _heartbeat = new Heartbeat(1000, fail, (error) => told.push(messageOf(error)));
  await clock.to(5000);
  assert.deepEqual({ beats, told }, { beats: 1, told: ["gone"] });
});

Deno.test("after disposal there is no beat and no report", async () => {
  using clock = new FakeClock();
  const told: unknown[] = [];
  let beats = 0;
  const slow = () => {
    beats++;
    return new Promise<void>((_, reject) => setTimeout(() => reject(new Error("gone")), 500));
  };
  const heartbeat = new Heartbeat(1000, slow, (error) => told.push(error));
  await clock.to(1200);
  heartbeat[Symbol.dispose]();
  await clock.to(5000);
  assert.deepEqual({ beats, told }, { beats: 1, told: [] });
});
