import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { isCompiled } from "./program.ts";
import { Running } from "./running.ts";
import { until } from "./wait.ts";

testWith(
  [linux],
  "what Deno says of a debugger after SIGUSR1 counts as said by no program that is not compiled",
  async () => {
    const script =
      'Deno.addSignalListener("SIGUSR1", () => console.error("got it")); setInterval(() => {}, 1000); console.log("ready");';
    await using run = new Running([Deno.execPath(), "eval", script], { env: Deno.env.toObject() });
    await run.says("ready");
    // For longer than the half of a second in which Deno does not listen yet: each look is 10 ms after the one before.
    await until("it has heard the signal many times", () => {
      run.kill("SIGUSR1");
      return run.stderr.split("got it").length > 100;
    });
    if (!isCompiled) assert.deepEqual([...new Set(run.stderr.trimEnd().split("\n"))], ["got it"]);
  },
);
