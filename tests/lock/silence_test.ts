/** For how long a lease has to be silent to be taken over, on a clock that the test moves. */

import assert from "node:assert/strict";
import { endsAfter } from "../../lib/lock/lease.ts";
import { marginOf, Silence, type Watched } from "../../lib/lock/silence.ts";
import { FakeClock } from "./fake_clock.ts";

const LEASE: Watched = { owner: "0123456789abcdef0123456789abcdef", fence: 5n, beat: 12n, ttl: 3000 };

for (const [ttl, margin] of [[1000, 1000], [3000, 1000], [6000, 1000], [6006, 1001], [30_000, 5000]] as const) {
  Deno.test(`the margin of a ttl of ${ttl} ms is ${margin} ms`, () => {
    assert.equal(marginOf(ttl), margin);
    // A holder's clock may run a tenth slower than the waiter's.
    assert.ok(ttl + marginOf(ttl) > 1.1 * endsAfter({ ttl, grace: 0 }));
  });
}

Deno.test("a lease may be taken over when it has been silent for its ttl and the margin, as it was seen", () => {
  using clock = new FakeClock();
  clock.now = 777;
  const silence = new Silence();
  silence.saw(LEASE);
  for (const passed of [0, 1, 2000, 3999.5]) {
    clock.now = 777 + passed;
    if (passed === 2000) silence.saw({ ...LEASE });
    assert.equal(silence.lasted(), passed);
    assert.equal(silence.left(), 4000 - passed);
    assert.equal(silence.over(), undefined);
  }
  clock.now = 777 + 4000;
  assert.equal(silence.left(), 0);
  assert.deepEqual(silence.over(), LEASE);
  clock.now += 86_400_000;
  assert.equal(silence.left(), 0);
  assert.deepEqual(silence.over(), LEASE);
});

const CHANGES: readonly (readonly [what: string, now: Watched])[] = [
  ["a renewal", { ...LEASE, beat: 13n }],
  ["a new holder", { ...LEASE, owner: "f".repeat(32), fence: 6n, beat: 13n }],
  ["another owner", { ...LEASE, owner: "f".repeat(32) }],
  ["another token", { ...LEASE, fence: 6n }],
  ["another ttl", { ...LEASE, ttl: 3001 }],
  ["an earlier beat, from a node that lags behind", { ...LEASE, beat: 11n }],
];

for (const [what, now] of CHANGES) {
  Deno.test(`the silence begins anew with ${what}`, () => {
    using clock = new FakeClock();
    const silence = new Silence();
    silence.saw(LEASE);
    clock.now = 3999;
    silence.saw(now);
    assert.equal(silence.lasted(), 0);
    clock.now = 3999 + now.ttl + 999;
    assert.equal(silence.over(), undefined);
    clock.now += 1;
    assert.equal(silence.over(), now);
    // What was there before does not count when it comes back.
    silence.saw(LEASE);
    assert.equal(silence.lasted(), 0);
  });
}

Deno.test("nobody's lease is not waited for, and ends a silence", () => {
  using clock = new FakeClock();
  const silence = new Silence();
  const nothing = { lasted: 0, left: 0, over: undefined };
  const said = () => ({ lasted: silence.lasted(), left: silence.left(), over: silence.over() });
  assert.deepEqual(said(), nothing);
  silence.saw(LEASE);
  clock.now = 5000;
  silence.saw(undefined);
  assert.deepEqual(said(), nothing);
  clock.now = 6000;
  silence.saw(LEASE);
  assert.deepEqual(said(), { lasted: 0, left: 4000, over: undefined });
});

Deno.test("a silence counts from when the answer came, if that was told later", () => {
  using clock = new FakeClock();
  const silence = new Silence();
  clock.now = 500;
  silence.saw(LEASE, 300);
  assert.equal(silence.lasted(), 200);
  assert.equal(silence.over(4299), undefined);
  assert.equal(silence.over(4300), LEASE);
});

Deno.test("what the waiter's machine has slept does not count, nor does a clock that is set", () => {
  using clock = new FakeClock();
  const silence = new Silence();
  silence.saw(LEASE);
  clock.now = 1000;
  clock.slept = 3_600_000;
  const { now } = Date;
  Date.now = () => now() + 86_400_000;
  try {
    silence.saw(LEASE);
    assert.equal(silence.lasted(), 1000);
    assert.equal(silence.over(), undefined);
  } finally {
    Date.now = now;
  }
});

Deno.test("a waiter that was stopped between two looks that show the same beat has seen silence", () => {
  using clock = new FakeClock();
  const silence = new Silence();
  silence.saw(LEASE);
  // Nothing runs meanwhile, as with SIGSTOP.
  clock.now = 45_000;
  silence.saw(LEASE);
  assert.equal(silence.over(), LEASE);
});
