/** How a command is ended, on a command that is none and a clock that the test moves. */

import assert from "node:assert/strict";
import { type Survivors, terminate, type TerminateOptions } from "../../lib/child/terminate.ts";
import { linux, testWith } from "../cli/needs.ts";
import { CountedSignal } from "../counted_signal.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { FakeCommand } from "./fake_command.ts";

const GRACE = 10_000;

/** The end of a command, who is left of it, and whether it is over. */
class Attempt implements Disposable {
  readonly clock = new FakeClock();
  readonly command: FakeCommand;
  readonly left: Survivors[] = [];
  readonly lost = new CountedSignal();
  readonly hurry = new CountedSignal();
  isOver = false;

  constructor(command: FakeCommand, ending: Partial<TerminateOptions> = {}) {
    this.command = command;
    terminate(command, {
      grace: GRACE,
      hurry: this.hurry.signal,
      lost: this.lost.signal,
      onSurvivors: (left) => this.left.push(left),
      ...ending,
    }).then(() => {
      this.isOver = true;
    });
  }

  /** Some time later, in milliseconds. */
  async later(time = 0): Promise<void> {
    await this.clock.to(this.clock.now + time);
  }

  /** It is over by now, and neither a timer nor a listener is left. */
  async assertOver(): Promise<void> {
    await this.later();
    const { clock: { pending }, lost, hurry } = this;
    const { isOver } = this;
    assert.deepEqual({ isOver, pending, listeners: lost.listeners + hurry.listeners }, {
      isOver: true,
      pending: 0,
      listeners: 0,
    });
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

Deno.test("a group that ends after TERM gets no KILL", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143);
  using attempt = new Attempt(command);
  await attempt.assertOver();
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
});

Deno.test("a command gets its full grace period, then KILL, and is waited for", async () => {
  const command = new FakeCommand();
  using attempt = new Attempt(command);
  await attempt.later(GRACE - 1);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await attempt.later(1);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
  await attempt.later(100);
  assert.equal(attempt.isOver, false);
  command.end(137);
  await attempt.assertOver();
  assert.deepEqual(attempt.left, []);
});

Deno.test("processes left after the command's end get the rest of the grace period", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  using attempt = new Attempt(command);
  await attempt.later(GRACE - 1);
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  await attempt.later(1);
  assert.equal(command.wasSent("SIGKILL"), true);
  command.group = "nobody";
  await attempt.later(1000);
  await attempt.assertOver();
});

Deno.test("hurry ends the grace period at once", async () => {
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137);
  using attempt = new Attempt(command);
  await attempt.later(500);
  attempt.hurry.abort();
  await attempt.later();
  assert.deepEqual([command.wasSent("SIGKILL"), attempt.clock.now], [true, 500]);
  await attempt.later(1000);
  await attempt.assertOver();
});

Deno.test("at a terminal only the command itself is waited for", async () => {
  const command = new FakeCommand(false);
  command.on.SIGCONT = () => command.end(143, "reachable");
  using attempt = new Attempt(command);
  await attempt.assertOver();
});

Deno.test("processes that got TERM do not get it again", async () => {
  const command = new FakeCommand();
  command.end(143, "reachable");
  command.on.SIGCONT = () => command.group = "nobody";
  using attempt = new Attempt(command, { told: true });
  await attempt.later(10);
  await attempt.assertOver();
  assert.deepEqual(command.got, ["SIGCONT"]);
});

testWith([linux], "a group of zombies only is not waited for", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  command.members = [];
  using attempt = new Attempt(command);
  await attempt.later(1000);
  await attempt.assertOver();
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
});

testWith([linux], "a zombie seen once does not hide who was forked meanwhile", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  let looks = 0;
  command.living = () => Promise.resolve(looks++ % 2 === 0 ? [] : [{ pid: 4712, uid: 0 }]);
  using attempt = new Attempt(command);
  await attempt.later(GRACE / 2);
  assert.ok(looks > 4);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.later(1000);
  await attempt.assertOver();
});

