import assert from "node:assert/strict";
import { busyText } from "../../lib/who/busy_text.ts";
import type { Sighting } from "../../lib/who/sighting.ts";
import { awaitedHolder, waitingText } from "../../lib/who/waiting_text.ts";

const NOW = Date.UTC(2026, 10, 22, 10, 3, 25);
const [A, B] = ["a".repeat(32), "b".repeat(32)];
const ONE = { locks: [{ name: A, title: "backup" }] };
const TWO = { locks: [...ONE.locks, { name: B, title: "search" }] };

function held(lock: string, pid: number, parts: Partial<Sighting> = {}): Sighting {
  return { lock, state: "held", host: "web1", pid, label: "job", ...parts };
}

function said(...args: Parameters<typeof busyText>) {
  const { held, awaited } = busyText(args[0], args[1], NOW);
  return [held, awaited];
}

Deno.test("for one lock the holder is named, if known", () => {
  assert.deepEqual(said(ONE, [held(A, 1)]), ["somebody else holds it (web1:1 job)", "web1:1 job"]);
  assert.deepEqual(said(ONE, []), ["somebody else holds it", "somebody else"]);
});

Deno.test("of several locks the busy one is named", () => {
  assert.deepEqual(said(TWO, [held(B, 2)]), ["somebody else holds search (web1:2 job)", "search, held by web1:2 job"]);
  assert.deepEqual(said(TWO, [held(A, 1), held(B, 2)])[0], "somebody else holds backup (web1:1 job)");
  // PostgreSQL may show the first half of a name.
  assert.deepEqual(said(TWO, [held("b".repeat(16), 2)])[0], "somebody else holds search (web1:2 job)");
  assert.deepEqual(said(TWO, []), ["somebody else holds one of them", "somebody else"]);
});

Deno.test("for slots the text says that all are held, and who has held one for longest", () => {
  const slots = [held(A, 1, { since: NOW - 1000 }), held(A, 2, { since: NOW - 9000 }), held(A, 3)];
  const asked = { ...ONE, slots: 3 };
  const [all, awaited] = said(asked, slots);
  assert.match(all!, /^all 3 slots are held \(web1:2 job, since [^()]* \(9 s ago\), and 2 more\)$/);
  assert.match(awaited!, /^one of 3 slots, held by web1:2 job, since .*, and 2 more$/);
  assert.deepEqual(said(asked, []), ["all 3 slots are held", "one of 3 slots"]);
});

Deno.test("if a slot may be free, another lock is named as busy", () => {
  const asked = { ...ONE, slots: 3, hasMore: true };
  assert.deepEqual(said(asked, [held(B, 7)])[0], "somebody else holds it (web1:7 job)");
  assert.match(said(asked, [held(A, 1), held(A, 2), held(A, 3)])[0]!, /^all 3 slots are held /);
});

Deno.test("the waiting line names the lock of several, and says if it waits for a slot", () => {
  const line = (seen: readonly Sighting[], asked: Parameters<typeof awaitedHolder>[2], width?: number) =>
    waitingText(awaitedHolder(seen, { host: "web9", pid: 9 }, asked, NOW), 0, 20_000, width);
  assert.equal(line([held(B, 2)], TWO), "sera: waiting for search (web1:2 job); 20 s left");
  // It does not wait for locks that it holds itself.
  const own = held(A, 9, { host: "web9" });
  assert.equal(line([own, held(B, 2)], TWO), "sera: waiting for search (web1:2 job); 20 s left");
  const since = { since: NOW - 200_000, sinceIs: "acquired" } as const;
  const slots = [held(A, 1), held(A, 2, since), held(A, 3)];
  const whole = "sera: waiting for one of 3 slots (web1:2 job), held for 3 min 20 s; 20 s left";
  assert.equal(line(slots, { ...ONE, slots: 3 }, 80), whole);
  assert.equal(line(slots, { ...ONE, slots: 3 }, 60), "sera: waiting for one of 3 slots (web1:2 job); 20 s left");
});
