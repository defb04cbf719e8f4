/** SERA_TORTURE_SECONDS says how long each kind of server is tortured; a minute tells more than the default. */
// Starts early: it goes on for some seconds on each server.

import assert from "node:assert/strict";
import { SESSION_TARGETS } from "../cli/held_session.ts";
import { linux, testWith } from "../cli/needs.ts";
import { summary, torture } from "./torture.ts";

const seconds = Number(Deno.env.get("SERA_TORTURE_SECONDS") ?? 5);

/** A run that got through, was killed, was ended by the test, found no lock, lost it before the start, or after it. */
const CODES = [0, 137, 143, 204, 202, 206];

for (const { name, need, start } of [{ name: "file", need: linux, start: undefined }, ...SESSION_TARGETS]) {
  testWith([need], `the torture on ${name}: two commands at a time only after a fault, and not for long`, async () => {
    await using sessions = await start?.();
    const found = await torture({ sessions }, seconds);
    console.log(summary(name, seconds, found));
    assert.ok(found.finished >= seconds, `only ${found.finished} runs came to their end`);
    assert.ok(found.faults.length >= seconds, `only ${found.faults.length} faults`);
    assert.deepEqual(found.overlaps.filter(({ fault }) => fault === undefined), []);
    assert.deepEqual(found.overlaps.filter(({ length }) => length > found.bound), []);
    assert.deepEqual([...found.codes.keys()].filter((code) => !CODES.includes(code)), [], found.said.join("\n"));
    assert.deepEqual(found.said.filter((line) => !/^sera: (?!Unexpected)/.test(line)), []);
  });
}
