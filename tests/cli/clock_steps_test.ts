/** A machine's clock that is set while sera runs, as by an administrator or by NTP. */
// Starts early: leases have to be renewed in it.

import assert from "node:assert/strict";
import { clockOffsetFrom } from "./clock_steps.ts";
import { untilHeartbeats, untilLooked } from "./beats.ts";
import { type HeldSessions, SESSION_TARGETS } from "./held_session.ts";
import { Together } from "../side_by_side.ts";
import { linux, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";

const TTL = "6s";
/** In seconds. */
const DAY = 86_400;

const targets = [{ name: "file", need: linux, start: undefined }, ...SESSION_TARGETS];
const together = new Together();

for (const { name, need = tool("faketime", "--version"), start } of targets) {
  const what = "a clock that is set ends no lease, no wait and no run";
  if (need === undefined) together.test(name, what, () => assertUnmoved(start));
  else console.log(`left out: ${what} on ${name}: ${need}`);
}

async function assertUnmoved(start: (() => Promise<HeldSessions>) | undefined): Promise<void> {
  await using sessions = await start?.();
  await using place = await Place.make(sessions?.server);
  const steps = await place.write("steps", "+0");
  const env = await clockOffsetFrom(steps);
  const days = async () => {
    const { stdout } = await place.sera(["--name", "date", "0", "date", "+%s"], { env });
    return Math.round((Number(stdout) - Date.now() / 1000) / DAY);
  };

  const flags = ["--name", "n", "--ttl", TTL, "--max-run", "1h"];
  await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open", env });
  await holder.says("ready");
  await using waiter = place.startSera(["--verbose", "--name", "n", "1h", "echo", "ran"], { env });
  await waiter.says("Waiting for");
  for (const step of [400, -400]) {
    await place.write("steps", `${step > 0 ? "+" : ""}${step}d`);
    assert.equal(await days(), step);
    if (sessions) await untilHeartbeats(sessions, "n", 2);
    else for (let i = 0; i < 2; i++) await untilLooked(TTL);
    assert.deepEqual({ holder: holder.over, waiter: waiter.over }, { holder: false, waiter: false });
  }
  await holder.closeStdin();
  assert.deepEqual(await holder.ended, { code: 0, stdout: "ready\n", stderr: "" });
  assert.equal((await waiter.ended).code, 0);
}
