/** `sera unlock` for locks that belong to a session of a database. */

import assert from "node:assert/strict";
import { endByAsking } from "./end_by_asking.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { type StartedTarget, type Target, testOn, useTargets } from "./targets.ts";

const TARGETS = useTargets().filter(({ inSession }) => inSession);
const SHORT = { SERA_TTL: "6s", SERA_GRACE: "1s" };
/** Long enough for a paused holder to keep its session while others look. */
const LONG = { SERA_TTL: "60s", SERA_GRACE: "1s" };

async function withHolder(
  target: Target,
  act: (started: StartedTarget, holder: Running) => Promise<void>,
  { flags = [], env = SHORT }: { readonly flags?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<void> {
  await using started = await target.start();
  const words = [...flags, "--name", "n", "0", fixture("hold.sh")];
  await using holder = started.place.startSera(words, { stdin: "open", env });
  await holder.says("ready");
  await act(started, holder);
}

for (const target of TARGETS) {
  testOn(target, `${target.name}: a holder that is asked ends, and says who asked`, async () => {
    await withHolder(target, async ({ place }, holder) => {
      await endByAsking(place, holder);
      assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "true"])).code, 0);
    }, { flags: ["--once", "k"] });
  });

  testOn(target, `${target.name}: a paused holder does not answer; by force its session is ended`, async () => {
    await withHolder(target, async ({ place }, holder) => {
      await underWatch(holder);
      await holder.suspend();
      {
        await using unlocker = place.startSera(["unlock", "--yes", "--wait", "forever", "--name", "n"]);
        await unlocker.says("Asked it to end");
        // The request does not count as a lock.
        const { locks } = JSON.parse((await place.sera(["status", "--json"])).stdout);
        assert.deepEqual(locks.filter(({ lock }: { lock: string }) => lock !== lockName("n")), []);
        unlocker.kill("SIGINT");
        assert.equal((await unlocker.ended).code, 130);
      }
      const asked = await place.sera(["unlock", "--yes", "--wait", "500ms", "--json", "--name", "n"]);
      assert.deepEqual([asked.code, JSON.parse(asked.stdout).outcome], [1, "held"]);
      const forced = await place.sera(["unlock", "--yes", "--wait", "0", "--force", "--name", "n"]);
      assert.match(forced.stdout, /\nReleased by force(; the holder may still run until [-0-9]+ [:0-9]+Z)?\.\n$/);
      assert.equal(forced.code, 0);
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
      holder.kill("SIGCONT");
      assert.equal((await holder.ended).code, 206);
    }, { env: LONG });
  });

  testOn(target, `${target.name}: two who unlock at once are both told that it is released`, async () => {
    await withHolder(target, async ({ place }, holder) => {
      const both = await Promise.all([1, 2].map(() => place.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"])));
      assert.deepEqual(both.map(({ code }) => code), [0, 0], JSON.stringify(both));
      assert.equal((await holder.ended).code, 206);
    });
  });
}
