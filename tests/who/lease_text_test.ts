import assert from "node:assert/strict";
import { expiryText, isSilent, silenceText } from "../../lib/who/lease_text.ts";
import type { SeenLease, Sighting } from "../../lib/who/sighting.ts";
import { holderFields } from "../../lib/who/log_fields.ts";
import { holderText } from "../../lib/who/holder_text.ts";
import { seenJson } from "../../lib/who/report.ts";
import { sightingsTable } from "../../lib/who/tables.ts";

const TTL = 30_000;

/** A lease that was renewed so long ago, where one server has one clock. */
function lease(silent: number): SeenLease {
  return { token: 7n, left: TTL - silent, silent, freeIn: TTL - silent + 5000 };
}

const NOW = Date.UTC(2026, 10, 22, 10, 3, 25, 900);
const HELD: Sighting = {
  lock: "5373fa7de6f7dd54052abf86b3a53da4",
  state: "held",
  host: "web1",
  pid: 4711,
  label: "backup",
  since: Date.UTC(2026, 10, 22, 10, 0, 5, 123),
  sinceIs: "acquired",
};

Deno.test("a holder is silent after a third of the TTL: then it has missed a renewal", () => {
  assert.equal(isSilent(lease(10_000)), false);
  assert.equal(isSilent(lease(10_001)), true);
  // A server's clock that is behind the one that the lease was renewed by.
  assert.equal(isSilent({ left: TTL + 5000, silent: 0 }), false);
});

Deno.test("a table shows when a lease expires, or its state", () => {
  const cases: [silent: number, text: string][] = [
    [0, "in 30s"],
    [9600, "in 20s"],
    [12_000, "silent 12s"],
    [29_700, "silent 30s"],
    [31_000, "1s ago"],
    [3 * 3600_000 + TTL, "3h ago"],
  ];
  for (const [silent, text] of cases) assert.equal(expiryText(lease(silent)), text);
});

Deno.test("a message mentions only silent holders, and when the lock is free at the latest", () => {
  const cases: [silent: number, text: string | undefined][] = [
    [0, undefined],
    [10_000, undefined],
    [12_000, "silent for 12s, free in 23s at the latest"],
    [34_900, "silent for 35s, free in 1s at the latest"],
    [36_000, "silent for 36s, free soon"],
  ];
  for (const [silent, text] of cases) assert.equal(silenceText(lease(silent)), text);
  const holder = "web1:4711 backup, since 2026-11-22 10:00:05Z (3 min ago)";
  assert.equal(holderText([{ ...HELD, lease: lease(2000) }], NOW), holder);
  assert.equal(
    holderText([{ ...HELD, lease: lease(12_000) }], NOW),
    `${holder}; silent for 12s, free in 23s at the latest`,
  );
});

Deno.test("JSON lines have the token, and what is known of a silent holder", () => {
  const { token, silent_ms, free_in_ms } = holderFields([{ ...HELD, lease: lease(2000) }])!;
  assert.deepEqual({ token, silent_ms, free_in_ms }, { token: "7", silent_ms: undefined, free_in_ms: undefined });
  const silent = holderFields([{ ...HELD, lease: lease(40_000) }])!;
  assert.deepEqual([silent.token, silent.silent_ms, silent.free_in_ms], ["7", 40_000, 0]);
});

Deno.test("JSON of a sighting has its lease, with a large token as text", () => {
  const { locks } = JSON.parse(
    seenJson({ sightings: [{ ...HELD, lease: { ...lease(31_000), token: 2n ** 60n } }], otherSessions: [] }, undefined),
  );
  assert.deepEqual(locks[0].holder.lease, {
    token: String(2n ** 60n),
    expires_in_ms: -1000,
    silent_ms: 31_000,
    free_in_ms: 4000,
  });
});

Deno.test("a table has columns for leases only if there are any, and fits 80 columns", () => {
  assert.doesNotMatch(sightingsTable([HELD], { now: NOW }), /TOKEN|EXPIRES/);
  const sightings: Sighting[] = [
    { ...HELD, host: "batch-worker-17.example.com", label: "nightly-reports-all", lease: lease(12_000) },
    { ...HELD, state: "waiting", host: "web2", pid: 815 },
  ];
  const wide = sightingsTable(sightings, { now: NOW }).split("\n");
  assert.match(wide[0]!, / LABEL +TOKEN +EXPIRES +SINCE$/);
  assert.match(wide[1]!, / nightly-reports-all +7 +silent 12s +2026-11-22 10:00:05Z \(3 min ago\)$/);
  assert.match(wide[2]!, / web2 +815 +backup +- +- +2026-11-22 10:00:05Z \(3 min ago\)$/);
  const lines = sightingsTable(sightings, { now: NOW, width: 80 }).trimEnd().split("\n");
  assert.deepEqual(lines.filter((line) => line.length > 80), []);
  // Of the times only how long ago they are, so that the names stay.
  assert.match(lines[1]!, /^5373fa7de6f7 +held +\S+ +4711 +\S+ +7 +silent 12s +3 min ago$/);
});
