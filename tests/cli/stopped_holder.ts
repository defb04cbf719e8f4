/** A sera that is stopped while it holds a lock. */

import assert from "node:assert/strict";
import { fixture, type Place } from "./place.ts";
import { childrenOfSera, lives, overlapping, processInfo, underWatch } from "./process_list.ts";
import { until } from "./wait.ts";

/**
 * Stops a sera whose command does not stop by itself, and asserts that another one gets the lock only when that command is
 * dead; then continues it, and asserts that it exits with 206.
 *
 * @param flags The flags of both.
 * @param other Where the other one starts.
 */
export async function assertCommandDiesFirst(place: Place, flags: readonly string[], other = place): Promise<void> {
  await using holder = place.startSera([...flags, "0", fixture("stubborn.sh")]);
  await holder.says("ready");
  await underWatch(holder);
  // From here on it does nothing by itself.
  await holder.suspend();
  const { command } = childrenOfSera(holder);
  const next = await other.sera([...flags, "forever", ...overlapping(command)]);
  assert.deepEqual(next, { code: 0, stdout: "ran\n", stderr: "" });
  assert.equal(processInfo(holder.pid)?.state, "T");
  await until("the command is dead", () => !lives(command));
  holder.kill("SIGCONT");
  const { code, stderr } = await holder.ended;
  assert.equal(code, 206, stderr);
  assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
}
