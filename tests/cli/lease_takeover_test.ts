/** Holders of leases that are killed, or stopped: when others may start. */
// Starts early: leases have to run out in it.

import assert from "node:assert/strict";
import { marginOf } from "../../lib/lock/expiry_watch.ts";
import { useLeaseTargets } from "./lease_targets.ts";
import { fixture } from "./place.ts";
import { childrenOfSera, lives, underWatch } from "./process_list.ts";
import { Together } from "../side_by_side.ts";
import { assertCommandDiesFirst } from "./stopped_holder.ts";
import { until } from "./wait.ts";

const together = new Together();

/**
 * How long the lease of a holder that is killed or stopped lasts, in seconds: a slow machine starts another sera meanwhile,
 * and ends the command within the margin, a sixth of it.
 */
const TTL = 20;

/** A command that says when it began, in milliseconds since 1970, and its token. */
const WHEN = ["sh", "-c", 'date "+%s%3N $SERA_TOKEN"'];

for (const target of useLeaseTargets()) {
  const test = (name: string, fn: () => Promise<void>) => target.test(together, name, fn);
  const flags = ["--name", "n"];
  const lasting = ["--name", "n", "--ttl", `${TTL}s`, "--grace", "1s"];

  test("after kill -9 on a holder nobody starts before its lease has expired and its command is dead", async () => {
    await using started = await target.start();
    const { place, other } = started;
    await using holder = place.startSera([...lasting, "180", fixture("stubborn.sh")]);
    await holder.says("ready");
    await underWatch(holder);
    const { command } = childrenOfSera(holder);
    holder.kill("SIGKILL");
    await holder.ended;
    await until("the command is dead", () => !lives(command));
    const expires = await started.expires("n");
    const busy = await other.sera([...flags, "--verbose", "0", ...WHEN]);
    assert.equal(busy.code, 204);
    assert.match(busy.stdout, new RegExp(`somebody else holds it \\(\\S+:${holder.pid} n, since [^\n]+\\)`));
    // Who waits, and who looks again and again; long before, that would only keep the machine busy.
    await using waiter = place.startSera([...flags, "180", ...WHEN]);
    await until("the end of the lease is near", () => Date.now() > expires - 2000);
    const cron = await until("it gets the lease", async () => {
      const { code, stdout } = await other.sera([...flags, "0", ...WHEN]);
      return code === 0 ? stdout : "";
    });
    const runs = [cron, (await waiter.ended).stdout].map((line) => line.split(" ").map(Number));
    const earliest = expires + marginOf(TTL * 1000);
    for (const [began] of runs) assert.ok(began! >= earliest, `${began! - expires} ms after its end`);
    assert.deepEqual(runs.map(([, token]) => token).sort(), [2, 3]);
    assert.equal((await waiter.ended).code, 0);
  });

  test("when a holder is stopped, its command is dead before another gets the lease, and it exits with 206", async () => {
    await using started = await target.start();
    const { place, other } = started;
    await assertCommandDiesFirst(place, lasting, other);
    assert.equal((await started.row("n"))?.fence, "2");
  });

  test("a sera that was stopped during its claim starts nothing once the lease may be another's", async () => {
    await using started = await target.start();
    const { place, other } = started;
    assert.equal((await place.sera([...flags, "0", "true"])).code, 0);
    await using sera = place.startSera([...flags, "--ttl", "12s", "--grace", "1s", "200", ...WHEN]);
    // The claim that is stopped must be one that is carried out: it may have failed just before.
    await until("its claim is carried out while it is stopped", async () => {
      sera.kill("SIGCONT");
      {
        await using _ = await started.block("n");
        await until("it claims", async () => await started.claims() > 0 || sera.over);
        await sera.suspend();
      }
      await until("nothing is being claimed", async () => await started.claims() === 0);
      return (await started.row("n"))!.owner !== null;
    });
    assert.equal(sera.over, false, sera.stderr);
    const token = Number((await started.row("n"))!.fence);
    const next = await other.sera([...flags, "180", ...WHEN]);
    const [began, tokenOfNext] = next.stdout.split(" ").map(Number);
    assert.deepEqual([next.code, tokenOfNext], [0, token + 1], next.stderr);
    sera.kill("SIGCONT");
    const { code, stdout, stderr } = await sera.ended;
    assert.equal(code, 0, stderr);
    const [beganLater, tokenOfLater] = stdout.split(" ").map(Number);
    assert.equal(tokenOfLater, token + 2);
    assert.ok(beganLater! > began!);
  });
}
