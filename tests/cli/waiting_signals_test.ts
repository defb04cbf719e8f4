// Starts early: MySQL 5.6 takes five seconds to see that a waiter has gone.

import assert from "node:assert/strict";
import { fixture } from "./place.ts";
import { FILE, testOnAll, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const SIGNALS = { HUP: 129, INT: 130, QUIT: 131, TERM: 143 };

const targets = useTargets();

for (const [signal, code] of Object.entries(SIGNALS)) {
  // All take the same way, and MySQL 5.6 takes five seconds to see that a waiter has gone.
  const where = signal === "TERM" ? targets : [FILE];
  for (const flags of [[], ["--wait-and-skip"]]) {
    const how = flags.length === 0 ? "its turn" : "the others";
    testOnAll(where, `SIG${signal} while waiting for ${how} ends sera with ${code} at once`, async (target) => {
      await using started = await target.start();
      const { place } = started;
      await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
      await holder.says("ready");
      await using waiter = place.startSera([...flags, "--name", "n", "180", "echo", "ran"]);
      await until("it waits", async () => (await started.waiters("n")) === 1);

      waiter.kill(`SIG${signal}` as Deno.Signal);
      assert.deepEqual(await waiter.ended, { code, stdout: "", stderr: "" });

      await until("no waiter is left", async () => (await started.waiters("n")) === 0);
      await holder.closeStdin();
      assert.equal((await holder.ended).code, 0);
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
    });
  }
}

testOnAll(targets, "SIGHUP while waiting stays ignored under nohup", async (target) => {
  await using started = await target.start();
  const { place } = started;
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.start(["nohup", "sera", "--name", "n", "180", "echo", "ran"]);
  await until("it waits", async () => (await started.waiters("n")) === 1);
  waiter.kill("SIGHUP");
  await until("it has taken the signal", () => isTaken(waiter.pid));
  await holder.closeStdin();
  const { code, stdout } = await waiter.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
});

/** Whether no signal is on its way to the process any more. proc(5), ShdPnd */
function isTaken(pid: number): boolean {
  return /^ShdPnd:\s*0+$/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
}
