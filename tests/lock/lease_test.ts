/** How long a lock is ours, and by which clocks. */

import assert from "node:assert/strict";
import {
  canRenewInTime,
  DURABLE_BEATS_PER_TTL,
  endsAfter,
  graceOf,
  heartbeatOf,
  type LeaseTerms,
  minTtl,
  Moment,
  stopsAfter,
} from "../../lib/lock/lease.ts";
import { FakeClock } from "./fake_clock.ts";

const DAY = 86_400_000;

/** Terms, and what follows from them, in milliseconds. */
const TERMS: [LeaseTerms, { heartbeat: number; grace: number; stops: number; ends: number }][] = [
  [{ ttl: 3000, grace: 0 }, { heartbeat: 1000, grace: 0, stops: 2700, ends: 2700 }],
  [{ ttl: 3000, grace: 500 }, { heartbeat: 1000, grace: 500, stops: 2200, ends: 2700 }],
  [{ ttl: 3000, grace: 10_000 }, { heartbeat: 1000, grace: 1000, stops: 1700, ends: 2700 }],
  [{ ttl: 30_000, grace: 0 }, { heartbeat: 10_000, grace: 0, stops: 29_000, ends: 29_000 }],
  [{ ttl: 30_000, grace: 10_000 }, { heartbeat: 10_000, grace: 10_000, stops: 19_000, ends: 29_000 }],
  [{ ttl: 30_000, grace: 10 * DAY }, { heartbeat: 10_000, grace: 10_000, stops: 19_000, ends: 29_000 }],
  [{ ttl: DAY, grace: 10_000 }, { heartbeat: DAY / 3, grace: 10_000, stops: DAY - 11_000, ends: DAY - 1000 }],
  [{ ttl: DAY, grace: 10 * DAY }, { heartbeat: DAY / 3, grace: DAY / 3, stops: DAY * 2 / 3 - 1000, ends: DAY - 1000 }],
];

for (const [terms, expected] of TERMS) {
  Deno.test(`a TTL of ${terms.ttl} ms with a grace of ${terms.grace} ms`, () => {
    assert.deepEqual({
      heartbeat: heartbeatOf(terms),
      grace: graceOf(terms),
      stops: stopsAfter(terms),
      ends: endsAfter(terms),
    }, expected);
  });
}

Deno.test("a timely heartbeat is never too late for the lease", () => {
  for (const ttl of [3000, 3001, 9999, 30_000, DAY]) {
    for (const grace of [0, 1, 10_000, Infinity]) {
      const terms = { ttl, grace };
      assert.ok(heartbeatOf(terms) < stopsAfter(terms), `${ttl} ${grace}`);
      assert.ok(stopsAfter(terms) <= endsAfter(terms) && endsAfter(terms) < ttl, `${ttl} ${grace}`);
    }
  }
});

Deno.test("more beats change the rhythm, and nothing else", () => {
  for (const [terms, expected] of TERMS) {
    const more = { ...terms, beats: DURABLE_BEATS_PER_TTL };
    assert.deepEqual(
      { heartbeat: heartbeatOf(more), grace: graceOf(more), stops: stopsAfter(more), ends: endsAfter(more) },
      { ...expected, heartbeat: terms.ttl / 6 },
    );
  }
});

Deno.test("with more beats slower answers come in time, since the first request is sent earlier", () => {
  // Sent after 500 ms instead of 1000 ms; to be answered within 1700 ms.
  const terms = { ttl: 3000, grace: 10_000 };
  const more = { ...terms, beats: DURABLE_BEATS_PER_TTL };
  assert.deepEqual([699, 700].map((roundTrip) => canRenewInTime(terms, roundTrip)), [true, false]);
  assert.deepEqual([849, 850].map((roundTrip) => canRenewInTime(more, roundTrip)), [true, false]);
  assert.deepEqual([minTtl(terms, 800), minTtl(more, 800)], [4000, 3000]);
});

Deno.test("a moment's age follows the monotonic clock", () => {
  using clock = new FakeClock();
  clock.now = 700.5;
  const moment = new Moment();
  assert.equal(moment.age, 0);
  clock.now += 0.25;
  assert.equal(moment.age, 0.25);
  clock.now += 86_400_000;
  assert.equal(moment.age, 86_400_000.25);
});

// No test can put the machine to sleep.
Deno.test("a moment's age includes the machine's sleep, to within two seconds, and counts nothing twice", () => {
  using clock = new FakeClock();
  clock.now = 500_000;
  const moment = new Moment();
  // Whole seconds that are cut off may jump right away.
  clock.slept = 1999;
  assert.equal(moment.age, 0);
  clock.now += 700;
  assert.equal(moment.age, 1000);
  for (const [slept, awake] of [[100_000, 0], [0, 200_000], [100_000, 200_000]] as const) {
    const before: number = moment.age;
    clock.slept += slept;
    clock.now += awake;
    const more: number = moment.age - before;
    assert.ok(Math.abs(more - slept - awake) <= 2000, `${more} ms for ${slept} and ${awake} ms`);
  }
});

Deno.test("a moment does not follow the wall clock", () => {
  using clock = new FakeClock();
  const { now } = Date;
  const moment = new Moment();
  Date.now = () => now() + DAY;
  try {
    clock.now += 5;
    assert.equal(moment.age, 5);
  } finally {
    Date.now = now;
  }
});
