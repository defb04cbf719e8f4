// Starts early: it starts sera often.

import assert from "node:assert/strict";
import { history } from "./ledger_view.ts";
import { linux, type Need, testWith, tool } from "./needs.ts";
import { fixture } from "./place.ts";
import { FILE, useTargets } from "./targets.ts";

const NODES = 20;

/** How far the nodes' clocks are wrong at most, in seconds, either way. */
const MAX_SKEW = 5 * 24 * 3600;

/** Over what time the nodes start, in milliseconds. */
const MAX_DELAY = 1000;

const faketime: Need = linux ?? tool("faketime", "-f", "+3d", "true");

/** Numbers from 0 to below 1 that only depend on the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

for (const target of useTargets()) {
  // The ledger of file: uses this machine's clock.
  const skewed = target !== FILE;
  const needs = [target.need, skewed ? faketime : undefined];
  const what = skewed ? "twenty nodes whose clocks are days apart" : "twenty processes";
  testWith(needs, `${what} on ${target.name} with --every 1h: exactly one run`, async () => {
    const seed = Number(Deno.env.get("SERA_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed}; SERA_TEST_SEED sets it`);
    const random = randomFrom(seed);
    await using started = await target.start();
    await using nodes = new AsyncDisposableStack();
    const { place } = started;
    const began = Date.now();
    const flags = ["--detailed-exit-codes", "--name", "n", "--every", "1h"];
    const startNode = (wait: string, delay: number, skew: number) => {
      const clock = skewed ? `faketime -f ${skew < 0 ? skew : `+${skew}`}s` : "";
      const script = `sleep ${(delay / 1000).toFixed(3)}; exec ${clock} sera "$@"`;
      const words = ["sh", "-c", script, "sh", ...flags, wait, fixture("turn.sh"), place.file("turns")];
      // What counts time for the runtime itself stays true.
      return nodes.use(place.start(words, { env: { FAKETIME_DONT_FAKE_MONOTONIC: "1" } }));
    };
    const skewOf = () => Math.round((2 * random() - 1) * MAX_SKEW);

    const running = Array.from({ length: NODES }, (_, index) => {
      // Half of them wait for the others, half do not.
      return startNode(index % 2 === 0 ? "0" : "180", random() * MAX_DELAY, skewOf());
    });
    const ended = await Promise.all(running.map((node) => node.ended));
    // For these an hour seems to have passed, or yet to come.
    for (const skew of [MAX_SKEW, -MAX_SKEW]) ended.push(await startNode("180", 0, skew).ended);

    const turns = (await place.read("turns")).trim().split("\n");
    assert.deepEqual(turns.map((line) => line.replace(/ \d+$/, "")), ["begin", "end"]);
    assert.deepEqual(ended.map(({ stdout, stderr }) => stdout + stderr).filter((said) => said !== ""), []);
    const codes = ended.map(({ code }) => code);
    assert.equal(codes.filter((code) => code === 0).length, 1, `${codes}`);
    assert.deepEqual(codes.filter((code, index) => ![0, 205, ...(index % 2 === 0 ? [204] : [])].includes(code)), []);
    const runs = await history(place);
    assert.deepEqual(runs.map(({ outcome }) => outcome), ["succeeded"]);
    // By the server's clock, which is this machine's. etcd tells no time: there it is by the node's own.
    const at = Date.parse(runs[0]!.started);
    const skew = target.name === "etcd" ? 1000 * MAX_SKEW : 0;
    assert.ok(at >= began - 1 - skew && at <= Date.now() + skew, runs[0]!.started);
  });
}
