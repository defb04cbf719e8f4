import assert from "node:assert/strict";
import { entriesFor } from "../../../lib/commands/run/held_locks.ts";
import { keyForLog, type LockInfo, lockVariables } from "../../../lib/commands/run/variables.ts";

const NAME = "d41d8cd98f00b204e9800998ecf8427e";
const FACTS: LockInfo = {
  name: NAME,
  key: "job",
  host: "node1",
  server: { identity: "file:/a b" },
  inheritedLocks: undefined,
};

Deno.test("a command learns its lock's name and key, and where it runs", () => {
  const { SERA_LOCK_NAME, SERA_LOCK_KEY, SERA_HOST } = lockVariables(FACTS);
  assert.deepEqual({ SERA_LOCK_NAME, SERA_LOCK_KEY, SERA_HOST }, {
    SERA_LOCK_NAME: NAME,
    SERA_LOCK_KEY: "job",
    SERA_HOST: "node1",
  });
});

Deno.test("the run id is the token, too; without a ledger an outer sera's id is removed", () => {
  const { SERA_RUN_ID, SERA_TOKEN } = lockVariables({ ...FACTS, runId: 12n });
  assert.deepEqual([SERA_RUN_ID, SERA_TOKEN], ["12", "12"]);
  const without = lockVariables(FACTS);
  assert.deepEqual(["SERA_RUN_ID" in without, without.SERA_RUN_ID, without.SERA_TOKEN], [true, undefined, undefined]);
});

Deno.test("a lock's own token takes precedence over the run id, which is unchanged", () => {
  const { SERA_RUN_ID, SERA_TOKEN } = lockVariables({ ...FACTS, runId: 12n, tokens: [34n] });
  assert.deepEqual([SERA_RUN_ID, SERA_TOKEN], ["12", "34"]);
  const without = lockVariables({ ...FACTS, tokens: [34n] });
  assert.deepEqual([without.SERA_RUN_ID, without.SERA_TOKEN], [undefined, "34"]);
});

Deno.test("a key that is too long for the environment is removed", () => {
  assert.equal(lockVariables({ ...FACTS, key: "k".repeat(4096) }).SERA_LOCK_KEY?.length, 4096);
  assert.equal(lockVariables({ ...FACTS, key: "k".repeat(4097) }).SERA_LOCK_KEY, undefined);
});

Deno.test("the held lock is added to those of outer seras", () => {
  const inheritedLocks = lockVariables(FACTS).SERA_HELD_LOCKS;
  const both = lockVariables({ ...FACTS, name: "e".repeat(32), inheritedLocks }).SERA_HELD_LOCKS!;
  assert.equal(both.split(" ").length, 2);
  assert.deepEqual(entriesFor(NAME, both).map(({ lock, pid, place }) => [lock, pid, place]), [
    [NAME, Deno.pid, encodeURIComponent("file:/a b")],
  ]);
});

for (
  const [key, told] of [
    ["backup --all", true],
    ["mysql -u root db", true],
    ["root:secret@tcp(db)/", false],
    ["job postgres://me:secret@db/", false],
    ["job postgres://db/", true],
    ["k".repeat(4097), false],
  ] as const
) {
  Deno.test(`lines of JSON tell ${told ? "" : "nothing of "}the key ${key.slice(0, 30)}`, () => {
    assert.equal(keyForLog(key), told ? key : undefined);
  });
}
