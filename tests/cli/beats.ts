/** Events for what a holder does at intervals. */

import { lockName } from "../../lib/lock/lock_name.ts";
import type { HeldSessions } from "./held_session.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

/** Resolves when the session that holds the lock of this key has sent so many statements. */
export async function untilHeartbeats(sessions: HeldSessions, key: string, beats: number): Promise<void> {
  let last = await sessions.lastStatement(key);
  let seen = 0;
  await until(`${beats} statements of the holder`, async () => {
    const now = await sessions.lastStatement(key);
    if (now !== last) seen++;
    last = now;
    return seen >= beats;
  });
}

/**
 * Resolves when whoever holds a lock on a file for as long has looked at it since this was called: another one, which
 * began later, has looked at its file, and said that it is gone.
 *
 * @param ttl As the flag takes it.
 */
export async function untilLooked(ttl: string): Promise<void> {
  await using place = await Place.make();
  await using other = place.startSera(["--ttl", ttl, "--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await other.says("ready");
  await Deno.remove(`${place.locks}/${lockName("n")}.lock`);
  await other.says("Lock lost");
}
