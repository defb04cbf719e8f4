/** How long a lease must be unchanged before it may be taken over, on a fake clock. */

import assert from "node:assert/strict";
import { endsAfter } from "../../lib/lock/lease.ts";
import { ExpiryWatch, marginOf, type ObservedLease } from "../../lib/lock/expiry_watch.ts";
import { FakeClock } from "./fake_clock.ts";

const LEASE: ObservedLease = { owner: "0123456789abcdef0123456789abcdef", fence: 5n, beat: 12n, ttl: 3000 };

for (const [ttl, margin] of [[1000, 1000], [3000, 1000], [6000, 1000], [6006, 1001], [30_000, 5000]] as const) {
  Deno.test(`the margin of a ttl of ${ttl} ms is ${margin} ms`, () => {
    assert.equal(marginOf(ttl), margin);
    // A holder's clock may run a tenth slower than the waiter's.
    assert.ok(ttl + marginOf(ttl) > 1.1 * endsAfter({ ttl, grace: 0 }));
  });
}

Deno.test("a lease may be taken over once it has been unchanged for its ttl plus the margin", () => {
  using clock = new FakeClock();
  clock.now = 777;
  const expiry = new ExpiryWatch();
  expiry.observe(LEASE);
  for (const passed of [0, 1, 2000, 3999.5]) {
    clock.now = 777 + passed;
    if (passed === 2000) expiry.observe({ ...LEASE });
    assert.equal(expiry.unchangedFor(), passed);
    assert.equal(expiry.remaining(), 4000 - passed);
    assert.equal(expiry.expired(), undefined);
  }
  clock.now = 777 + 4000;
  assert.equal(expiry.remaining(), 0);
  assert.deepEqual(expiry.expired(), LEASE);
  clock.now += 86_400_000;
  assert.equal(expiry.remaining(), 0);
  assert.deepEqual(expiry.expired(), LEASE);
});

const CHANGES: readonly (readonly [what: string, now: ObservedLease])[] = [
  ["a renewal", { ...LEASE, beat: 13n }],
  ["a new holder", { ...LEASE, owner: "f".repeat(32), fence: 6n, beat: 13n }],
  ["another owner", { ...LEASE, owner: "f".repeat(32) }],
  ["another token", { ...LEASE, fence: 6n }],
  ["another ttl", { ...LEASE, ttl: 3001 }],
  ["an earlier beat, from a node that lags behind", { ...LEASE, beat: 11n }],
];

for (const [what, now] of CHANGES) {
  Deno.test(`the time restarts with ${what}`, () => {
    using clock = new FakeClock();
    const expiry = new ExpiryWatch();
    expiry.observe(LEASE);
    clock.now = 3999;
    expiry.observe(now);
    assert.equal(expiry.unchangedFor(), 0);
    clock.now = 3999 + now.ttl + 999;
    assert.equal(expiry.expired(), undefined);
    clock.now += 1;
    assert.equal(expiry.expired(), now);
    // An earlier state that comes back does not count.
    expiry.observe(LEASE);
    assert.equal(expiry.unchangedFor(), 0);
  });
}

Deno.test("a free lease needs no wait, and resets the time", () => {
  using clock = new FakeClock();
  const expiry = new ExpiryWatch();
  const nothing = { lasted: 0, left: 0, over: undefined };
  const said = () => ({ lasted: expiry.unchangedFor(), left: expiry.remaining(), over: expiry.expired() });
  assert.deepEqual(said(), nothing);
  expiry.observe(LEASE);
  clock.now = 5000;
  expiry.observe(undefined);
  assert.deepEqual(said(), nothing);
  clock.now = 6000;
  expiry.observe(LEASE);
  assert.deepEqual(said(), { lasted: 0, left: 4000, over: undefined });
});

Deno.test("the time counts from the arrival of the answer, even if it is processed later", () => {
  using clock = new FakeClock();
  const expiry = new ExpiryWatch();
  clock.now = 500;
  expiry.observe(LEASE, 300);
  assert.equal(expiry.unchangedFor(), 200);
  assert.equal(expiry.expired(4299), undefined);
  assert.equal(expiry.expired(4300), LEASE);
});

Deno.test("the time that the waiter's machine sleeps does not count, nor do changes of the wall clock", () => {
  using clock = new FakeClock();
  const expiry = new ExpiryWatch();
  expiry.observe(LEASE);
  clock.now = 1000;
  clock.slept = 3_600_000;
  const { now } = Date;
  Date.now = () => now() + 86_400_000;
  try {
    expiry.observe(LEASE);
    assert.equal(expiry.unchangedFor(), 1000);
    assert.equal(expiry.expired(), undefined);
  } finally {
    Date.now = now;
  }
});

Deno.test("time while the waiter was stopped between two reads of the same beat counts", () => {
  using clock = new FakeClock();
  const expiry = new ExpiryWatch();
  expiry.observe(LEASE);
  // No code runs in this time, as with SIGSTOP.
  clock.now = 45_000;
  expiry.observe(LEASE);
  assert.equal(expiry.expired(), LEASE);
});
