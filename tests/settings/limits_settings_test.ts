/** Several names, slots, limits of waiters and `replace`: what they take, and what they do not go with. */

import assert from "node:assert/strict";
import { ConfigError, UsageError } from "../../lib/errors.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { refuseConflicts } from "../../lib/settings/refuse_conflicts.ts";
import { resolveSettings } from "../../lib/settings/resolve.ts";
import { FILE, type Flags, POSTGRES, refusal, resolve, test, withFlags } from "./given.ts";

function withNames(names: readonly string[], flags: Flags = {}, env: Flags = {}) {
  const given = new Map(Object.entries({ server: FILE, name: names.at(-1)!, ...flags }));
  return resolveSettings(given, (name) => env[name], false, new Map([["name", names]]));
}

test("several names are in the order of their locks, and the first is the main one", async () => {
  const names = ["two", "four", "one", "three"];
  const expected = names.toSorted((one, other) => lockName(one) < lockName(other) ? -1 : 1);
  assert.notDeepEqual(expected, names.toSorted());
  for (const given of [names, names.toReversed()]) {
    const settings = await withNames(given);
    assert.deepEqual(settings.names, expected);
    assert.equal(settings.name, expected[0]);
  }
});

test("a single name is not a list", async () => {
  const settings = await withFlags({ name: "n" });
  assert.deepEqual([settings.name, settings.names], ["n", undefined]);
});

test("a namespace applies to all names, and affects their order", async () => {
  const [plain, spaced] = [
    await withNames(["a", "b", "c", "d"]),
    await withNames(["a", "b", "c", "d"], { server: POSTGRES, namespace: "jobs" }),
  ];
  assert.notDeepEqual(spaced.names, plain.names);
});

for (
  const [names, message] of [
    [["a", ""], /^Cannot use --name: it is empty; /],
    [["", "a"], /^Cannot use --name: it is empty; /],
    [
      ["a", "u:secret@tcp(h)/", "b"],
      /^Cannot use --name: \(not shown, [^)]+\); it takes some text that is not a server$/,
    ],
  ] as const
) {
  test(`each of several names must be valid: ${JSON.stringify(names)}`, async () => {
    await assert.rejects(withNames(names), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("only one lock can have slots", async () => {
  await assert.rejects(withNames(["a", "b"], { slots: "2" }), {
    message: "Cannot use --slots with several names: only one lock can have slots; give one --name",
  });
  assert.equal((await withNames(["a", "b"], { slots: "1" })).slots, 1);
});

for (const text of ["0", "257", "-1", "1.5", "three", "1e1", "0x2", "+2"]) {
  test(`invalid number of slots: ${text}`, async () => {
    const told = `Cannot use --slots: ${text}; it takes a whole number from 1 to 256`;
    assert.deepEqual(await refusal({ flags: { slots: text } }), { kind: UsageError, message: told });
    const { kind, message } = await refusal({ env: { SERA_SLOTS: text } });
    assert.deepEqual([kind, message], [ConfigError, told.replace("--slots", "SERA_SLOTS")]);
  });
}

test("an empty number is reported as empty", async () => {
  const { message } = await refusal({ flags: { "max-waiters": "" } });
  assert.match(message, /^Cannot use --max-waiters: it is empty; /);
});

test("max-waiters is a number in the config file, and slots is not a key", async () => {
  assert.equal((await resolve({ file: { "max-waiters": 3 } })).maxWaiters, 3);
  assert.equal((await resolve({ file: { "max-waiters": 0 } })).maxWaiters, 0);
  for (const value of ["3", -1, 257, 1.5, true]) {
    const { kind, message } = await refusal({ file: { "max-waiters": value } });
    assert.equal(kind, ConfigError);
    assert.match(message, /^Cannot use max-waiters in \/\S+: .*; it takes a whole number from 0 to 256/);
  }
  const { notes, slots } = await resolve({ file: { slots: 3 } });
  assert.equal(slots, undefined);
  assert.ok(notes.some(({ what }) => what.endsWith(": slots")));
});

const CLASHES: readonly (readonly [flags: Flags, wait: number | undefined, message: string])[] = [
  [{ slots: "2", "wait-and-skip": "true" }, 5, "--slots with --wait-and-skip"],
  [{ replace: "true", slots: "2" }, 5, "--replace with --slots"],
  [{ replace: "true", "wait-and-skip": "true" }, 5, "--replace with --wait-and-skip"],
  [{ replace: "true", "max-waiters": "5" }, 5, "--replace with --max-waiters"],
  [{ replace: "true" }, 0, "--replace with a wait of 0"],
];

for (const [flags, wait, message] of CLASHES) {
  test(`refused: ${message}`, async () => {
    const settings = await withFlags(flags);
    assert.throws(() => refuseConflicts(settings, wait), (error) => {
      assert.ok(error instanceof UsageError);
      assert.ok(error.message.startsWith(`Cannot use ${message}: `), error.message);
      return true;
    });
  });
}

test("a conflict with a variable is a configuration error", async () => {
  const settings = await resolve({ env: { SERA_REPLACE: "true" } });
  assert.throws(() => refuseConflicts(settings, 0), ConfigError);
  refuseConflicts(settings, 1);
  // A doctor has no wait.
  refuseConflicts(settings);
});

test("a conflict names the variable that sets the other setting", async () => {
  const env = { SERA_WAIT_AND_SKIP: "1", SERA_SLOTS: "2" };
  for (
    const [flags, says] of [
      [{ slots: "3" }, /^Cannot use --slots with SERA_WAIT_AND_SKIP: /],
      [{ replace: "true" }, /^Cannot use SERA_SLOTS with SERA_WAIT_AND_SKIP: /],
      [{ replace: "true", "wait-and-skip": "false" }, /^Cannot use --replace with SERA_SLOTS: /],
    ] as const
  ) {
    const settings = await resolve({ flags, env });
    assert.throws(() => refuseConflicts(settings, 5), { message: says });
  }
});

test("several names with slots are a configuration error if a variable sets the slots", async () => {
  await assert.rejects(() => withNames(["a", "b"], {}, { SERA_SLOTS: "2" }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /^Cannot use SERA_SLOTS with several names: .*; remove SERA_SLOTS, or give one --name$/,
    );
    return true;
  });
});

test("replace is refused with several names", async () => {
  const settings = await withNames(["a", "b"], { replace: "true" });
  assert.throws(
    () => refuseConflicts(settings, 5),
    /with several names: it replaces the holder of one lock; leave out one/,
  );
});

test("one slot, and a limit from the config file, can be combined with everything", async () => {
  refuseConflicts(await withFlags({ slots: "1", "wait-and-skip": "true" }), 0);
  refuseConflicts(await resolve({ flags: { replace: "true" }, file: { "max-waiters": 2 } }), 1);
});
