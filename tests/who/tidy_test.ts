import assert from "node:assert/strict";
import { tidy, validated } from "../../lib/who/tidy.ts";
import type { Sighting } from "../../lib/who/sighting.ts";

/** Values that others may have forged. */
const MADE_UP: Sighting = {
  lock: "l\x1b[2J",
  state: "held",
  namespace: "\u202e",
  name: "n\nm",
  host: "",
  label: "x".repeat(1000),
  user: " \t ",
  address: "10.0.0.1",
  since: -1,
  sinceIs: "acquired",
  session: 7,
};

Deno.test("for people control characters and invalid values are removed", () => {
  const { lock, name, host, label, user, address, since, sinceIs, session } = tidy(MADE_UP);
  // deno-lint-ignore no-control-regex
  for (const text of [lock, name!]) assert.doesNotMatch(text, /[\x00-\x1f\x7f]/);
  assert.equal(name, "n m");
  assert.equal(label!.length, 190);
  assert.deepEqual({ host, user, address, since, sinceIs, session }, {
    ...{ host: undefined, user: undefined, address: "10.0.0.1" },
    ...{ since: undefined, sinceIs: undefined, session: 7 },
  });
});

Deno.test("for programs texts are unchanged, except for their length", () => {
  const { lock, namespace, name, host, label, since, sinceIs } = validated({ ...MADE_UP, since: 5 });
  assert.deepEqual({ lock, namespace, name, host, since, sinceIs }, {
    ...{ lock: MADE_UP.lock, namespace: MADE_UP.namespace, name: MADE_UP.name, host: undefined },
    ...{ since: 5, sinceIs: "acquired" },
  });
  assert.equal(label!.length, 190);
});
