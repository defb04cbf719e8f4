import assert from "node:assert/strict";
import { readPresence } from "../../lib/lock/presence.ts";

const MADE = { lock: "5373fa7de6f7dd54052abf86b3a53da4", host: "b", pid: 1, label: "c" };

const WHOLE = {
  ...MADE,
  ...{ since: undefined, connected: undefined, slots: undefined, also: undefined },
  ...{ namespace: undefined, name: undefined },
};

Deno.test("a presence with wrong types is rejected", () => {
  assert.deepEqual(readPresence(JSON.stringify(MADE)), WHOLE);
  assert.deepEqual(readPresence(JSON.stringify({ ...MADE, since: "now" })), WHOLE);
  for (
    const wrong of [
      { lock: 1 },
      { lock: "../../etc/passwd" },
      { lock: "1,99999999999" },
      { host: null },
      { pid: "1" },
      { pid: 1.5 },
      { pid: -1 },
      { pid: 2 ** 60 },
      { label: ["x"] },
      { label: undefined },
    ]
  ) {
    assert.equal(readPresence(JSON.stringify({ ...MADE, ...wrong })), undefined, JSON.stringify(wrong));
  }
  for (const slots of [1, 257, "two", 2.5]) {
    assert.equal(readPresence(JSON.stringify({ ...MADE, slots }))!.slots, undefined, `${slots}`);
  }
  const slot = { ...MADE, lock: `${MADE.lock}.2`, slots: 3, also: ["1,-2"] };
  assert.deepEqual(readPresence(JSON.stringify(slot)), { ...WHOLE, ...slot });
  for (const also of ["1,2", {}, 1]) {
    assert.equal(readPresence(JSON.stringify({ ...MADE, also }))!.also, undefined, `${also}`);
  }
  assert.deepEqual(readPresence(JSON.stringify({ ...MADE, also: ["../x", 7, MADE.lock] }))!.also, [MADE.lock]);
  assert.equal(readPresence(JSON.stringify({ ...MADE, since: 1e300 }))!.since, undefined);
  assert.equal(readPresence(JSON.stringify({ ...MADE, label: "x".repeat(1_000_000) }))!.label.length, 190);
  for (const json of ["", "null", "1", '"text"', "[]", "{", "\0"]) assert.equal(readPresence(json), undefined, json);
});
