/** The fencing token of a lease, beside the numbers of a ledger. */

import assert from "node:assert/strict";
import { useLeaseTargets } from "./lease_targets.ts";
import { Together } from "../side_by_side.ts";

const together = new Together();

for (const target of useLeaseTargets()) {
  const test = (name: string, fn: () => Promise<void>) => target.test(together, name, fn);

  test("with a lease the token is above all of the ledger's, and grows with each run", async () => {
    await using started = await target.start();
    const { place, other } = started;
    const tokens: number[] = [];
    let last = place;
    const run = async (...flags: string[]) => {
      last = last === place ? other : place;
      const { code, stdout, stderr } = await last.sera([...flags, "--name", "n", "0", "sh", "-c", "echo $SERA_TOKEN"]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      tokens.push(Number(stdout));
      return stdout;
    };
    // As before a switchover; where session locks do not exclude others, unsafe servers are allowed.
    const before = ["--lease=false", "--allow-unsafe-server", "--ledger"];
    // The same table of runs serves other locks.
    for (let other = 0; other < 3; other++) {
      assert.equal((await place.sera([...before, "--name", "other", "0", "true"])).code, 0);
    }
    await run(...before);
    await run(...before);
    await run();
    await run();
    await run("--ledger");
    await run("--ledger");
    await run();
    await run("--once", "k");
    assert.ok(tokens.every((token, index) => index === 0 || token > tokens[index - 1]!), tokens.join());
    assert.ok(tokens[0]! >= 4, tokens.join());
  });

  test("with a lease and a ledger the run id comes from the ledger, the token from the lease", async () => {
    await using started = await target.start();
    const { place } = started;
    const run = (...flags: string[]) => {
      return place.sera([...flags, "--name", "n", "0", "sh", "-c", "echo ${SERA_RUN_ID--} $SERA_TOKEN"]);
    };
    const shown = [];
    for (const flags of [[], [], ["--ledger"], [], ["--ledger"]]) shown.push((await run(...flags)).stdout.trim());
    const [first, second, third, fourth, fifth] = shown.map((text) => text.split(" "));
    assert.deepEqual([first, second, fourth].map((line) => line?.[0]), ["-", "-", "-"]);
    const [one, two] = [third, fifth].map((line) => Number(line![0]));
    assert.ok(two! > one!);
    assert.deepEqual(shown.map((text) => Number(text.split(" ")[1])), [1, 2, 3, 4, 5]);
    const outcomes = await started.query(`SELECT outcome FROM ${started.ledger.table} ORDER BY id`);
    assert.deepEqual(outcomes.map(({ outcome }) => outcome), ["succeeded", "succeeded"]);
  });
}
