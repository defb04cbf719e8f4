import assert from "node:assert/strict";
import type { Place } from "./place.ts";
import type { Running } from "./running.ts";

/**
 * Ends the holder of the lock `n`, which runs hold.sh, by asking it, and makes sure that it says who asked and records its
 * run as failed.
 *
 * @param asker Where sera is called from; by default the holder's place.
 */
export async function endByAsking(place: Place, holder: Running, asker = place): Promise<void> {
  const { code, stdout, stderr } = await asker.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"]);
  assert.deepEqual([stdout.trimEnd().split("\n").slice(1), code], [["Released."], 0], stdout + stderr);
  const ended = await holder.ended;
  assert.equal(ended.code, 206);
  assert.match(
    ended.stderr,
    new RegExp(`^sera: Asked to release the lock: unlock by \\S+@${Deno.hostname()}; stopping .*hold.sh\n$`),
  );
  const { runs: [run] } = JSON.parse((await place.sera(["history", "--json"])).stdout);
  assert.deepEqual([run.outcome, run.exit_code], ["failed", 206]);
}
