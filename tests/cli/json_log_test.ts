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

Deno.test("a run is logged as one object a line", async () => {
  await using place = await Place.make();
  const began = performance.now();
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
  const took = (performance.now() - began) / 1000;
  assert.deepEqual({ code, stderr }, { code: 3, stderr: "" });
  const lines = parse(stdout);
  for (const line of lines) assertCommon(line, lockName("n"));
  assert.deepEqual(lines.map(({ event }) => event), ["acquired", "finished", "released"]);
  const [acquired, finished, released] = lines as [Line, Line, Line];
  for (const seconds of [acquired.waited, finished.held, released.held]) {
    assert.ok(typeof seconds === "number" && seconds >= 0 && seconds <= took, String(seconds));
  }
  assert.deepEqual([finished.exit_code, finished.command_exit_code, acquired.exit_code], [3, 3, undefined]);
});

Deno.test("the field waited is the duration of the wait in seconds", async () => {
  await using place = await Place.make();
  const held = ["--name", "n", "--label", "held", "0", fixture("hold.sh")];
  await using first = place.startSera(held, { stdin: "open" });
  await first.says("ready");
  const { code, stdout } = await place.sera(["--verbose", "--log-format=json", "--name", "n", "300ms", "true"]);
  assert.equal(code, 204);
  const [waiting, busy] = parse(stdout) as [Line, Line];
  for (const { holder } of [waiting, busy]) {
    const { host, pid, label, since, since_is } = holder as Line;
    assert.deepEqual([host, pid, label, since_is], [Deno.hostname(), first.pid, "held", "acquired"]);
    assert.equal(new Date(String(since)).toISOString(), since);
  }
  for (const line of [waiting, busy]) assertCommon(line, lockName("n"));
  assert.deepEqual([waiting.event, waiting.level, waiting.exit_code], ["waiting", "info", undefined]);
  assert.deepEqual([busy.event, busy.level, busy.exit_code], ["busy", "notice", 204]);
  assert.ok(Number(busy.waited) >= 0.3 && Number(busy.waited) < 10, String(busy.waited));
});

Deno.test("skipping is logged with its exit code", async () => {
  await using place = await Place.make();
  const flags = ["--verbose", "--log-format=json", "--wait-and-skip", "--detailed-exit-codes", "--name", "n"];
  await using first = place.startSera([...flags, "60", fixture("hold.sh")], { stdin: "open" });
  await first.says("ready");
  await using second = place.startSera([...flags, "60", "true"]);
  await second.says("waiting for them");
  await first.closeStdin();
  const lines = parse((await second.ended).stdout);
  assert.deepEqual(lines.map(({ event, exit_code }) => [event, exit_code]), [
    ["waiting", undefined],
    ["waiting", undefined],
    ["skipped", 205],
    ["released", 205],
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

/** The type of every field that a line may have; inapplicable fields are absent. */
const TYPES: Record<string, string> = {
  ...{ time: "string", level: "string", event: "string", message: "string" },
  ...{ lock: "string", key: "string", label: "string", host: "string", pid: "number", run_id: "string" },
  ...{ holder: "object", waited: "number", held: "number", exit_code: "number", command_exit_code: "number" },
};

Deno.test("every line has key, label, host and process, and the run once the ledger has it", async () => {
  await using place = await Place.make();
  const run = (...args: string[]) => place.sera(["--verbose", "--log-format=json", "--ledger", ...args]);
  const byName = await run("--name", "n", "--label", "l", "0", "true");
  const byWords = await run("0", "true", "a  b");
  for (const [{ stdout }, key, label] of [[byName, "n", "l"], [byWords, "true a  b", "true"]] as const) {
    const lines = parse(stdout);
    assert.equal(lines.length, 3);
    for (const line of lines) {
      assert.deepEqual([line.key, line.label, line.host], [key, label, Deno.hostname()]);
      for (const [field, value] of Object.entries(line)) assert.equal(typeof value, TYPES[field], field);
    }
    assert.deepEqual(new Set(lines.map(({ pid }) => pid)).size, 1);
    assert.match(String(lines[2]!.run_id), /^\d+$/);
  }
});

Deno.test("a key that may contain a password is left out", async () => {
  await using place = await Place.make();
  const run = (word: string) => place.sera(["--verbose", "--log-format=json", "0", "true", word]);
  const servers = [
    "u:secret@tcp(h)/",
    "--to=postgres://u:secret@h/d",
    "postgres://u:secret%40h/",
    "host=h password=secret",
  ];
  for (const server of servers) {
    const { code, stdout } = await run(server);
    assert.equal(code, 0);
    for (const line of parse(stdout)) assert.equal(line.key, undefined);
    assert.doesNotMatch(stdout, /secret/);
  }
  const { stdout } = await run("https://example.com/x");
  for (const line of parse(stdout)) assert.equal(line.key, "true https://example.com/x");
});

Deno.test("deceptive characters are escaped, and programs read them back unchanged", async () => {
  await using place = await Place.make();
  const key = "a\u202eb\u200ec\u061cd\u{e0041}\n👩‍🚀";
  const { stdout } = await place.sera(["--verbose", "--log-format=json", "--name", key, "0", "true"]);
  for (const line of parse(stdout)) assert.equal(line.key, key);
  assert.doesNotMatch(stdout, /[\u202e\u200e\u061c]|\u{e0041}/u);
});
