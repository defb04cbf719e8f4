/** SERA_TORTURE_SECONDS says how long each kind of server is tortured; ten minutes tell more than the default. */
// Starts early: it goes on for some seconds on each server, and leases have to run out in it.

import assert from "node:assert/strict";
import { testWith } from "../cli/needs.ts";
import { LEASE_TARGETS, leaseAt } from "./lease_targets.ts";
import { violations } from "./strict.ts";
import { summary, torture, voices } from "./torture.ts";

const DEFAULT_SECONDS = 5;
const seconds = Number(Deno.env.get("SERA_TORTURE_SECONDS") ?? DEFAULT_SECONDS);

/** A run that got through, was killed, was ended by the test, found no lock, lost it before the start, or after it. */
const CODES = [0, 137, 143, 204, 202, 206];

for (const { name, need, start } of LEASE_TARGETS) {
  testWith([need], `the torture of leases on ${name}: one command at a time, and tokens that grow`, async () => {
    await using sessions = await start();
    const found = await torture({ sessions, lease: leaseAt(sessions.server) }, seconds);
    console.log(summary(`leases on ${name}`, seconds, found));
    if (seconds > DEFAULT_SECONDS) console.log(voices(found));
    assert.deepEqual(violations(found), []);
    assert.equal(found.tokens.length, found.runs);
    assert.ok(found.finished >= seconds, `only ${found.finished} runs came to their end: ${found.said.at(-1)}`);
    assert.ok(found.faults.length >= seconds, `only ${found.faults.length} faults`);
    assert.deepEqual([...found.codes.keys()].filter((code) => !CODES.includes(code)), [], found.said.join("\n"));
    assert.deepEqual(found.said.filter((line) => !/^sera: (?!Unexpected)/.test(line)), []);
  });
}
