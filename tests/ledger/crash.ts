/**
 * A program that runs once as sera does, and kills itself before a step or while it is being done.
 *
 * Its arguments: the plan as JSON, the number of the step, and `before`, `amid`, or how many of its statements are done.
 */

import { type DoStep, runOnce } from "./run_steps.ts";

const [plan, number, when] = Deno.args as [string, string, string];
let steps = 0;

const doStep: DoStep = async (_, step, parts = []) => {
  if (++steps !== Number(number)) return await step();
  if (when === "amid") {
    step().catch(() => undefined);
    // Let the request go out.
    await new Promise((resolve) => setTimeout(resolve, 1));
  } else if (when !== "before") {
    for (const part of parts.slice(0, Number(when))) await part();
  }
  Deno.kill(Deno.pid, "SIGKILL");
  return await new Promise(() => undefined);
};

await runOnce(JSON.parse(plan), doStep);
