/** Runs whose locks are leases, wherever these may be. */

import assert from "node:assert/strict";
import { outcomes } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { testOnAll, useLeaseTargets } from "./targets.ts";
import { until } from "./wait.ts";

const targets = useLeaseTargets();

testOnAll(targets, "each run has a higher token than the one before, whichever server it uses", async (target) => {
  await using started = await target.start();
  const { place, servers } = started;
  let last = 0n;
  // The default ledger, which nobody has made.
  const env = { SERA_LEDGER_TABLE: undefined };
  for (const server of [...servers, ...servers]) {
    const flags = ["--server", server, "--name", "n"];
    const { code, stdout, stderr } = await place.sera([...flags, "0", "sh", "-c", "echo $SERA_TOKEN"], { env });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.ok(BigInt(stdout) > last, `${stdout} after ${last}`);
    last = BigInt(stdout);
  }
});

testOnAll(targets, "one waits for the other, on another server, and is seen to", async (target) => {
  await using started = await target.start();
  const { place, servers, waiters } = started;
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const flags = ["--server", servers.at(-1)!, "--name", "n"];
  assert.equal((await place.sera([...flags, "--detailed-exit-codes", "0", "true"])).code, 204);
  await using waiter = place.startSera([...flags, "forever", "echo", "ran"]);
  await until("it waits", async () => await waiters("n") > 0);
  await holder.closeStdin();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
  assert.equal((await holder.ended).code, 0);
});

testOnAll(targets, "what is done once is done once, whichever server is asked", async (target) => {
  await using started = await target.start();
  const { place, servers } = started;
  const run = (server: string) =>
    place.sera(["--server", server, "--detailed-exit-codes", "--once", "key", "30", "echo", "ran"]);
  const ended = await Promise.all([...servers, ...servers, ...servers].map(run));
  const codes = ended.map(({ code }) => code).toSorted();
  assert.deepEqual(codes, [0, ...codes.slice(1).map(() => 205)]);
  assert.deepEqual(await outcomes(place), ["succeeded"]);
});
