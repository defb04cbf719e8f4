/** A server whose clock is set while a command runs under a lease. */
// Starts early: leases have to be renewed in it, and to run out.

import assert from "node:assert/strict";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { LeaseTarget, SHORT } from "./lease_targets.ts";
import { clockOffsetFrom } from "./clock_steps.ts";
import { linux, tool } from "./needs.ts";
import { fixture } from "./place.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

const together = new Together();
const steps = await Deno.makeTempFile({ prefix: "sera-steps-" });
await Deno.writeTextFile(steps, "+0");

const target = new LeaseTarget(
  "MariaDB",
  linux ?? mariaDbUnavailable ?? tool("faketime", "--version"),
  async () => {
    const server = await startMariaDb({ env: await clockOffsetFrom(steps) });
    const stop = async () => {
      await server.stop();
      await Deno.remove(steps);
    };
    return { server, settings: [server.dsn()], stop };
  },
);

target.test(
  together,
  "a server's clock that is set lets nobody in while the holder lives, and tokens grow",
  async () => {
    await using started = await target.start();
    const { place } = started;
    const { server } = target.view;
    const flags = ["--name", "n"];
    const year = async () => Number((await server.query("SELECT YEAR(UTC_TIMESTAMP()) AS year"))[0]!.year);
    const now = await year();
    await using holder = place.startSera([...flags, ...SHORT, "180", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera([...flags, "--verbose", "1000", "sh", "-c", "echo token $SERA_TOKEN"]);
    await waiter.says("Waiting for");
    const beats = async () => Number((await started.row("n"))!.beat);
    for (const [step, expected] of [["+400d", now + 1], ["-400d", now - 1], ["+0", now]] as const) {
      await Deno.writeTextFile(steps, step);
      assert.ok(Math.abs(await year() - expected) <= 1 && (step === "+0" || await year() !== now));
      // Before the next renewal, and after it.
      assert.equal((await place.sera([...flags, "0", "echo", "ran"])).code, 204);
      const first = await beats();
      await until("it has been renewed", async () => await beats() >= first + 2);
      assert.equal((await place.sera([...flags, "0", "echo", "ran"])).code, 204);
      assert.deepEqual([holder.over, waiter.over], [false, false]);
    }
    // Who has seen the lease goes by its own clock also when the holder's session has gone.
    await started.cutAll();
    await Deno.writeTextFile(steps, "+1d");
    const first = await beats();
    await until("it has been renewed", async () => await beats() >= first + 7);
    assert.deepEqual([holder.over, waiter.over], [false, false]);
    await holder.closeStdin();
    assert.deepEqual(await holder.ended, { code: 0, stdout: "ready\n", stderr: "" });
    const { code, stdout } = await waiter.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^token 2$/m);
  },
);
