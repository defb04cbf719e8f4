// Starts early: it waits until programs that do not answer are given up.

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { lives, processInfo } from "../cli/process_list.ts";
import { children, Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { sideBySide } from "../side_by_side.ts";

/** Starts with_helper_shell.ts, prefixed with other words if given. */
function start(
  what: "spin" | "wait" | "group",
  limit: number,
  before: readonly string[] = [],
  ...more: readonly string[]
): Running {
  const file = `${import.meta.dirname}/with_helper_shell.ts`;
  const program = [Deno.execPath(), "run", "--quiet", "-A", file, what, `${limit}`, ...more];
  return new Running([...before, ...program], { env: Deno.env.toObject() });
}

/** The PID of the command that it has started. */
async function commandOf(run: Running): Promise<number> {
  await run.says(/command \d+\n/);
  return Number(/command (\d+)/.exec(run.stdout)![1]);
}

/** A bash whose `read -t` takes fractions. */
const bash = tool("/bin/bash", "-c", "[[ $BASH_VERSION > 4 ]]");

/** Each takes as long as the helper shell lets a stuck program live. */
const UNANSWERED = {
  "the helper shell kills the command of a spinning program in time, and then the program": async () => {
    await using run = start("spin", 300);
    const command = await commandOf(run);
    await until("the command is gone", () => !lives(command));
    const { code, stderr } = await run.ended;
    assert.equal(code, 137);
    assert.match(stderr, /^sera: Lock lost: [^\n]+ was killed[^\n]+\n$/);
  },

  "the helper shell reports in JSON that it killed a spinning program": async () => {
    await using run = start("spin", 300, ["env", "TZ=Asia/Tokyo"], "1,-2");
    const { code, stderr } = await run.ended;
    const { time, message, ...fields } = JSON.parse(stderr);
    assert.deepEqual(fields, { level: "error", event: "error", lock: "1,-2", exit_code: code });
    assert.match(message, /^Lock lost: /);
    assert.equal(new Date(time).toISOString(), time);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 600_000, time);
  },

  "the helper shell kills the command of a stopped program in time, but not the program": async () => {
    await using other = start("spin", 300);
    await using run = start("wait", 300);
    const command = await commandOf(run);
    await run.suspend();
    await until("the command is gone", () => !lives(command));
    // As long as a spinning program is let live.
    assert.equal((await other.ended).code, 137);
    assert.equal(processInfo(run.pid)?.state, "T");
    run.kill("SIGCONT");
    const { code, stdout } = await run.ended;
    assert.equal(code, 0);
    assert.match(stdout, /"fenced":true/);
  },
};
testWith(
  [linux, bash],
  "the helper shell kills the command of a program that does not answer",
  () => sideBySide(UNANSWERED),
);

testWith(
  [linux, bash, tool("setsid", "true")],
  "in the process group it reports signals, and keeps the time limit",
  () =>
    sideBySide(Object.fromEntries([0, 1, 2].map((times) => [`${times} signals`, async () => {
      await using run = start("group", 1500, ["setsid"]);
      const command = await commandOf(run);
      for (let sent = 0; sent < times; sent++) Deno.kill(-processInfo(run.pid)!.group, "SIGUSR1");
      await until("the command is gone", () => !lives(command));
      const { code, stdout } = await run.ended;
      const { fenced, got } = JSON.parse(stdout.split("\n")[1]!);
      assert.deepEqual({ code, fenced, got: [...new Set(got)] }, { code: 0, fenced: true, got: times > 0 ? [10] : [] });
    }]))),
);

testWith([linux, bash], "keeping the time limit starts no process", async () => {
  await using run = start("wait", 1000);
  const command = await commandOf(run);
  const shell = children(run.pid).find((pid) => pid !== command)!;
  await until("the command is gone", () => {
    assert.deepEqual(children(shell), []);
    return !lives(command);
  });
  await run.ended;
});

for (const ignored of [[], [1], [3], [2, 3], [1, 10, 12, 15]]) {
  testWith(
    [linux, tool("env", "--ignore-signal=USR1", "true")],
    `it reports the ignored signals: ${ignored}`,
    async () => {
      const others = [1, 2, 3, 10, 12, 15].filter((number) => !ignored.includes(number));
      const words = ["env", ...ignored.map((number) => `--ignore-signal=${number}`), `--default-signal=${others}`];
      await using run = start("wait", 10, words);
      const { stdout } = await run.ended;
      const told = JSON.parse(stdout.split("\n")[1]!).ignored;
      assert.deepEqual([...others, ...ignored].filter((number) => (told >> (number - 1)) & 1), ignored);
    },
  );
}
