/** `sera forget` where locks are leases: it takes the lease that a run would. */

import assert from "node:assert/strict";
import { Together } from "../side_by_side.ts";
import { useLeaseTargets } from "./lease_targets.ts";
import { fixture } from "./place.ts";

const together = new Together();

for (const target of useLeaseTargets()) {
  target.test(together, "forget takes the lease, and leaves a command alone that runs", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const flags = ["--name", "n", "--once", "k"];
    const forget = ["forget", "--yes", "--name", "n", "--once", "k"];
    const ran = { code: 0, stdout: "ran\n", stderr: "" };
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), ran);
    await using holder = place.startSera(["--name", "n", "--ledger", "0", fixture("hold.sh")], {
      stdin: "open",
    });
    await holder.says("ready");
    assert.equal((await other.sera(forget)).code, 204);
    await holder.closeStdin();
    await holder.ended;
    assert.equal((await other.sera([...flags, "--detailed-exit-codes", "0", "echo", "ran"])).code, 205);
    const { code, stdout, stderr } = await other.sera(forget);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^Forgot run \d+ by /);
    // The lease was given back.
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), ran);
    assert.equal((await other.sera([...flags, "--detailed-exit-codes", "0", "echo", "ran"])).code, 205);
  });
}
