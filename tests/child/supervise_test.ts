/** What ends a command, on a command that is none and a clock that the test moves. */

import assert from "node:assert/strict";
import { supervise, type Supervision } from "../../lib/child/supervise.ts";
import { LockLostError, MaxRunError } from "../../lib/errors.ts";
import { CountedSignal } from "../counted_signal.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { FakeCommand } from "./fake_command.ts";

const GRACE = 10_000;

/** A command that is watched. */
class Supervised implements Disposable {
  readonly clock = new FakeClock();
  readonly command = new FakeCommand();
  readonly lost = new CountedSignal();
  readonly stop = new CountedSignal();
  /** Why it was said to be stopped, and when. */
  readonly causes: [string, number][] = [];
  readonly end;

  /** @param saying How long it takes to say why it is stopped, in milliseconds. */
  constructor(parts: Partial<Supervision> = {}, saying = 0) {
    this.command.on.SIGKILL = () => this.command.end(137);
    this.end = supervise(this.command, {
      lost: this.lost.signal,
      stops: [this.stop.signal],
      onLost: "terminate",
      grace: GRACE,
      onSurvivors: () => undefined,
      onCause: (reason) => {
        this.causes.push([reason.message, this.clock.now]);
        return saying ? new Promise((resolve) => void setTimeout(resolve, saying)) : undefined;
      },
      ...parts,
    });
  }

  /** No listener and no timer is left. */
  assertClean(): void {
    assert.deepEqual([this.clock.pending, this.lost.listeners, this.stop.listeners], [0, 0, 0]);
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

const TOO_LONG = new MaxRunError("too long");

Deno.test("a command that ends by itself is sent no signal, and leaves no timer or listener", async () => {
  using supervised = new Supervised();
  supervised.command.end(3, "reachable");
  assert.deepEqual(await supervised.end, { exitCode: 3 });
  assert.deepEqual(supervised.command.got, []);
  supervised.assertClean();
});

Deno.test("a command that must stop gets TERM, and KILL when the grace period is over", async () => {
  using supervised = new Supervised();
  const { clock, command } = supervised;
  await clock.to(1000);
  supervised.stop.abort(TOO_LONG);
  await clock.to(1000 + GRACE - 1);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await clock.to(1000 + GRACE);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
  await clock.to(clock.now + 1000);
  assert.deepEqual(await supervised.end, { exitCode: 137, stoppedBy: TOO_LONG });
  assert.deepEqual(supervised.causes, [["too long", 1000]]);
  supervised.assertClean();
});

Deno.test("a signal that fired before supervision began stops the command at once", async () => {
  using supervised = new Supervised({ stops: [AbortSignal.abort(TOO_LONG)] });
  supervised.command.on.SIGCONT = () => supervised.command.end(143);
  await supervised.clock.to(1000);
  assert.deepEqual(await supervised.end, { exitCode: 143, stoppedBy: TOO_LONG });
});

Deno.test("after a lost lock the command has the rest of the lease, less the time that logging took", async () => {
  using supervised = new Supervised({}, 300);
  const { clock, command } = supervised;
  const lost = new LockLostError("lost", undefined, 1000);
  supervised.lost.abort(lost);
  await clock.to(299);
  assert.deepEqual(command.got, []);
  await clock.to(999);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await clock.to(1000);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
  await clock.to(2000);
  assert.deepEqual(await supervised.end, { exitCode: 137, stoppedBy: lost });
});

Deno.test("a lock lost while the command is being stopped shortens its grace period; the first cause is kept", async () => {
  using supervised = new Supervised();
  const { clock, command } = supervised;
  supervised.stop.abort(TOO_LONG);
  await clock.to(100);
  supervised.lost.abort(new LockLostError("lost"));
  await clock.to(101);
  assert.equal(command.wasSent("SIGKILL"), true);
  await clock.to(2000);
  assert.equal((await supervised.end).stoppedBy, TOO_LONG);
  assert.deepEqual(supervised.causes.map(([why]) => why), ["too long"]);
});

Deno.test("with on-lost=warn a lost lock is reported, and the command goes on", async () => {
  using supervised = new Supervised({ onLost: "warn" });
  await supervised.clock.to(100);
  supervised.lost.abort(new LockLostError("lost"));
  await supervised.clock.to(100 * GRACE);
  assert.deepEqual(supervised.causes, [["lost", 100]]);
  assert.deepEqual(supervised.command.got, []);
  supervised.command.end(0);
  assert.deepEqual(await supervised.end, { exitCode: 0 });
  supervised.assertClean();
});

Deno.test("with on-lost=warn a lock lost after the command's end is not reported", async () => {
  using supervised = new Supervised({ onLost: "warn" });
  const { clock, command } = supervised;
  command.signal("SIGTERM");
  command.end(143, "reachable");
  await clock.to(10);
  supervised.lost.abort(new LockLostError("lost"));
  command.group = "nobody";
  await clock.to(1000);
  assert.equal((await supervised.end).exitCode, 143);
  assert.deepEqual(supervised.causes, []);
});

Deno.test("a command that sera's signal ended leaves no process behind, and gets the signal once", async () => {
  using supervised = new Supervised();
  const { clock, command } = supervised;
  command.signal("SIGTERM");
  command.end(143, "reachable");
  await clock.to(GRACE - 1);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  command.on.SIGKILL = () => command.group = "nobody";
  await clock.to(GRACE + 1000);
  assert.deepEqual(await supervised.end, { exitCode: 143 });
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
});

Deno.test("in sera's own group nothing is searched for after the command's end", async () => {
  using supervised = new Supervised();
  const command = new FakeCommand(false);
  const end = supervise(command, {
    lost: supervised.lost.signal,
    stops: [],
    onLost: "terminate",
    grace: GRACE,
    onSurvivors: () => undefined,
    onCause: () => undefined,
  });
  command.signal("SIGTERM");
  command.end(143, "reachable");
  assert.deepEqual(await end, { exitCode: 143 });
  supervised.command.end(0);
  await supervised.end;
});

Deno.test("a command whose exit cannot be determined is an error", async () => {
  using supervised = new Supervised();
  supervised.command.fail(new Error("No child processes"));
  await assert.rejects(supervised.end, /No child processes/);
  supervised.assertClean();
});
