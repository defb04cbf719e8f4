/** The compiled program opens no debugger, which would let every local user run code as root. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { isCompiled } from "./program.ts";
import { until } from "./wait.ts";

const compiled = isCompiled ? undefined : "the program is not compiled, and Deno itself opens a debugger";

testWith([linux, compiled], "SIGUSR1 is for the command alone: it starts no debugger", async () => {
  await using place = await Place.make();
  const script = "trap 'echo got USR1' USR1; echo ready; while :; do read -r _; done";
  await using run = place.startSera(["0", "sh", "-c", script], { stdin: "open" });
  await run.says("ready");
  // Deno 2.9 listens for the signal from half a second after its start: these take longer.
  await until("the command has had many signals", () => {
    run.kill("SIGUSR1");
    return run.stdout.split("got USR1").length > 80;
  });
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;
  assert.deepEqual({ code, stderr }, { code: 143, stderr: "" });
});
