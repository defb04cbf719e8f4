/** How long a command may run, and for how long its lock is kept, on a clock that the test moves. */

import assert from "node:assert/strict";
import { executeHolding } from "../../../lib/commands/run/execute.ts";
import { keepForMinHold } from "../../../lib/commands/run/finish_run.ts";
import { untilEnded } from "../../../lib/commands/run/until_ended.ts";
import { LockLostError, MaxRunError } from "../../../lib/errors.ts";
import { FakeCommand } from "../../child/fake_command.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { Surroundings, test } from "../surroundings.ts";

const HOUR = 3_600_000;
const TOO_LONG = new MaxRunError("too long");

/** A command that has been started, and that nothing but KILL ends before the test does. */
function startedIn(place: Surroundings): FakeCommand {
  place.watch.helperShell.kill = () => undefined;
  place.progress.started();
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137);
  return command;
}

test("a command gets TERM when --max-run is over, not sooner, and KILL after the grace period", async () => {
  using clock = new FakeClock();
  await using place = new Surroundings();
  const command = startedIn(place);
  const parts = { maxRun: { limit: HOUR, error: TOO_LONG }, grace: 10_000 };
  const run = untilEnded(command, place.execution(parts));
  await clock.to(HOUR - 1);
  assert.deepEqual(command.got, []);
  await clock.to(HOUR);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  assert.deepEqual(place.events, ["sera: too long; stopping job"]);
  await clock.to(HOUR + 9999);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await clock.to(HOUR + 10_000);
  assert.equal(command.wasSent("SIGKILL"), true);
  await clock.to(HOUR + 11_000);
  assert.equal((await run).stoppedBy, TOO_LONG);
});

test("a command that ends before --max-run is over gets no signal", async () => {
  using clock = new FakeClock();
  await using place = new Surroundings();
  const command = startedIn(place);
  const execution = place.execution({ maxRun: { limit: HOUR, error: TOO_LONG } });
  const run = untilEnded(command, execution);
  await clock.to(HOUR - 1);
  command.end(7);
  const { exitCode, stoppedBy } = await run;
  assert.deepEqual({ exitCode, stoppedBy }, { exitCode: 7, stoppedBy: undefined });
  await clock.to(10 * HOUR);
  assert.deepEqual({ got: command.got, said: place.events }, { got: [], said: [] });
});

test("after a lost lock the grace period ends with the lease", async () => {
  using clock = new FakeClock();
  await using place = new Surroundings();
  const command = startedIn(place);
  const lost = new AbortController();
  const run = untilEnded(command, place.execution({ lock: place.lock({ lost: lost.signal }), grace: HOUR }));
  await clock.to(1000);
  lost.abort(new LockLostError("Lock lost: fake", undefined, 700));
  await clock.to(1699);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await clock.to(1700);
  assert.equal(command.wasSent("SIGKILL"), true);
  await clock.to(3000);
  assert.ok((await run).stoppedBy instanceof LockLostError);
});

/** Runs a command that ends at once, for which the lock is to be held for an hour. */
async function keeping(
  act: (clock: FakeClock, released: () => boolean, lose: () => void) => Promise<void>,
): Promise<string[]> {
  using clock = new FakeClock();
  await using place = new Surroundings();
  const lost = new AbortController();
  const lose = () => lost.abort(new LockLostError("Lock lost: fake", undefined, 0));
  const said: string[] = [];
  place.logger.log = (_level, _event, message) => void said.push(message);
  const lock = place.lock({ lost: lost.signal });
  const run = executeHolding(place.execution({ lock, words: ["sh", "-c", "exit 3"], minHold: HOUR }));
  await clock.until("the command is done", () => said.some((message) => message.startsWith("Keeping the lock")));
  await act(clock, () => place.events.includes("released"), lose);
  assert.equal(await run, 3);
  return said;
}

test("--min-hold keeps the lock after the command for the rest of its time, and no longer", async () => {
  const said = await keeping(async (clock, released) => {
    await clock.to(HOUR - 1);
    assert.equal(released(), false);
    await clock.to(HOUR);
    await clock.until("it is released", released);
  });
  assert.ok(said.includes("Keeping the lock for another 1h (--min-hold)."), said.join("\n"));
});

test("--min-hold includes the command's duration", async () => {
  for (const [held, left] of [[HOUR / 4, 3 * HOUR / 4], [3 * HOUR / 4, HOUR / 4], [HOUR, 0], [2 * HOUR, 0]] as const) {
    using clock = new FakeClock();
    await using place = new Surroundings();
    let over = false;
    const kept = keepForMinHold(place.execution({ lock: place.lock(), minHold: HOUR }), held).then(() => over = true);
    if (left > 0) {
      await clock.to(left - 1);
      assert.equal(over, false, `${held}`);
      await clock.to(left);
    }
    await clock.until("it is over", () => over);
    assert.equal(clock.now, left);
    await kept;
  }
});

test("a lock that is lost meanwhile is not kept any longer", async () => {
  await keeping(async (clock, released, lose) => {
    await clock.to(HOUR / 2);
    assert.equal(released(), false);
    lose();
    await clock.until("it is over", released);
    assert.equal(clock.now, HOUR / 2);
  });
});

test("a signal ends the time of --min-hold", async () => {
  await keeping(async (clock, released) => {
    await clock.to(HOUR / 2);
    assert.equal(released(), false);
    Deno.kill(Deno.pid, "SIGTERM");
    await clock.until("it is released", released);
    assert.equal(clock.now, HOUR / 2);
  });
});
