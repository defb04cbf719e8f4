import assert from "node:assert/strict";
import { inOrder } from "../../lib/who/order.ts";
import type { Sighting } from "../../lib/who/sighting.ts";

Deno.test("locks are sorted by name; holders first, then the longest waiters, and unknown times last", () => {
  const seen: (Sighting & { readonly place: number })[] = [
    { place: 7, lock: "b", state: "held" },
    { place: 2, lock: "a", state: "waiting", since: 50, session: 9 },
    { place: 6, lock: "a", state: "waiting", session: 8 },
    { place: 1, lock: "a", state: "waiting", since: 5, session: 20 },
    { place: 0, lock: "a", state: "held", since: 100 },
    { place: 4, lock: "a", state: "waiting", since: 70, session: 12 },
    // Of those who came at the same time the one whose number is lower.
    { place: 3, lock: "a", state: "waiting", since: 70, session: 11 },
    { place: 5, lock: "a", state: "waiting", session: 7 },
  ];
  assert.deepEqual((inOrder(seen) as typeof seen).map(({ place }) => place), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(seen[0]!.place, 7);
});

Deno.test("on first-come backends waiters are sorted by their turn, whatever their clocks say", () => {
  const seen: Sighting[] = [
    { lock: "a", state: "waiting", queuePosition: 10n, since: 1, label: "second" },
    { lock: "a", state: "waiting", queuePosition: 9n, since: 2, label: "first" },
    { lock: "a", state: "held", queuePosition: 8n, since: 3, label: "holder" },
    { lock: "a", state: "waiting", queuePosition: 2n ** 60n + 1n, label: "last" },
    { lock: "a", state: "waiting", queuePosition: 2n ** 60n, label: "third" },
  ];
  assert.deepEqual(inOrder(seen).map(({ label }) => label), ["holder", "first", "second", "third", "last"]);
});
