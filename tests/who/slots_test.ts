import assert from "node:assert/strict";
import { lookFor, reportOf } from "../../lib/commands/status/look_for.ts";
import { readLockQuery } from "../../lib/commands/lock_query.ts";
import type { Observer } from "../../lib/backends/backend.ts";
import type { Settings } from "../../lib/settings/settings.ts";
import { look } from "../../lib/who/look.ts";
import { inOrder } from "../../lib/who/order.ts";
import { seenJson } from "../../lib/who/report.ts";
import type { Seen, Sighting } from "../../lib/who/sighting.ts";
import { slotAskedFor, slotWords } from "../../lib/who/slot_text.ts";
import { sightingsTable } from "../../lib/who/tables.ts";

const LOCK = "5373fa7de6f7dd54052abf86b3a53da4";
const OTHER = "6373fa7de6f7dd54052abf86b3a53da4";
const NOW = Date.UTC(2026, 10, 26, 12);

const holder = (slot: number | undefined, more: Partial<Sighting> = {}): Sighting => ({
  lock: LOCK,
  state: "held",
  slot,
  slots: 3,
  host: "web1",
  pid: 100 + (slot ?? 0),
  label: "backup",
  ...more,
});
const waiter = (more: Partial<Sighting> = {}): Sighting => ({
  lock: LOCK,
  state: "waiting",
  slots: 3,
  host: "web9",
  pid: 9,
  label: "backup",
  ...more,
});

Deno.test("the holders of a lock are sorted by slot, before its waiters", () => {
  const seen = [waiter(), holder(2), holder(10), holder(0), holder(1, { lock: OTHER }), holder(1)];
  assert.deepEqual(inOrder(seen).map(({ lock, state, slot }) => [lock.charAt(0), state, slot]), [
    ["5", "held", 0],
    ["5", "held", 1],
    ["5", "held", 2],
    ["5", "held", 10],
    ["5", "waiting", undefined],
    ["6", "held", 1],
  ]);
});

Deno.test("a table shows the slot and the number of slots, if there are any", () => {
  const plain = { lock: OTHER, state: "held", host: "web2", pid: 7, label: "report" } as const;
  const seen = [holder(0), holder(2), holder(1, { slots: undefined }), waiter(), plain];
  assert.equal(
    sightingsTable(seen, { now: NOW }),
    [
      "LOCK          STATE    HOST  PID  LABEL   SLOT  SINCE",
      "5373fa7de6f7  held     web1  100  backup  0/3   -",
      "5373fa7de6f7  held     web1  102  backup  2/3   -",
      "5373fa7de6f7  held     web1  101  backup  1     -",
      "5373fa7de6f7  waiting  web9  9    backup  -/3   -",
      "6373fa7de6f7  held     web2  7    report  -     -",
      "",
    ].join("\n"),
  );
  assert.equal(
    sightingsTable([plain], { now: NOW }),
    "LOCK          STATE  HOST  PID  LABEL   SINCE\n6373fa7de6f7  held   web2  7    report  -\n",
  );
});

Deno.test("a slot is described in a sentence; a plain lock has none", () => {
  assert.equal(slotWords(holder(2)), " slot 2 of 3");
  assert.equal(slotWords(holder(undefined)), " slot 0 of 3");
  assert.equal(slotWords(holder(2, { slots: undefined })), " slot 2");
  assert.equal(slotWords(holder(undefined, { slots: undefined })), "");
});

Deno.test("JSON has all holders of a lock with their slots, and the first as before", () => {
  const seen = { sightings: [holder(0), holder(2), waiter()], otherSessions: [] };
  const { locks: [lock, ...more] } = JSON.parse(seenJson(seen, { lock: LOCK }));
  assert.deepEqual(more, []);
  assert.equal(lock.slots, 3);
  assert.equal(lock.held, true);
  assert.deepEqual(lock.holders.map((one: { slot: number; pid: number }) => [one.slot, one.pid]), [[0, 100], [2, 102]]);
  assert.deepEqual(lock.holder, lock.holders[0]);
  assert.deepEqual(lock.waiters.map(({ slot }: { slot: null }) => slot), [null]);
  const plain = { lock: OTHER, state: "held", pid: 7 } as const;
  const { locks: [one] } = JSON.parse(seenJson({ sightings: [plain], otherSessions: [] }, undefined));
  assert.deepEqual([one.slots, one.holder.slot, one.holders], [null, null, [one.holder]]);
  const { locks: [free] } = JSON.parse(seenJson({ sightings: [], otherSessions: [] }, { lock: LOCK }));
  assert.deepEqual([free.holder, free.holders, free.slots], [null, [], null]);
});

