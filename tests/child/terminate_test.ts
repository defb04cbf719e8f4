import assert from "node:assert/strict";
import { type Ending, type Left, terminate } from "../../lib/child/terminate.ts";
import { FakeCommand } from "./fake_command.ts";
import { linux, testWith } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";

/** Longer than any test takes. */
const LONG = 3_600_000;

/** Ends a command, and notes who is left and when it is over. */
class Attempt {
  readonly command: FakeCommand;
  readonly left: Left[] = [];
  readonly lost = new AbortController();
  readonly over: Promise<void>;
  isOver = false;

  constructor(command: FakeCommand, ending: Partial<Ending>) {
    this.command = command;
    this.over = terminate(command, {
      grace: LONG,
      lost: this.lost.signal,
      onLeft: (left) => this.left.push(left),
      ...ending,
    }).then(() => {
      this.isOver = true;
    });
  }

  async got(signal: Deno.Signal): Promise<void> {
    await until(`it got ${signal}`, () => this.command.got.includes(signal));
  }
}

Deno.test("a group that ends by TERM gets no KILL", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143);
  const attempt = new Attempt(command, {});
  await attempt.over;
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
});

Deno.test("who is left when the command has ended has the grace period, then gets KILL, and is waited for", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  const hurry = new AbortController();
  const attempt = new Attempt(command, { hurry: hurry.signal });
  await command.ended;
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
  hurry.abort();
  await attempt.got("SIGKILL");
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.over;
  assert.deepEqual(attempt.left, []);
});

Deno.test("a grace period that is over ends in KILL", async () => {
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137);
  await new Attempt(command, { grace: 1 }).over;
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT", "SIGKILL"]);
});

Deno.test("with a terminal only the command itself is waited for", async () => {
  const command = new FakeCommand(false);
  command.on.SIGCONT = () => command.end(143, "reachable");
  await new Attempt(command, {}).over;
});

Deno.test("those who have been sent TERM are not sent another one", async () => {
  const command = new FakeCommand();
  command.end(143, "reachable");
  command.on.SIGCONT = () => command.group = "nobody";
  await new Attempt(command, { told: true }).over;
  assert.deepEqual(command.got, ["SIGCONT"]);
});

testWith([linux], "a group of zombies only is not waited for", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  command.members = [];
  await new Attempt(command, {}).over;
  assert.deepEqual(command.got, ["SIGTERM", "SIGCONT"]);
});

testWith([linux], "a zombie seen once does not hide who was forked meanwhile", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.end(143, "reachable");
  let looks = 0;
  command.living = () => Promise.resolve(looks++ % 2 === 0 ? [] : [{ pid: 4712, uid: 0 }]);
  const attempt = new Attempt(command, {});
  await until("looks", () => looks > 4);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.over;
});

Deno.test("who may not be signalled is named once, before the grace period is over, and waited for", async () => {
  const command = new FakeCommand();
  command.end(143, "forbidden");
  command.members = [{ pid: 4712, uid: 4242 }];
  const attempt = new Attempt(command, {});
  await until("it is said", () => attempt.left.length > 0);
  assert.deepEqual(attempt.left, [{ why: "forbidden", processes: command.members }]);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.over;
  assert.equal(attempt.left.length, 1);
});

Deno.test("a command that may not be signalled itself is named, and waited for", async () => {
  const command = new FakeCommand();
  command.group = "forbidden";
  const attempt = new Attempt(command, { grace: 1 });
  await until("it is said", () => attempt.left.length > 0);
  assert.equal(attempt.isOver, false);
  command.end(0);
  await attempt.over;
});

Deno.test("who outlives KILL is named, and waited for", async () => {
  const command = new FakeCommand();
  command.on.SIGKILL = () => command.end(137, "reachable");
  const attempt = new Attempt(command, { grace: 1 });
  await until("it is said", () => attempt.left.length > 0);
  assert.deepEqual(attempt.left, [{ why: "outlives KILL", processes: command.members }]);
  assert.equal(attempt.isOver, false);
  command.group = "nobody";
  await attempt.over;
});

Deno.test("when the lock is lost, who may not be signalled is left behind once the command has been reaped", async () => {
  const command = new FakeCommand();
  command.group = "forbidden";
  const attempt = new Attempt(command, { grace: 1 });
  await until("it is said", () => attempt.left.length === 1);
  attempt.lost.abort();
  await until("it is said again", () => attempt.left.length === 2);
  assert.equal(attempt.isOver, false);
  command.end(0, "forbidden");
  await attempt.over;
  assert.equal(attempt.left.length, 2);
});

Deno.test("a lock that is lost already keeps nobody waiting for those who may not be signalled", async () => {
  const command = new FakeCommand();
  command.on.SIGTERM = () => command.end(143, "forbidden");
  const lost = AbortSignal.abort();
  const attempt = new Attempt(command, { grace: 1, lost });
  await attempt.over;
  assert.equal(attempt.left.length, 1);
});

Deno.test("a look that takes its time does not hold up KILL", async () => {
  const command = new FakeCommand();
  let looking = false;
  command.living = () => {
    looking = true;
    return new Promise(() => undefined);
  };
  const hurry = new AbortController();
  const attempt = new Attempt(command, { hurry: hurry.signal });
  await until("it looks", () => looking);
  hurry.abort();
  await attempt.got("SIGKILL");
  command.end(137);
  await attempt.over;
});

Deno.test("a command whose end cannot be learned of is over when nobody is left", async () => {
  const command = new FakeCommand();
  command.on.SIGCONT = () => command.fail(new Error("no child"));
  await new Attempt(command, {}).over;
});