testWith(
  [linux],
  "a look into /proc costs a process: there is none at first, then after ever longer times",
  async () => {
    const command = new FakeCommand();
    const looks: number[] = [];
    using attempt = new Attempt(command, { grace: 60_000 });
    command.living = () => {
      looks.push(Math.round(attempt.clock.now));
      return Promise.resolve(undefined);
    };
    await attempt.later(20_000);
    // One of them after a second, when who was killed must have gone.
    assert.deepEqual(looks, [150, 342, 765, 1015, 2265, 4765, 9765, 14765, 19765]);
    command.end(143);
    await attempt.assertOver();
  },
);

Deno.test("a process that sera may not signal is named once, within the grace period, and waited for", async () => {
  const command = new FakeCommand();
  command.end(143, "forbidden");
  command.members = [{ pid: 4712, uid: 4242 }];
  using attempt = new Attempt(command);
  await attempt.later(1000);
  assert.deepEqual(attempt.left, [{ why: "forbidden", processes: command.members }]);
  await attempt.later(2 * GRACE);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.later(1000);
  await attempt.assertOver();
  assert.equal(attempt.left.length, 1);
});

Deno.test("a command that may not be signalled itself is named, and waited for", async () => {
  const command = new FakeCommand();
  command.group = "forbidden";
  using attempt = new Attempt(command);
  await attempt.later(2 * GRACE);
  assert.equal(attempt.left.length, 1);
  assert.equal(attempt.isOver, false);
  command.end(0);
  await attempt.assertOver();
});

Deno.test("a process that survives KILL by a second is named, and waited for", async () => {
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137, "reachable");
  using attempt = new Attempt(command);
  await attempt.later(GRACE + 999);
  assert.deepEqual(attempt.left, []);
  await attempt.later(1000);
  assert.deepEqual(attempt.left, [{ why: "outlives KILL", processes: command.members }]);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.later(1000);
  await attempt.assertOver();
});

testWith([linux], "who was killed and cannot be looked at counts as gone after ten seconds", async () => {
  const command = new FakeCommand();
  command.members = undefined;
  command.on.SIGKILL = () => command.end(137, "reachable");
  using attempt = new Attempt(command);
  await attempt.later(GRACE + 9999);
  assert.deepEqual([attempt.isOver, attempt.left], [false, []]);
  await attempt.later(10_000);
  await attempt.assertOver();
  assert.deepEqual(attempt.left, [{ why: "unseen", processes: undefined }]);
});

Deno.test("when the lock is lost, processes that sera may not signal are left behind once the command has been reaped", async () => {
  const command = new FakeCommand();
  command.group = "forbidden";
  using attempt = new Attempt(command);
  await attempt.later(2 * GRACE);
  assert.equal(attempt.left.length, 1);
  attempt.lost.abort();
  await attempt.later(1);
  assert.equal(attempt.left.length, 2);
  assert.equal(attempt.isOver, false);
  command.end(0, "forbidden");
  await attempt.assertOver();
  assert.equal(attempt.left.length, 2);
});

Deno.test("when the lock is already lost, sera does not wait for processes that it may not signal", async () => {
  const command = new FakeCommand();
  command.on.SIGTERM = () => command.end(143, "forbidden");
  using attempt = new Attempt(command, { lost: AbortSignal.abort() });
  await attempt.later(GRACE + 1000);
  await attempt.assertOver();
  assert.equal(attempt.left.length, 1);
});

Deno.test("a slow read of /proc does not delay KILL", async () => {
  const command = new FakeCommand();
  let isLooking = false;
  command.living = () => {
    isLooking = true;
    return new Promise(() => undefined);
  };
  using attempt = new Attempt(command);
  await attempt.later(GRACE - 1);
  assert.deepEqual([isLooking, command.wasSent("SIGKILL")], [true, false]);
  await attempt.later(1);
  assert.equal(command.wasSent("SIGKILL"), true);
  command.end(137);
  await attempt.assertOver();
});

Deno.test("a command whose exit cannot be determined has ended when no process is left", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.fail(new Error("no child"));
  using attempt = new Attempt(command);
  await attempt.assertOver();
});
