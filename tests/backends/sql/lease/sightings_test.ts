import assert from "node:assert/strict";
import type { Lease } from "../../../../lib/backends/sql/lease/row.ts";
import { sightingOf, withLeases } from "../../../../lib/backends/sql/lease/sightings.ts";
import type { Sighting } from "../../../../lib/who/sighting.ts";

const LOCK = "5373fa7de6f7dd54052abf86b3a53da4";
const TTL = 30_000;
const MARGIN = 5000;

const LEASE: Lease = {
  lock: LOCK,
  owner: "a".repeat(32),
  fence: 7n,
  beat: 3n,
  ttl: TTL,
  left: 25_000,
  host: "web1",
  pid: 4711,
  label: "backup",
  since: 1000,
};

/** A holder of the session's lock. */
const SESSION: Sighting = {
  lock: LOCK,
  state: "held",
  host: "web1",
  pid: 4711,
  label: "backup",
  since: 500,
  sinceIs: "connected",
  user: "sera",
  session: 42,
  runId: 12n,
};

function merged(sightings: readonly Sighting[], leases: readonly Lease[]): readonly Sighting[] {
  return withLeases({ sightings, otherSessions: [] }, leases, 0).sightings;
}

Deno.test("a process with session lock and lease is one holder, with the lease's time and its session", () => {
  const expected = { ...SESSION, since: 1000, sinceIs: "acquired", namespace: undefined, name: undefined };
  const lease = { token: 7n, left: 25_000, silent: 5000, freeIn: 30_000 };
  assert.deepEqual(merged([SESSION], [LEASE]), [{ ...expected, address: undefined, lease }]);
  // The session may show only a half of the name.
  assert.deepEqual(merged([{ ...SESSION, lock: LOCK.slice(0, 16) }], [LEASE]).map(({ lock }) => lock), [LOCK]);
});

Deno.test("a session that holds the session lock of another's lease is a waiter", () => {
  const states = merged([{ ...SESSION, host: "web2" }, { ...SESSION, state: "waiting", host: "web3" }], [LEASE])
    .map(({ host, state, sinceIs, lease }) => [host, state, sinceIs, lease?.token]);
  assert.deepEqual(states, [
    ["web2", "waiting", "waiting", undefined],
    ["web3", "waiting", "connected", undefined],
    ["web1", "held", "acquired", 7n],
  ]);
});

Deno.test("an unidentified session counts as the holder's, as long as the lease is renewed", () => {
  const unknown = { ...SESSION, host: undefined, pid: undefined, label: undefined };
  const states = (left: number) => merged([unknown], [{ ...LEASE, left }]).map(({ state, host }) => [state, host]);
  assert.deepEqual(states(TTL - 10_000), [["held", "web1"]]);
  assert.deepEqual(states(TTL - 10_001), [["waiting", undefined], ["held", "web1"]]);
});

Deno.test("a lease that may be taken over has no holder, unless a session holds the session lock", () => {
  const holders = (left: number, sessions: readonly Sighting[] = []) =>
    merged(sessions, [{ ...LEASE, left }]).filter(({ state }) => state === "held").length;
  assert.equal(holders(-MARGIN + 1), 1);
  assert.equal(holders(-MARGIN), 0);
  assert.equal(holders(-10 * MARGIN, [{ ...SESSION, host: "web2" }]), 1);
  // It may be stopped, and go on.
  assert.equal(holders(-10 * MARGIN, [SESSION]), 1);
});

Deno.test("where servers have their own clocks, a lease counts as held for another TTL", () => {
  assert.deepEqual(sightingOf(LEASE).lease!.freeIn - sightingOf(LEASE, 0).lease!.freeIn, TTL);
  const { sightings } = withLeases({ sightings: [], otherSessions: [] }, [{ ...LEASE, left: -MARGIN - 1000 }], 1);
  assert.equal(sightings.length, 1);
  // By one that is behind, the lease was renewed in the future.
  assert.equal(sightingOf({ ...LEASE, left: TTL + 2000 }).lease!.silent, 0);
});

Deno.test("a lock without a lease is shown as before", () => {
  assert.deepEqual(merged([SESSION], []), [SESSION]);
  assert.deepEqual(
    merged([SESSION], [{ ...LEASE, lock: "f".repeat(32) }]).map(({ host, lease }) => [host, lease?.token]),
    [
      ["web1", undefined],
      ["web1", 7n],
    ],
  );
});
