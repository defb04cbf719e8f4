// Starts early: leases have to run out in it.

import assert from "node:assert/strict";
import { untilHeartbeats } from "./beats.ts";
import { useHeldSessions } from "./held_session.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, lives } from "./process_list.ts";
import { sideBySide, Together } from "../side_by_side.ts";
import { assertCommandDiesFirst } from "./stopped_holder.ts";
import { until } from "./wait.ts";

const together = new Together();

for (const target of useHeldSessions()) {
  const test = (name: string, fn: () => Promise<void>) => target.testTogether(together, name, fn);

  test("when sera is stopped, with and without a grace period, its command is dead before another gets the lock", async () => {
    const dies = async (name: string, flags: readonly string[]) => {
      await using place = await Place.make(target.sessions.server);
      // A tenth of it is the time to kill the command in, also on a busy machine.
      await assertCommandDiesFirst(place, ["--name", name, "--ttl", "10", ...flags]);
    };
    await sideBySide({
      "with a grace period": () => dies("with", ["--grace", "20"]),
      "without one": () => dies("without", ["--grace", "0"]),
    });
  });

  test("a waiter that was stopped for longer than the ttl reconnects and goes on waiting", async () => {
    await using place = await Place.make(target.sessions.server);
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera([
      "--name",
      "n",
      "--ttl",
      "6",
      "--grace",
      "0",
      "--verbose",
      "forever",
      "echo",
      "ran",
    ]);
    await waiter.says("Waiting for");
    await until("it waits", async () => await target.sessions.countWaiters("n") === 1);
    await waiter.suspend();
    // By itself, or as an administrator would: a server may let a waiter stay that it is about to answer.
    if (target.name === "PostgreSQL") {
      await until("the server has ended its session", async () => await target.sessions.countWaiters("n") === 0);
    } else await target.sessions.cutWaiters("n");
    waiter.kill("SIGCONT");
    await until("it waits again", async () => await target.sessions.countWaiters("n") === 1);
    assert.equal(waiter.over, false);
    await holder.closeStdin();
    const { code, stdout, stderr } = await waiter.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Lock acquired after [^\n]+\nran\n/m);
    assert.match(stderr, /^sera: Cannot lock on [^\n]+; retrying until the wait is over\.\n$/);
    await holder.ended;
  });

  test("a command goes on beyond the ttl as long as checks find its lock held", async () => {
    await using place = await Place.make(target.sessions.server);
    await using run = place.startSera(["--name", "n", "--ttl", "6", "--grace", "0", "0", fixture("hold.sh")], {
      stdin: "open",
    });
    await run.says("ready");
    // Three come in a ttl.
    await untilHeartbeats(target.sessions, "n", 4);
    await run.closeStdin();
    assert.deepEqual(await run.ended, { code: 0, stdout: "ready\n", stderr: "" });
  });

  test("with on-lost=warn a stopped sera does not affect its command", async () => {
    await using place = await Place.make(target.sessions.server);
    const flags = ["--name", "n", "--ttl", "6", "--grace", "0", "--on-lost", "warn"];
    await using run = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    await run.suspend();
    const { command } = childrenOfSera(run);
    assert.equal((await place.sera(["--name", "n", "180", "true"])).code, 0);
    assert.ok(lives(command));
    run.kill("SIGCONT");
    await run.says("goes on");
    await run.closeStdin();
    assert.equal((await run.ended).code, 0);
  });
}
