/** What sera does besides locking, with leases, wherever they may live. */

import assert from "node:assert/strict";
import { SHORT, type StartedLeases, useLeaseTargets } from "./lease_targets.ts";
import { fixture } from "./place.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

/** One that is to get a short lease waits: on a busy machine its first answer may come too late for it. */
const BRIEFLY = [...SHORT, "180"];

const RAN = { code: 0, stdout: "ran\n", stderr: "" };
const SKIPPED = { code: 205, stdout: "", stderr: "" };
const BUSY = { code: 204, stdout: "", stderr: "" };

/** What became of the runs, in their order. */
async function outcomes({ ledger, query }: StartedLeases): Promise<unknown[]> {
  return (await query(`SELECT outcome FROM ${ledger.table} ORDER BY id`)).map(({ outcome }) => outcome);
}

const together = new Together();

for (const target of useLeaseTargets()) {
  const test = (name: string, fn: () => Promise<void>) => target.test(together, name, fn);

  test("a lease excludes others until it is released, and gives growing tokens", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const flags = ["--name", "n"];
    const show = ["sh", "-c", 'echo "token $SERA_TOKEN"; read -r _; exit 0'];
    await using holder = place.startSera([...flags, ...BRIEFLY, ...show], { stdin: "open" });
    await holder.says("token 1\n");
    assert.deepEqual(await other.sera([...flags, "0", "echo", "ran"]), BUSY);
    await using waiter = other.startSera([...flags, "--verbose", "180", "sh", "-c", "echo token $SERA_TOKEN"]);
    await waiter.says(new RegExp(`Waiting for \\S+:${holder.pid} n, since `));
    // It outlives a lease.
    const first = Number((await started.row("n"))!.beat);
    await until("it has been renewed", async () => Number((await started.row("n"))!.beat) >= first + 7);
    assert.equal(waiter.over, false);
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    const { code, stdout } = await waiter.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^token 2$/m);
    assert.deepEqual(await other.sera([...flags, "0", "sh", "-c", "echo token $SERA_TOKEN"]), {
      ...RAN,
      stdout: "token 3\n",
    });
    const row = await started.row("n");
    assert.deepEqual([row?.owner, row?.fence], [null, "3"]);
  });

  test("with a lease, --once and --every run a command once", async () => {
    await using started = await target.start();
    const { place, other } = started;
    for (const rule of [["--once", "k"], ["--every", "1h"]]) {
      const run = ["--name", rule[0]!, "--detailed-exit-codes", ...rule, "0", "echo", "ran"];
      assert.deepEqual(await place.sera(run), RAN);
      assert.deepEqual(await other.sera(run), SKIPPED);
    }
    assert.deepEqual(await outcomes(started), ["succeeded", "succeeded"]);
  });

  test("with a lease, --wait-and-skip waits for the holder, and skips", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const flags = ["--name", "n"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    const skipper = [...flags, "--verbose", "--detailed-exit-codes", "--wait-and-skip", "180", "echo", "ran"];
    await using waiter = other.startSera(skipper);
    await waiter.says("waiting for ");
    await holder.closeStdin();
    await holder.ended;
    const { code, stdout } = await waiter.ended;
    assert.equal(code, 205);
    assert.doesNotMatch(stdout, /^ran$/m);
    assert.equal((await started.row("n"))?.owner, null);
  });

  test("with a lease, --min-hold keeps others out after the command", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const flags = ["--name", "n"];
    await using holder = place.startSera([...flags, "--ledger", "--verbose", "--min-hold", "1h", ...BRIEFLY, "true"]);
    await holder.says("Keeping the lock for another ");
    const first = Number((await started.row("n"))!.beat);
    await until("it has been renewed", async () => Number((await started.row("n"))!.beat) >= first + 7);
    assert.deepEqual(await other.sera([...flags, "0", "echo", "ran"]), BUSY);
    assert.deepEqual(await outcomes(started), ["succeeded"]);
    holder.kill("SIGTERM");
    assert.equal((await holder.ended).code, 0);
    assert.deepEqual(await other.sera([...flags, "0", "echo", "ran"]), RAN);
  });

  test("with a lease, --max-run stops the command, and releases the lock", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const flags = ["--name", "n"];
    const { code, stderr } = await place.sera([...flags, "--max-run", "500ms", "0", fixture("stubborn.sh")]);
    assert.equal(code, 207, stderr);
    assert.deepEqual(await other.sera([...flags, "0", "echo", "ran"]), RAN);
  });

  test("with a lease, --on-lost=warn reports that another has the lock, and the command goes on", async () => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--name", "n", "--on-lost=warn"];
    await using holder = place.startSera([...flags, ...BRIEFLY, fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await started.write("n", `owner = '${"e".repeat(32)}', fence = fence + 1, beat = beat + 1, host = 'web7'`);
    await holder.says(/^sera: Lock lost: [^\n]*its lease is held by web7:[^\n]*goes on/m);
    assert.equal(holder.over, false);
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    assert.equal((await started.row("n"))?.owner, "e".repeat(32));
  });
}