Deno.test("--lock may end in a slot, unless it names a namespace", () => {
  assert.deepEqual(slotAskedFor("5373fa7de6f7.2"), { lock: "5373fa7de6f7", slot: 2 });
  assert.deepEqual(slotAskedFor("5373.0"), { lock: "5373", slot: 0 });
  assert.deepEqual(slotAskedFor("-12,34.255"), { lock: "-12,34", slot: 255 });
  for (const text of ["5373", "5373.", "5373.256", "5373.02", "prod/job.2", "job.2", ".2"]) {
    assert.equal(slotAskedFor(text), undefined, text);
  }
});

/** What `sera status --lock TEXT` sees and says. */
async function statusOf(text: string, sightings: readonly Sighting[]): Promise<string> {
  const asked = readLockQuery([], {} as Settings, text, "status");
  const seen = { sightings, otherSessions: [], showsHolders: true };
  const observer = { sightings: () => Promise.resolve(seen) } as unknown as Observer;
  const settings = { ledger: {}, allowUnsafeServer: false } as unknown as Settings;
  return (await reportOf(asked, await lookFor(asked, settings, observer))).text;
}

Deno.test("a single slot can be selected; a waiter belongs to no slot", async () => {
  const seen = [holder(undefined), holder(2), waiter(), holder(2, { lock: OTHER, pid: 77 })];
  for (const lock of [LOCK, LOCK.slice(0, 12), "5"]) {
    assert.deepEqual((await statusOf(`${lock}.2`, seen.slice(0, 3))).match(/ 10\d | 9 /g), [" 102 "]);
    assert.deepEqual((await statusOf(`${lock}.0`, seen.slice(0, 3))).match(/ 10\d | 9 /g), [" 100 "]);
  }
  assert.deepEqual((await statusOf("6.2", seen)).match(/ (10\d|9|77) /g), [" 77 "]);
  assert.equal(await statusOf(`${LOCK}.1`, seen.slice(0, 3)), "Free: nobody holds slot 1 of it.\n");
  assert.equal(
    await statusOf("5373.1", seen),
    "Free: nobody holds slot 1 of a lock that begins with 5373.\n",
  );
});

Deno.test("a rule's lock is not shown: its holder and waiters count for the slots", async () => {
  const rule = { lock: OTHER, slots: undefined, slot: undefined } as const;
  const third = "7373fa7de6f7dd54052abf86b3a53da4";
  for (const more of [{}, { session: 5 }]) {
    const seen: Sighting[] = [
      holder(1, more),
      holder(1, { ...rule, ...more }),
      waiter(rule),
      // Another process of the same label, with a lock of its own.
      { lock: third, state: "held", host: "web2", pid: 101, label: "backup", ...more.session ? { session: 6 } : {} },
    ];
    const { sightings } = await look("all", () => Promise.resolve<Seen>({ sightings: seen, otherSessions: [] }));
    assert.deepEqual(sightings.map(({ lock, state, slots }) => [lock, state, slots]), [
      [LOCK, "held", 3],
      [LOCK, "waiting", 3],
      [third, "held", undefined],
    ]);
  }
  const fourth = "8373fa7de6f7dd54052abf86b3a53da4";
  const two: Sighting[] = [holder(1), holder(1, rule), waiter(rule), waiter({ ...rule, lock: fourth, state: "held" })];
  const found = await look("all", () => Promise.resolve<Seen>({ sightings: two, otherSessions: [] }));
  assert.deepEqual(found.sightings.map(({ lock, state }) => [lock, state]), [[LOCK, "held"], [LOCK, "waiting"]]);
  // Several names are several locks.
  const names = [holder(undefined, { slots: undefined }), holder(undefined, { ...rule })];
  const { sightings } = await look("all", () => Promise.resolve<Seen>({ sightings: names, otherSessions: [] }));
  assert.equal(sightings.length, 2);
});
