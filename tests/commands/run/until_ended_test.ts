import assert from "node:assert/strict";
import { untilEnded } from "../../../lib/commands/run/until_ended.ts";
import type { Execution } from "../../../lib/commands/run/execution.ts";
import { AskedToEndError, LockLostError, MaxRunError } from "../../../lib/errors.ts";
import { FakeCommand } from "../../child/fake_command.ts";
import { until } from "../../cli/wait.ts";
import { Surroundings, test } from "../surroundings.ts";

const LONG = 3_600_000;

/** Looks after a fake command, whose number must reach no helper shell. */
async function lookAfter(
  command: FakeCommand,
  parts: Partial<Execution>,
  act: (place: Surroundings, lose: () => void) => Promise<void>,
) {
  await using place = new Surroundings();
  place.watch.helperShell.kill = () => undefined;
  const lost = new AbortController();
  const lose = () => lost.abort(new LockLostError("Lock lost: fake", undefined, LONG));
  const lock = place.lock({ lost: lost.signal });
  place.progress.started();
  const run = untilEnded(command, place.execution({ lock, grace: LONG, ...parts }));
  await act(place, lose);
  const { exitCode, stoppedBy } = await run;
  return { exitCode, stoppedBy, events: place.events };
}

function gets(command: FakeCommand, signal: Deno.Signal): Promise<boolean> {
  return until(`it gets ${signal}`, () => command.got.includes(signal));
}

test("a command that ends by itself may leave processes behind", async () => {
  const command = new FakeCommand();
  const ended = await lookAfter(command, {}, () => {
    command.end(3, "reachable");
    return Promise.resolve();
  });
  assert.deepEqual(ended, { exitCode: 3, stoppedBy: undefined, events: [] });
  assert.deepEqual(command.got, []);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"] as const) {
  test(`a command that sera's ${signal} ended leaves no process behind`, async () => {
    const command = new FakeCommand();
    command.on.SIGCONT = () => command.group = "nobody";
    const ended = await lookAfter(command, {}, () => {
      command.signal(signal);
      command.end(3, "reachable");
      return Promise.resolve();
    });
    assert.deepEqual(ended, { exitCode: 3, stoppedBy: undefined, events: [] });
    assert.deepEqual(command.got, signal === "SIGTERM" ? [signal, "SIGCONT"] : [signal, "SIGTERM", "SIGCONT"]);
  });
}

test("an internal error after another reason to stop is reported, and the first reason is kept", async () => {
  const command = new FakeCommand();
  const error = new MaxRunError("too long");
  const ended = await lookAfter(command, { maxRun: { limit: 0, error } }, async (place) => {
    await gets(command, "SIGTERM");
    Promise.reject(new TypeError("odd"));
    await until("sera has failed", () => place.progress.failed.aborted);
    command.end(0);
  });
  assert.equal(ended.stoppedBy, error);
  assert.deepEqual(ended.events.map((line) => line.replace(/ at .*/, "")), [
    "sera: too long; stopping job",
    "sera: Unexpected error while the command ran, please report it: TypeError",
  ]);
});

test("a command whose exit cannot be determined is 208", async () => {
  const command = new FakeCommand();
  const { stoppedBy, events } = await lookAfter(command, {}, () => {
    command.fail(new Error("No child processes"));
    return Promise.resolve();
  });
  assert.equal((stoppedBy as { exitCode?: number }).exitCode, 208);
  assert.deepEqual(events.map((line) => line.replace(/ at [^;]*/, "")), [
    "sera: Unexpected error while the command ran, please report it: Error; stopping job",
  ]);
});

test("a lock lost during a stop ends the grace period", async () => {
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137);
  const error = new MaxRunError("too long");
  const ended = await lookAfter(command, { maxRun: { limit: 0, error } }, async (_, lose) => {
    await gets(command, "SIGTERM");
    lose();
  });
  assert.equal(ended.stoppedBy, error);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
});

test("a process that sera may not signal is named with its user, and the consequence for the lock", async () => {
  const command = new FakeCommand();
  command.members = [{ pid: 4711, uid: 4242 }, { pid: 4712, uid: 0 }];
  command.group = "forbidden";
  const error = new MaxRunError("too long");
  const me = `sera (uid ${Deno.uid()}) may not signal it`;
  const ended = await lookAfter(command, { maxRun: { limit: 0, error }, grace: 0 }, async (place, lose) => {
    await until("it is said", () => place.events.length === 2);
    lose();
    await until("it is said again", () => place.events.length === 3);
    command.end(0, "forbidden");
  });
  assert.deepEqual(ended.events, [
    "sera: too long; stopping job",
    `sera: Cannot end process 4711 (uid 4242), 4712 (uid 0): ${me}; the lock is kept until it has ended: end it as its user or as root`,
    `sera: Cannot end process 4711 (uid 4242), 4712 (uid 0): ${me}; it goes on without the lock: end it as its user or as root`,
  ]);
});

test("a signal that cannot be passed on is reported once", async () => {
  const command = new FakeCommand();
  command.members = undefined;
  command.group = "forbidden";
  const ended = await lookAfter(command, {}, async (place) => {
    for (let times = 0; times < 2; times++) Deno.kill(Deno.pid, "SIGTERM");
    await until("it is said", () => place.events.length > 0);
    command.end(0);
  });
  assert.deepEqual(ended, {
    exitCode: 0,
    stoppedBy: undefined,
    events: [
      `sera: Cannot pass SIGTERM on to process group 4711: sera (uid ${Deno.uid()}) may not signal it; ` +
      "the command goes on: send it as its user or as root",
    ],
  });
});

test("when the release of its lock is requested, a command is stopped with the whole grace period, and 206", async () => {
  const command = new FakeCommand();
  const asked = new AbortController();
  await using surroundings = new Surroundings();
  const lock = surroundings.lock({ asked: asked.signal });
  const ended = await lookAfter(command, { lock }, async () => {
    asked.abort(new AskedToEndError("unlock by root", "db2"));
    await gets(command, "SIGTERM");
    assert.equal(command.got.includes("SIGKILL"), false);
    command.end(0, "nobody");
  });
  assert.equal((ended.stoppedBy as { exitCode?: number }).exitCode, 206);
  assert.deepEqual(ended.events, ["sera: Asked to release the lock: unlock by root@db2; stopping job"]);
});
