import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { fixture, Place } from "./place.ts";

type Line = Record<string, unknown>;

/** Every line has to be an object of its own. */
function parse(text: string): Line[] {
  assert.ok(text.endsWith("\n"), text);
  const lines: Line[] = text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
  // What sera goes by is said first, before there is anything to tell.
  return lines.filter(({ message }) => !String(message).startsWith("Settings: "));
}

function assertCommon(line: Line, lock: string | undefined): void {
  const time = String(line.time);
  assert.equal(new Date(time).toISOString(), time);
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
  assert.ok(["info", "notice", "error"].includes(String(line.level)), String(line.level));
  assert.equal(typeof line.event, "string");
  assert.equal(typeof line.message, "string");
  assert.equal(line.lock, lock);
}

Deno.test("a run is told of in one object a line", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.sera([
    "--verbose",
    "--log-format=json",
    "--name",
    "n",
    "0",
    "sh",
    "-c",
    "exit 3",
  ]);
  assert.deepEqual({ code, stderr }, { code: 3, stderr: "" });
  const lines = parse(stdout);
  for (const line of lines) assertCommon(line, lockName("n"));
  assert.deepEqual(lines.map(({ event }) => event), ["acquired", "finished", "released"]);
  const [acquired, finished, released] = lines as [Line, Line, Line];
  for (const seconds of [acquired.waited, finished.held, released.held]) {
    assert.ok(typeof seconds === "number" && seconds >= 0 && seconds < 20, String(seconds));
  }
  assert.equal(finished.exit_code, 3);
});

Deno.test("waited is the time that the wait took, in seconds", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const { code, stdout } = await place.sera(["--verbose", "--log-format=json", "--name", "n", "300ms", "true"]);
  assert.equal(code, 204);
  const [waiting, busy] = parse(stdout) as [Line, Line];
  for (const line of [waiting, busy]) assertCommon(line, lockName("n"));
  assert.deepEqual([waiting.event, waiting.level, waiting.exit_code], ["waiting", "info", undefined]);
  assert.deepEqual([busy.event, busy.level, busy.exit_code], ["busy", "notice", 204]);
  assert.ok(Number(busy.waited) >= 0.3 && Number(busy.waited) < 10, String(busy.waited));
});

Deno.test("skipping is told of with its exit code", async () => {
  await using place = await Place.make();
  const flags = ["--verbose", "--log-format=json", "--wait-and-skip", "--detailed-exit-codes", "--name", "n"];
  await using first = place.startSera([...flags, "60", fixture("hold.sh")], { stdin: "open" });
  await first.says("ready");
  await using second = place.startSera([...flags, "60", "true"]);
  await second.says("syncing");
  await first.closeStdin();
  const lines = parse((await second.ended).stdout);
  assert.deepEqual(lines.map(({ event, exit_code }) => [event, exit_code]), [
    ["waiting", undefined],
    ["waiting", undefined],
    ["skipped", 205],
    ["released", undefined],
  ]);
});

Deno.test("errors are objects on stderr, also without verbose, and those in arguments and settings", async () => {
  await using place = await Place.make();
  const cases: [string[], number, string | undefined][] = [
    [["--name", "n", "0", "no-such-command"], 203, lockName("n")],
    [["nonsense", "true"], 201, undefined],
    [["--config", place.file("none"), "0", "true"], 200, undefined],
  ];
  for (const [args, code, lock] of cases) {
    const ended = await place.sera(["--log-format=json", ...args]);
    assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
    const lines = parse(ended.stderr);
    assert.equal(lines.length, 1);
    assertCommon(lines[0]!, lock);
    assert.deepEqual([lines[0]!.level, lines[0]!.event, lines[0]!.exit_code], ["error", "error", code]);
  }
});
