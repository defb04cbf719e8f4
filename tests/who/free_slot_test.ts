import assert from "node:assert/strict";
import { OtherSlotsError } from "../../lib/errors.ts";
import { freeSlot, refuseOtherSlots } from "../../lib/who/free_slot.ts";
import type { Sighting } from "../../lib/who/sighting.ts";

function held(parts: Partial<Sighting> = {}): Sighting {
  return { lock: "x", state: "held", host: "web1", ...parts };
}

Deno.test("the first free slot is the lowest unheld one; a holder without a visible slot has the first", () => {
  assert.equal(freeSlot([], 3), 0);
  assert.equal(freeSlot([held({ slot: 0 }), held({ slot: 2 })], 3), 1);
  assert.equal(freeSlot([held()], 2), 1);
  assert.equal(freeSlot([held({ slot: 0 }), held({ slot: 1 })], 2), undefined);
  assert.equal(freeSlot([], 1), 0);
  assert.equal(freeSlot([held()], 1), undefined);
});

Deno.test("a number of slots other than the holders' is refused, if they show it", () => {
  const told = (sightings: readonly Sighting[], asked: number) => {
    try {
      refuseOtherSlots(sightings, asked);
    } catch (error) {
      assert.ok(error instanceof OtherSlotsError);
      return [error.slots, error.asked];
    }
    return undefined;
  };
  assert.equal(told([held({ slot: 1, slots: 3 })], 3), undefined);
  assert.deepEqual(told([held({ slot: 1, slots: 3 })], 2), [3, 2]);
  assert.deepEqual(told([held({ slot: 1, slots: 3 })], 1), [3, 1]);
  assert.deepEqual(told([held()], 2), [1, 2]);
  assert.equal(told([held()], 1), undefined);
  // A holder without a slot may be any program; one in the first slot next to others is an old sera.
  assert.equal(told([held({ host: undefined })], 2), undefined);
  assert.equal(told([held(), held({ slot: 1, slots: 2 })], 2), undefined);
});
