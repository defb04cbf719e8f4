/** The messages to the helper shell, and the meaning of its end, with a fake shell. */

import assert from "node:assert/strict";
import { HelperShell } from "../../lib/child/helper_shell.ts";
import { CommandStartError } from "../../lib/errors.ts";
import { linux, testWith } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { type FakeProcess, FakeSystem } from "./fake_system.ts";

/** A helper shell whose shells do what the test says. */
class GuardedShell implements AsyncDisposable {
  readonly system = new FakeSystem();
  readonly helperShell: HelperShell;
  /** Its messages about shells that have ended. */
  readonly said: string[] = [];

  constructor({ timed = false, inGroup = false } = {}) {
    this.helperShell = new HelperShell({ timed, inGroup });
    this.helperShell.onGone = (message) => void this.said.push(message);
  }

  /** The shells that have been started. */
  get shells(): readonly FakeProcess[] {
    return this.system.processes;
  }

  /** A shell has heard this much. */
  async heard(index: number, text: RegExp): Promise<void> {
    const shell = this.shells[index]!;
    await until(`shell ${index} has heard ${text}, not only ${shell.heard}`, () => text.test(shell.heard));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.helperShell.end();
    this.system[Symbol.dispose]();
  }
}

testWith(
  [linux],
  "the shell is out of reach of the terminal's keys, unless it shares the group with the command",
  async () => {
    for (const inGroup of [false, true]) {
      await using guarded = new GuardedShell({ inGroup });
      assert.equal(guarded.shells[0]!.options.detached, !inGroup);
      assert.equal(guarded.shells[0]!.options.clearEnv, true);
    }
  },
);

testWith(
  [linux],
  "it is ready when the shell hears, and says whom to kill, by when, and that there is more time",
  async () => {
    await using guarded = new GuardedShell();
    await guarded.helperShell.ready;
    await guarded.heard(0, /^now \d+\n$/);
    guarded.helperShell.kill(-4712);
    await guarded.heard(0, /\nkill -4712\n$/);
    guarded.helperShell.kill(-4712, 1234);
    await guarded.heard(0, /\nkill -4712 123 \d+\n$/);
    guarded.helperShell.renew(20_009);
    await guarded.heard(0, /\nrenew 2000 \d+\n$/);
    // Never no time at all, which would mean that there is no limit.
    guarded.helperShell.renew(0);
    await guarded.heard(0, /\nrenew 1 \d+\n$/);
  },
);

testWith([linux], "it ends once and for all, and then says nothing of its shell", async () => {
  await using guarded = new GuardedShell();
  await guarded.helperShell.end();
  await guarded.helperShell.end();
  assert.deepEqual(guarded.shells[0]!.got, ["SIGKILL"]);
  assert.deepEqual([guarded.shells.length, guarded.said], [1, []]);
});

testWith(
  [linux],
  "another shell takes the place of one that was killed, learns whom to kill, and in what is left of the time",
  async () => {
    await using guarded = new GuardedShell();
    using clock = new FakeClock();
    guarded.helperShell.kill(-4712, 10_000);
    await clock.to(4000);
    guarded.shells[0]!.end(137, "SIGKILL");
    await clock.until("there is another one", () => guarded.shells.length === 2);
    await clock.until("it has heard", () => guarded.shells[1]!.heard === "kill -4712 600 4\n");
    assert.deepEqual(guarded.said, []);
    assert.equal(guarded.helperShell.isWatching, true);
  },
);

testWith([linux], "when that is killed as well, it says so", async () => {
  await using guarded = new GuardedShell();
  guarded.shells[0]!.end(137, "SIGKILL");
  await until("there is another one", () => guarded.shells.length === 2);
  guarded.shells[1]!.end(137, "SIGKILL");
  await until("it is said", () => guarded.said.length > 0);
  assert.match(guarded.said.join(), /was itself killed: it was killed again; find out by whom/);
  assert.equal(guarded.shells.length, 2);
});

testWith([linux], "when there is no other one, it says so", async () => {
  await using guarded = new GuardedShell();
  guarded.system.onStart = () => {
    throw new Deno.errors.PermissionDenied("no more processes");
  };
  guarded.shells[0]!.end(137, "SIGKILL");
  await until("it is said", () => guarded.said.length > 0);
  assert.match(guarded.said.join(), /was itself killed: Cannot start \/bin\/sh/);
  assert.equal(guarded.helperShell.isWatching, false);
});

testWith(
  [linux],
  "a broken helper shell prevents the start, and is reported if the command runs already",
  async () => {
    await using guarded = new GuardedShell();
    guarded.shells[0]!.end(1);
    await until("it is said", () => guarded.said.length > 0);
    assert.match(guarded.said.join(), /has ended by itself, with exit code 1/);
    await assert.rejects(guarded.helperShell.throwIfBroken(), CommandStartError);
    assert.equal(guarded.shells.length, 1);
  },
);

testWith([linux], "a shell that works keeps no command from being started", async () => {
  await using guarded = new GuardedShell();
  await guarded.helperShell.throwIfBroken();
});

testWith([linux], "it asks the shell, once for each question", async () => {
  await using guarded = new GuardedShell();
  const [shell] = guarded.shells;
  let asked = 0;
  shell!.onHeard = (text) => {
    if (text === "ask\n") shell!.say(`${++asked} 0 0\n`);
  };
  const answers = await Promise.all([guarded.helperShell.status(), guarded.helperShell.status()]);
  assert.deepEqual(answers.map((answer) => answer?.ignored), [1, 2]);
});

testWith([linux], "an answer may come in pieces", async () => {
  await using guarded = new GuardedShell();
  const [shell] = guarded.shells;
  const answer = guarded.helperShell.status();
  await guarded.heard(0, /ask\n$/);
  for (const piece of ["trap -- '' SIGQ", "UIT\n", "2 0", " 1 15\n"]) shell!.say(piece);
  assert.deepEqual(await answer, { ignored: 6, blocked: 0, fenced: true, got: [15] });
});

testWith([linux], "a shell that does not answer for five seconds is not asked again", async () => {
  await using guarded = new GuardedShell();
  using clock = new FakeClock();
  let answered = false;
  const answer = guarded.helperShell.status().then((status) => {
    answered = true;
    return status;
  });
  await clock.to(4999);
  assert.equal(answered, false);
  await clock.to(5000);
  assert.equal(await answer, undefined);
  assert.equal(await guarded.helperShell.status(), undefined);
  assert.equal(clock.pending, 0);
});

testWith([linux], "a shell that has gone tells nothing", async () => {
  await using guarded = new GuardedShell();
  const answer = guarded.helperShell.status();
  guarded.shells[0]!.end(1);
  assert.equal(await answer, undefined);
});
