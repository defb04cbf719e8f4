/** Runs whose locks are leases, wherever these may be. */

import assert from "node:assert/strict";
import { outcomes } from "./ledger_view.ts";
import { postgres18Target, useLeaseTargets } from "./lease_targets.ts";
import { fixture } from "./place.ts";
import { Together } from "../side_by_side.ts";

const together = new Together();

for (const target of [...useLeaseTargets(), postgres18Target()]) {
  const test = (name: string, fn: () => Promise<void>) => target.test(together, name, fn);

  test("each run has a higher token than the one before, whichever server it uses", async () => {
    await using started = await target.start();
    const { place, other } = started;
    let last = 0n;
    // The default ledger, which does not exist yet.
    const env = { SERA_LEDGER_TABLE: undefined };
    for (const at of [place, other, place, other]) {
      const { code, stdout, stderr } = await at.sera(["--name", "n", "0", "sh", "-c", "echo $SERA_TOKEN"], { env });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.ok(BigInt(stdout) > last, `${stdout} after ${last}`);
      last = BigInt(stdout);
    }
  });

  test("a run waits for a run on another server", async () => {
    await using started = await target.start();
    const { place, other } = started;
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    assert.equal((await other.sera(["--name", "n", "--detailed-exit-codes", "0", "true"])).code, 204);
    await using waiter = other.startSera(["--verbose=stderr", "--name", "n", "forever", "echo", "ran"]);
    await waiter.says(/Waiting for /);
    await holder.closeStdin();
    const { code, stdout } = await waiter.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    assert.equal((await holder.ended).code, 0);
  });

  test("--once counts across servers", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const ended = await Promise.all([place, other, place, other, place, other].map((at) => {
      return at.sera(["--detailed-exit-codes", "--once", "key", "180", "echo", "ran"]);
    }));
    const codes = ended.map(({ code }) => code).toSorted();
    assert.deepEqual(codes, [0, ...codes.slice(1).map(() => 205)]);
    assert.deepEqual(await outcomes(place), ["succeeded"]);
  });
}
