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

Deno.test("before it starts, all signals that would end sera in its place are caught", async () => {
  using place = new FakePlace();
  let caught: readonly Deno.Signal[] = [];
  place.system.onStart = () => caught = place.system.caught;
  await startHolding(place.execution(), 0);
  assert.ok(caught.includes("SIGUSR1"), caught.join());
});

Deno.test("a shell that goes while it runs is told of", async () => {
  using place = new FakePlace();
  await startHolding(place.execution(), 0);
  place.helperShell.onGone("it has gone");
  assert.deepEqual(place.events, ["sera: it has gone"]);
});

Deno.test("a signal that came before keeps it from being started, is recorded, and gives the lock back", async () => {
  using place = new FakePlace();
  place.system.send("SIGTERM");
  await place.later();
  await refused(place, InterruptedError);
  assert.deepEqual(place.events, ["run: unstarted 143", "lock: released"]);
  assert.equal(place.system.processes.length, 0);
});

Deno.test("a signal that comes while the lock is looked at does so as well", async () => {
  using place = new FakePlace();
  const confirm = async () => {
    place.system.send("SIGINT");
    await place.later();
  };
  await refused(place, InterruptedError, { lock: place.held({ confirm }) });
  assert.deepEqual(place.events, ["run: unstarted 130", "lock: released"]);
});

Deno.test("a lock that is lost before keeps it from being started, and there is nothing to give back", async () => {
  using place = new FakePlace();
  place.lose();
  await assert.rejects(startHolding(place.execution({ run: place.run() }), 0), (error) => {
    assert.ok(error instanceof LockLostEarlyError);
    assert.equal(error.message, "Lock lost: fake; the command was not started");
    return true;
  });
  assert.deepEqual([place.events, place.system.processes.length], [[], 0]);
});

Deno.test("what the system does not start is recorded as unstarted", async () => {
  using place = new FakePlace();
  place.system.onStart = () => {
    throw new Deno.errors.NotFound("entity not found");
  };
  await refused(place, CommandStartError, { words: ["/nonexistent/job"] });
  assert.deepEqual(place.events, ["run: unstarted 203", "lock: released"]);
});

Deno.test("a shell that is none keeps it from being started", async () => {
  using place = new FakePlace();
  place.helperShell.throwIfBroken = () => Promise.reject(new CommandStartError("no shell"));
  await refused(place, CommandStartError);
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 203", "lock: released"], 0]);
});

Deno.test("a sera that has given up starts nothing", async () => {
  using place = new FakePlace();
  place.progress.throwIfGivenUp = () => {
    throw new Error("given up");
  };
  await refused(place, Error);
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 202", "lock: released"], 0]);
});

Deno.test("where there is no shell at all it is started, and that is said to those who ask", async () => {
  using place = new FakePlace(true);
  place.helperShell.isWatching = false;
  await startHolding(place.execution(), 0);
  assert.match(place.events.join(), /^There is no \/bin\/sh/);
  assert.equal(place.system.processes.length, 1);
});

Deno.test("it waits until the shell is ready", async () => {
  using place = new FakePlace();
  const { promise, resolve } = Promise.withResolvers<void>();
  place.helperShell.ready = promise;
  const started = startHolding(place.execution(), 0);
  await place.later();
  assert.equal(place.system.processes.length, 0);
  resolve();
  await started;
});

Deno.test("nothing is started under a lock that somebody asks for", async () => {
  using place = new FakePlace();
  const lock = place.held({ asked: AbortSignal.abort(new AskedToEndError("unlock by root", "db2")) });
  await assert.rejects(startHolding(place.execution({ lock, run: place.run() }), 0), {
    message: "Asked to release the lock: unlock by root@db2; the command was not started",
    exitCode: 202,
  });
  assert.deepEqual([place.events, place.system.processes.length], [["run: unstarted 202", "lock: released"], 0]);
});
