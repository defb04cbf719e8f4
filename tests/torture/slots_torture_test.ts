/** SERA_TORTURE_SECONDS says how long each kind of server is tortured; ten minutes tell more than the default. */
// Starts early: it goes on for some seconds on each server, and leases have to run out in it.

import assert from "node:assert/strict";
import { SESSION_TARGETS } from "../cli/held_session.ts";
import { linux, testWith } from "../cli/needs.ts";
import { LEASE_TARGETS, leaseAt } from "./lease_targets.ts";
import { violations } from "./strict.ts";
import { summary, type Torture, torture, voices } from "./torture.ts";

const DEFAULT_SECONDS = 3;
const seconds = Number(Deno.env.get("SERA_TORTURE_SECONDS") ?? DEFAULT_SECONDS);

const SLOTS = 3;

/** A run that got through, was killed, was ended by the test, found no lock, lost it before the start, or after it. */
const CODES = [0, 137, 143, 204, 202, 206];

/** How much longer than a lock is free between two holders a slot may be where its waiters have to look for it, in milliseconds. */
const LOOKS = 2000;

for (const { name, need, start } of [{ name: "file", need: linux, start: undefined }, ...SESSION_TARGETS]) {
  testWith(
    [need],
    `the torture of slots on ${name}: two in a slot only after a fault, and none is free for long`,
    async () => {
      await using sessions = await start?.();
      const found = await torture({ sessions, slots: SLOTS }, seconds);
      judge(`slots on ${name}`, found);
      assert.deepEqual(found.overlaps.filter(({ fault }) => fault === undefined), []);
      assert.deepEqual(found.overlaps.filter(({ length }) => length > found.bound), []);
    },
  );
}

/** By default leases are tortured where nothing else keeps the locks. */
const LEASED = LEASE_TARGETS.filter(({ name }) => seconds > DEFAULT_SECONDS || name === "Galera" || name === "etcd");

for (const { name, need, start } of LEASED) {
  testWith(
    [need],
    `the torture of slots of leases on ${name}: one in a slot, tokens that grow, and none is free for long`,
    async () => {
      await using sessions = await start();
      const found = await torture({ sessions, lease: leaseAt(sessions.server), slots: SLOTS }, seconds);
      judge(`slots of leases on ${name}`, found);
      assert.deepEqual(violations(found), []);
      assert.equal(found.tokens.length, found.runs);
    },
  );
}

function judge(where: string, found: Torture): void {
  console.log(`${summary(where, seconds, found)}; a slot was free for ${Math.round(found.maxIdle)} ms`);
  if (seconds > DEFAULT_SECONDS) console.log(voices(found));
  assert.deepEqual([...found.slots].filter((slot) => Number(slot) >= SLOTS), []);
  assert.equal(found.slots.size, SLOTS);
  assert.ok(found.maxIdle < found.bound + LOOKS, `a slot was free for ${found.maxIdle} ms`);
  assert.ok(found.finished >= seconds, `only ${found.finished} runs came to their end: ${found.said.at(-1)}`);
  assert.ok(found.faults.length >= seconds, `only ${found.faults.length} faults`);
  assert.deepEqual([...found.codes.keys()].filter((code) => !CODES.includes(code)), [], found.said.join("\n"));
  assert.deepEqual(found.said.filter((line) => !/^sera: (?!Unexpected)/.test(line)), []);
}
