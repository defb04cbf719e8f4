/** What may keep a command from being started under its lock. */

import assert from "node:assert/strict";
import type { Execution } from "../../../lib/commands/run/execution.ts";
import { startHolding } from "../../../lib/commands/run/start_holding.ts";
import { AskedToEndError, CommandStartError, InterruptedError, LockLostEarlyError } from "../../../lib/errors.ts";
import { FakePlace } from "../fake_place.ts";

/** Tries to start a command that has a run in the ledger. */
async function refused(place: FakePlace, kind: new (...args: never[]) => Error, parts: Partial<Execution> = {}) {
  await assert.rejects(startHolding(place.execution({ run: place.run(), ...parts }), 0), kind);
  assert.equal(place.progress.verdictOf(new CommandStartError("no")).exitCode, 203);
}

Deno.test("a command is started with its words and variables, and the run goes on from there", async () => {
  using place = new FakePlace();
  const name = "SERA_TEST_STARTED";
  let seen: string | undefined;
  place.system.onStart = () => seen = Deno.env.get(name);
  const command = await startHolding(place.execution({ variables: { [name]: "yes" } }), 0);
  Deno.env.delete(name);
  assert.deepEqual([place.command.words, seen], [["job", "argument"], "yes"]);
  assert.equal(command.target, -place.command.pid);
  assert.deepEqual(place.events, []);
  // It runs: nothing says any more that it did not.
  assert.equal(place.progress.verdictOf(new CommandStartError("no")).exitCode, 208);
});

Deno.test("before the start all signals that would end sera are caught", async () => {
  using place = new FakePlace();
  let caught: readonly Deno.Signal[] = [];
  place.system.onStart = () => caught = place.system.caught;
  await startHolding(place.execution(), 0);
  assert.ok(caught.includes("SIGUSR1"), caught.join());
});

Deno.test("a helper shell that ends while the command runs is reported", async () => {
  using place = new FakePlace();
  await startHolding(place.execution(), 0);
  place.helperShell.onGone("it has gone");
  assert.deepEqual(place.events, ["sera: it has gone"]);
});

Deno.test("after an earlier signal the command is not started, the run is recorded, and the lock released", async () => {
  using place = new FakePlace();
  place.system.send("SIGTERM");
  await place.later();
  await refused(place, InterruptedError);
  assert.deepEqual(place.events, ["run: unstarted 143", "lock: released"]);
  assert.equal(place.system.processes.length, 0);
});

Deno.test("so it is with a signal during the check of the lock", async () => {
  using place = new FakePlace();
  const confirm = async () => {
    place.system.send("SIGINT");
    await place.later();
  };
  await refused(place, InterruptedError, { lock: place.held({ confirm }) });
  assert.deepEqual(place.events, ["run: unstarted 130", "lock: released"]);
});

Deno.test("with a lost lock the command is not started, and the lock is not released", async () => {
  using place = new FakePlace();
  place.lose();
  await assert.rejects(startHolding(place.execution({ run: place.run() }), 0), (error) => {
    assert.ok(error instanceof LockLostEarlyError);
    assert.equal(error.message, "Lock lost: fake; the command was not started");
    return true;
  });
  assert.deepEqual([place.events, place.system.processes.length], [[], 0]);
});

Deno.test("a command that the system does not start is recorded as unstarted", async () => {
  using place = new FakePlace();
  place.system.onStart = () => {
    throw new Deno.errors.NotFound("entity not found");
  };
  await refused(place, CommandStartError, { words: ["/nonexistent/job"] });
  assert.deepEqual(place.events, ["run: unstarted 203", "lock: released"]);
});

Deno.test("with a broken helper shell the command is not started", async () => {
  using place = new FakePlace();
  place.helperShell.throwIfBroken = () => Promise.reject(new CommandStartError("no shell"));
  await refused(place, CommandStartError);
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 203", "lock: released"], 0]);
});

Deno.test("after an abort nothing is started", async () => {
  using place = new FakePlace();
  place.progress.throwIfGivenUp = () => {
    throw new Error("given up");
  };
  await refused(place, Error);
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 202", "lock: released"], 0]);
});

Deno.test("without any shell the command is started, and verbose output says so", async () => {
  using place = new FakePlace(true);
  place.helperShell.isWatching = false;
  await startHolding(place.execution(), 0);
  assert.match(place.events.join(), /^There is no \/bin\/sh/);
  assert.equal(place.system.processes.length, 1);
});

Deno.test("the start waits until the helper shell is ready", async () => {
  using place = new FakePlace();
  const { promise, resolve } = Promise.withResolvers<void>();
  place.helperShell.ready = promise;
  const started = startHolding(place.execution(), 0);
  await place.later();
  assert.equal(place.system.processes.length, 0);
  resolve();
  await started;
});

Deno.test("nothing is started if the lock's release has been requested", async () => {
  using place = new FakePlace();
  const lock = place.held({ asked: AbortSignal.abort(new AskedToEndError("unlock by root", "db2")) });
  await assert.rejects(startHolding(place.execution({ lock, run: place.run() }), 0), {
    message: "Asked to release the lock: unlock by root@db2; the command was not started",
    exitCode: 202,
  });
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 202", "lock: released"], 0]);
});
