/** `sera unlock` for locks that are rows: the holder sees that it is asked when it renews its lease. */

import assert from "node:assert/strict";
import { endByAsking } from "./end_by_asking.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { Together } from "../side_by_side.ts";
import { type LeaseTarget, type StartedLeases, useLeaseTargets } from "./lease_targets.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";

const SHORT = { SERA_TTL: "6s", SERA_GRACE: "1s" };
/** Long enough for a paused holder to keep its lease while others look. */
const LONG = { SERA_TTL: "60s", SERA_GRACE: "1s" };
const together = new Together();

function testOn(
  kind: LeaseTarget,
  name: string,
  fn: (started: StartedLeases, holder: Running) => Promise<void>,
  env = SHORT,
): void {
  kind.test(together, name, async () => {
    await using started = await kind.start();
    const words = ["--once", "k", "--name", "n", "0", fixture("hold.sh")];
    await using holder = started.place.startSera(words, { stdin: "open", env });
    await holder.says("ready");
    await fn(started, holder);
  });
}

for (const kind of useLeaseTargets()) {
  testOn(
    kind,
    "a holder that is asked ends, and says who asked",
    async ({ place, other, row, query, table }, holder) => {
      await endByAsking(place, holder, other);
      assert.equal((await row("n"))?.owner, null);
      // The next holder is not asked.
      await using next = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open", env: SHORT });
      await next.says("ready");
      assert.equal((await row("n"))?.beat, "1");
      await next.closeStdin();
      assert.equal((await next.ended).code, 0);
      const [who] = await query(`SELECT owner FROM ${table} WHERE name = 'end:${lockName("n")}'`);
      assert.equal(who?.owner, null);
    },
  );

  testOn(kind, "a paused holder is taken the row from, with the next token", async ({ place, row }, holder) => {
    await underWatch(holder);
    await holder.suspend();
    const before = await row("n");
    const asked = await place.sera(["unlock", "--yes", "--wait", "500ms", "--json", "--name", "n"]);
    const { outcome, holder: { lease } } = JSON.parse(asked.stdout);
    assert.deepEqual([asked.code, outcome, String(lease.token)], [1, "held", before?.fence]);
    // The request is taken back.
    assert.deepEqual(await row("n"), before);
    const forced = await place.sera(["unlock", "--yes", "--wait", "0", "--force", "--json", "--name", "n"]);
    const { outcome: how, may_run_until: until, reason } = JSON.parse(forced.stdout);
    assert.deepEqual([forced.code, how, reason], [0, "forced", null], forced.stdout);
    assert.ok(Date.parse(until) > Date.now() - 1000);
    assert.deepEqual([(await row("n"))?.owner, (await row("n"))?.fence], [null, String(BigInt(before!.fence!) + 1n)]);
    const next = await place.sera(["--name", "n", "180", "sh", "-c", "echo $SERA_TOKEN"]);
    assert.deepEqual([next.stdout, next.code], [`${BigInt(before!.fence!) + 2n}\n`, 0]);
    holder.kill("SIGCONT");
    assert.equal((await holder.ended).code, 206);
  }, LONG);

  testOn(
    kind,
    "a holder that was killed answers nobody; by force its row is free before its time",
    async ({ place }, holder) => {
      await underWatch(holder);
      holder.kill("SIGKILL");
      await holder.ended;
      const forced = await place.sera(["unlock", "--yes", "--wait", "500ms", "--force", "--json", "--name", "n"]);
      assert.deepEqual([forced.code, JSON.parse(forced.stdout).outcome], [0, "forced"], forced.stdout + forced.stderr);
      assert.equal((await place.sera(["--name", "n", "180", "true"])).code, 0);
    },
    LONG,
  );
}
