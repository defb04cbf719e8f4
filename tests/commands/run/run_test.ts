/** A whole run, from its settings to its exit, on a place for locks that is none. */

import assert from "node:assert/strict";
import { LockLostEarlyError, LockLostError } from "../../../lib/errors.ts";
import { limitsOf } from "../../../lib/commands/run/limits.ts";
import { identitiesOf } from "../../../lib/lock/lock_identity.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { resolveSettings } from "../../../lib/settings/resolve.ts";
import { later } from "../../backends/open.ts";
import { settingsOf } from "../fake_place.ts";
import { Ran } from "../ran.ts";

Deno.test("a run ends the helper shell and releases its lock, whatever its outcome", async () => {
  const settings = await settingsOf();
  using ran = new Ran();
  const code = later(ran.run(0, settings));
  await ran.place.later();
  ran.command!.end(3);
  await ran.place.later();
  assert.equal(await code, 3);
  assert.equal(ran.place.system.processes[0]!.presence, "nobody");
  assert.equal(ran.place.events.at(-1), "lock: disposed of");
});

Deno.test("a run that throws does so as well", async () => {
  const settings = await settingsOf();
  using ran = new Ran();
  ran.acquire = () => Promise.reject(new Error("odd"));
  await assert.rejects(ran.run(0, settings), /odd/);
  assert.equal(ran.place.system.processes[0]!.presence, "nobody");
  assert.equal(ran.place.events.at(-1), "lock: disposed of");
});

Deno.test("the lock's name is that of the words, or of --name", async () => {
  using ran = new Ran();
  ran.acquire = () => Promise.resolve(undefined);
  assert.equal(await ran.run(0, await settingsOf()), 204);
  assert.equal(await ran.run(0, await settingsOf({ name: "n", label: "what others see" })), 204);
  assert.deepEqual(ran.made.map(({ name, options: { label } }) => [name, label]), [
    // The md5 of "job argument", and of "n".
    ["865afc3ad039a995a711245d8ab14057", "job"],
    ["7b8b965ad4bca0e41ab51de7b31363a1", "what others see"],
  ]);
});

Deno.test("a run requests a lease if configured, and names its table", async () => {
  const settings = await settingsOf();
  const leaseTable = { schema: "ops", name: "leases" };
  using ran = new Ran();
  ran.acquire = () => Promise.resolve(undefined);
  assert.equal(await ran.run(0, { ...settings, lease: true, leaseTable }), 204);
  assert.equal(await ran.run(0, { ...settings, leaseTable }), 204);
  assert.deepEqual(ran.made.map(({ options }) => options.leaseTable), [leaseTable, undefined]);
});

Deno.test("a signal during the wait is 128 and its number, and is reported", async () => {
  const settings = await settingsOf();
  using ran = new Ran();
  ran.acquire = (_wait, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const code = later(ran.run(Infinity, settings));
  await ran.place.later();
  ran.place.system.send("SIGTERM");
  // The helper shell is asked which signals were ignored.
  await ran.place.clock.until("it is asked", () => ran.place.system.processes[0]!.heard.includes("ask"));
  ran.place.system.processes[0]!.say("0 0 0\n");
  await ran.place.clock.until("it is said", () => ran.place.events.some((event) => event.startsWith("Interrupted")));
  assert.equal(await code, 143);
  assert.ok(ran.place.events.includes("Interrupted by signal 15 - the command was not executed."));
  assert.equal(ran.command, undefined);
});

Deno.test("a lock lost before the start is requested again, for the rest of the wait", async () => {
  const settings = await settingsOf();
  using ran = new Ran();
  const patience: (number | undefined)[] = [];
  ran.acquire = (_wait, _signal, left) => {
    patience.push(left);
    const confirm = () => Promise.reject(new LockLostError("Lock lost: the server keeps none"));
    return Promise.resolve(ran.place.held(patience.length === 3 ? {} : { confirm }));
  };
  const code = later(ran.run(10_000, settings));
  await ran.place.later(999);
  assert.equal(ran.command, undefined);
  await ran.place.later(1);
  ran.command!.end(0);
  await ran.place.later();
  assert.equal(await code, 0);
  // Half a second lies between two tries.
  assert.deepEqual(patience, [10_000, 9500, 9000]);
  const said = "sera: Lock lost: the server keeps none; the command was not started; retrying until the wait is over.";
  assert.deepEqual(ran.place.events.filter((event) => event.startsWith("sera:")), [said]);
});

Deno.test("a lock lost before the start is not requested again when the wait is over", async () => {
  const settings = await settingsOf();
  using ran = new Ran();
  const confirm = () => Promise.reject(new LockLostError("Lock lost: the server keeps none"));
  ran.acquire = () => Promise.resolve(ran.place.held({ confirm }));
  await assert.rejects(ran.run(0, settings), LockLostEarlyError);
  assert.equal(ran.command, undefined);
});

/** The settings of a run with these names, in whatever order. */
async function named(names: readonly string[], flags: Readonly<Record<string, string>> = {}) {
  const given = new Map(Object.entries({ server: "file:/nowhere", name: names.at(-1)!, ...flags }));
  return await resolveSettings(given, () => undefined, false, new Map([["name", names]]));
}

Deno.test("of several locks the first in order is the main one, and the others are held with it", async () => {
  const names = ["one", "two", "three", "four"];
  const sorted = names.map(lockName).toSorted();
  for (const given of [names, names.toReversed()]) {
    using ran = new Ran();
    ran.acquire = () => Promise.resolve(undefined);
    assert.equal(await ran.run(0, await named(given)), 204);
    const [{ name, options: { also, slots, label } }] = ran.made as [typeof ran.made[0]];
    assert.deepEqual([name, ...also!], sorted);
    assert.equal(slots, undefined);
    assert.deepEqual(label.split(", ").map(lockName), sorted);
  }
});

Deno.test("slots and the limit of waiters are requested as set, and one slot counts as none", async () => {
  using ran = new Ran();
  ran.acquire = () => Promise.resolve(undefined);
  const flags: Readonly<Record<string, string>>[] = [
    {},
    { slots: "1", "max-waiters": "0" },
    { slots: "3", "max-waiters": "7" },
  ];
  for (const each of flags) assert.equal(await ran.run(0, await settingsOf(each)), 204);
  assert.deepEqual(ran.made.map(({ options: { slots, also, maxWaiters } }) => [slots, also, maxWaiters]), [
    [undefined, undefined, undefined],
    [undefined, undefined, 0],
    [3, undefined, 7],
  ]);
});

Deno.test("with slots a rule about runs has a lock of its own, for each key; without slots it has none", async () => {
  const main = identitiesOf([], { name: "n" });
  const also = async (flags: Readonly<Record<string, string>>) => limitsOf(await settingsOf(flags), main).also;
  assert.equal(await also({ once: "k" }), undefined);
  const [k, l, every] = [
    await also({ slots: "2", once: "k" }),
    await also({ slots: "2", once: "l" }),
    await also({ slots: "2", every: "1h" }),
  ];
  assert.equal(new Set([k, l, every].map(String)).size, 3);
  assert.deepEqual([k, l, every].map((names) => names?.length), [1, 1, 1]);
  // A hold looks at no runs.
  const settings = await settingsOf({ slots: "2", once: "k" });
  assert.equal(limitsOf({ ...settings, ledger: { ...settings.ledger, on: false } }, main).also, undefined);
});
