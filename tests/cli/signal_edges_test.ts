// Starts early: it starts sera some hundred times.

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import type { Running } from "./running.ts";
import { pause } from "./wait.ts";

/** How often to try: without care for the edges a third of the runs end by the signal. */
const RUNS = 20;

/** Sends a signal again and again until the process has ended. */
async function sendRepeatedly(run: Running, signal: Deno.Signal): Promise<void> {
  while (!run.over) {
    run.kill(signal);
    await pause(1);
  }
}

/** The exit codes of many runs of one command, each sent the signal from the command's first word on. */
async function codes(args: readonly string[], script: string, signal: Deno.Signal): Promise<readonly number[]> {
  await using place = await Place.make();
  const codes = [];
  for (let index = 0; index < RUNS; index++) {
    await using run = place.startSera([...args, "0", "sh", "-c", script]);
    await run.says("up");
    await sendRepeatedly(run, signal);
    const { code, stderr } = await run.ended;
    assert.equal(stderr, "");
    codes.push(code);
  }
  return codes;
}

for (const signal of ["TERM", "HUP", "INT", "QUIT", "USR1", "ALRM", "XFSZ", "PWR"] as const) {
  testWith(
    [linux],
    `SIG${signal} from the command's end on does not end sera, whose exit code is the command's`,
    async () => {
      const script = `trap '' ${signal === "PWR" ? 30 : signal}; echo up; exit 5`;
      assert.deepEqual(await codes([], script, `SIG${signal}`), Array(RUNS).fill(5));
    },
  );
}

testWith([linux], "SIGTERM while sera keeps a run in its ledger leaves the command's exit code", async () => {
  const script = "trap '' TERM; echo up; exit 5";
  assert.deepEqual(await codes(["--every", "1ms"], script, "SIGTERM"), Array(RUNS).fill(5));
});

for (const signal of ["USR1", "TERM", "HUP"] as const) {
  testWith([linux], `SIG${signal} right after the command's start reaches it`, async () => {
    const script = `exec 2>/dev/null; trap 'exit 6' ${signal}; echo up; while :; do sleep 0.01; done`;
    assert.deepEqual(await codes([], script, `SIG${signal}`), Array(RUNS).fill(6));
  });
}

testWith([linux], "a signal that ends the command is the exit code, however many more come", async () => {
  assert.deepEqual(
    await codes([], "exec 2>/dev/null; echo up; while :; do sleep 0.01; done", "SIGTERM"),
    Array(RUNS).fill(143),
  );
});
