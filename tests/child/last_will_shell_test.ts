/** What is said to the shell beside a command, and what its end means, on a shell that is none. */

import assert from "node:assert/strict";
import { LastWill } from "../../lib/child/last_will.ts";
import { CommandStartError } from "../../lib/errors.ts";
import { linux, testWith } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { type FakeProcess, FakeSystem } from "./fake_system.ts";

/** A last will whose shells do what the test says. */
class Willed implements AsyncDisposable {
  readonly system = new FakeSystem();
  readonly will: LastWill;
  /** What it said of shells that have gone. */
  readonly said: string[] = [];

  constructor({ timed = false, inGroup = false } = {}) {
    this.will = new LastWill({ timed, inGroup });
    this.will.onGone = (message) => void this.said.push(message);
  }

  /** The shells that have been started. */
  get shells(): readonly FakeProcess[] {
    return this.system.processes;
  }

  /** A shell has heard this much. */
  async heard(index: number, text: string): Promise<void> {
    const shell = this.shells[index]!;
    await until(`shell ${index} has heard ${text}, not only ${shell.heard}`, () => shell.heard.endsWith(`${text}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.will.end();
    this.system[Symbol.dispose]();
  }
}

testWith(
  [linux],
  "the shell is out of reach of the terminal's keys, unless it shares the group with the command",
  async () => {
    for (const inGroup of [false, true]) {
      await using willed = new Willed({ inGroup });
      assert.equal(willed.shells[0]!.options.detached, !inGroup);
      assert.equal(willed.shells[0]!.options.clearEnv, true);
    }
  },
);

testWith(
  [linux],
  "it is ready when the shell hears, and says whom to kill, by when, and that there is more time",
  async () => {
    await using willed = new Willed();
    await willed.will.ready;
    willed.will.kill(-4712);
    await willed.heard(0, "kill -4712");
    willed.will.kill(-4712, 1234);
    await willed.heard(0, "kill -4712 123");
    willed.will.renew(20_009);
    await willed.heard(0, "renew 2000");
    // Never no time at all, which would mean that there is no limit.
    willed.will.renew(0);
    await willed.heard(0, "renew 1");
  },
);

testWith([linux], "it ends once and for all, and then says nothing of its shell", async () => {
  await using willed = new Willed();
  await willed.will.end();
  await willed.will.end();
  assert.deepEqual(willed.shells[0]!.got, ["SIGKILL"]);
  assert.deepEqual([willed.shells.length, willed.said], [1, []]);
});

testWith(
  [linux],
  "another shell takes the place of one that was killed, learns whom to kill, and in what is left of the time",
  async () => {
    await using willed = new Willed();
    using clock = new FakeClock();
    willed.will.kill(-4712, 10_000);
    await clock.to(4000);
    willed.shells[0]!.end(137, "SIGKILL");
    await clock.until("there is another one", () => willed.shells.length === 2);
    await clock.until("it has heard", () => willed.shells[1]!.heard === "kill -4712 600\n");
    assert.deepEqual(willed.said, []);
    assert.equal(willed.will.isWatching, true);
  },
);

testWith([linux], "when that is killed as well, it says so", async () => {
  await using willed = new Willed();
  willed.shells[0]!.end(137, "SIGKILL");
  await until("there is another one", () => willed.shells.length === 2);
  willed.shells[1]!.end(137, "SIGKILL");
  await until("it is said", () => willed.said.length > 0);
  assert.match(willed.said.join(), /was itself killed: it was killed again; find out by whom/);
  assert.equal(willed.shells.length, 2);
});

testWith([linux], "when there is no other one, it says so", async () => {
  await using willed = new Willed();
  willed.system.onStart = () => {
    throw new Deno.errors.PermissionDenied("no more processes");
  };
  willed.shells[0]!.end(137, "SIGKILL");
  await until("it is said", () => willed.said.length > 0);
  assert.match(willed.said.join(), /was itself killed: Cannot start \/bin\/sh/);
  assert.equal(willed.will.isWatching, false);
});

testWith(
  [linux],
  "what is no shell keeps a command from being started, and is told of when it runs already",
  async () => {
    await using willed = new Willed();
    willed.shells[0]!.end(1);
    await until("it is said", () => willed.said.length > 0);
    assert.match(willed.said.join(), /has ended by itself, with exit code 1/);
    await assert.rejects(willed.will.throwIfBroken(), CommandStartError);
    assert.equal(willed.shells.length, 1);
  },
);

testWith([linux], "a shell that works keeps no command from being started", async () => {
  await using willed = new Willed();
  await willed.will.throwIfBroken();
});

testWith([linux], "it asks the shell, once for each question", async () => {
  await using willed = new Willed();
  const [shell] = willed.shells;
  let asked = 0;
  shell!.onHeard = (text) => {
    if (text === "ask\n") shell!.say(`${++asked} 0 0\n`);
  };
  const answers = await Promise.all([willed.will.testify(), willed.will.testify()]);
  assert.deepEqual(answers.map((answer) => answer?.ignored), [1, 2]);
});

testWith([linux], "an answer may come in pieces", async () => {
  await using willed = new Willed();
  const [shell] = willed.shells;
  const answer = willed.will.testify();
  await willed.heard(0, "ask");
  for (const piece of ["trap -- '' SIGQ", "UIT\n", "2 0", " 1 15\n"]) shell!.say(piece);
  assert.deepEqual(await answer, { ignored: 6, blocked: 0, fenced: true, got: [15] });
});

testWith([linux], "a shell that does not answer for five seconds is not asked again", async () => {
  await using willed = new Willed();
  using clock = new FakeClock();
  let answered = false;
  const answer = willed.will.testify().then((testimony) => {
    answered = true;
    return testimony;
  });
  await clock.to(4999);
  assert.equal(answered, false);
  await clock.to(5000);
  assert.equal(await answer, undefined);
  assert.equal(await willed.will.testify(), undefined);
  assert.equal(clock.pending, 0);
});

testWith([linux], "a shell that has gone tells nothing", async () => {
  await using willed = new Willed();
  const answer = willed.will.testify();
  willed.shells[0]!.end(1);
  assert.equal(await answer, undefined);
});
