/** The exit code in the JSON lines is the real one. */

import assert from "node:assert/strict";
import { useHeldSessions } from "./held_session.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import type { Ended, Running } from "./running.ts";

const JSON_LINES = ["--verbose=stderr", "--log-format=json", "--name", "n"];

/** Each line's event and exit code; every line has to be an object. No exit code may be another one than sera's. */
function eventsOf({ code, stderr }: Ended): string[] {
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const { exit_code } of lines) assert.ok([undefined, code].includes(exit_code), stderr);
  assert.equal(lines.at(-1)!.exit_code, code, stderr);
  return lines.map(({ event }) => event);
}

interface Case {
  readonly flags?: readonly string[];
  readonly wait?: string;
  readonly command?: readonly string[];
  /** What happens when the command, or who holds the lock in its place, is ready. */
  readonly then?: (run: Running, place: Place) => Promise<void> | void;
  readonly code: number;
  /** The event that the last one is. */
  readonly last: string;
}

const HOLD = [fixture("hold.sh")];
const SLEEP = ["sh", "-c", "echo ready; exec sleep 600"];
const spoil = 'echo ready; read _; echo "no ledger at all, but some text" >"$0"';

const RUNS: Record<string, Case> = {
  "success": { code: 0, last: "released" },
  "the command's own code": { command: ["sh", "-c", "exit 7"], code: 7, last: "released" },
  "a command killed by a signal": { command: ["sh", "-c", "kill -9 $$"], code: 137, last: "released" },
  "a command that is not there": { command: ["/nonexistent/command"], code: 203, last: "error" },
  "max-run": { flags: ["--max-run=100ms"], command: SLEEP, code: 207, last: "released" },
  "max-run with a minimal hold": {
    flags: ["--max-run=100ms", "--min-hold=300ms"],
    command: SLEEP,
    code: 207,
    last: "released",
  },
  "a minimal hold": { flags: ["--min-hold=300ms"], command: ["false"], code: 1, last: "released" },
  "a signal that is passed on": { command: SLEEP, then: (run) => run.kill("SIGTERM"), code: 143, last: "released" },
  "a ledger that cannot be written to": {
    flags: ["--ledger"],
    command: ["sh", "-c", spoil],
    then: async (run) => {
      await run.write("\n");
      await run.closeStdin();
    },
    code: 0,
    // Old runs cannot be forgotten either.
    last: "note",
  },
};

for (const [what, { flags = [], wait = "0", command = ["true"], then, code, last }] of Object.entries(RUNS)) {
  testWith([linux], `the last line's exit code is sera's own: ${what}`, async () => {
    await using place = await Place.make();
    const words = command.map((word) => word === spoil ? [word, `${place.locks}/ledger.sqlite`] : [word]).flat();
    await using run = place.startSera([...JSON_LINES, ...flags, wait, ...words], { stdin: "open" });
    if (then) await run.says("ready");
    await then?.(run, place);
    const ended = await run.ended;
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(eventsOf(ended).at(-1), last);
  });
}

const WAITING: Record<string, Case> = {
  "busy": { code: 204, last: "busy" },
  "busy after a wait": { wait: "100ms", code: 204, last: "busy" },
  "skipped": {
    flags: ["--wait-and-skip"],
    wait: "60",
    then: (holder) => holder.closeStdin(),
    code: 0,
    last: "released",
  },
  "skipped with a code": {
    flags: ["--wait-and-skip", "--detailed-exit-codes"],
    wait: "60",
    then: (holder) => holder.closeStdin(),
    code: 205,
    last: "released",
  },
};

for (const [what, { flags = [], wait = "0", then, code, last }] of Object.entries(WAITING)) {
  testWith([linux], `the last line's exit code is sera's own where somebody holds the lock: ${what}`, async () => {
    await using place = await Place.make();
    await using holder = place.startSera(["--name", "n", "0", ...HOLD], { stdin: "open" });
    await holder.says("ready");
    await using run = place.startSera([...JSON_LINES, ...flags, wait, "true"]);
    if (then) await run.says("aiting");
    await then?.(holder, place);
    const ended = await run.ended;
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(eventsOf(ended).at(-1), last);
  });
}

testWith([linux], "a signal while sera waits is an event with its exit code", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", ...HOLD], { stdin: "open" });
  await holder.says("ready");
  await using run = place.startSera([...JSON_LINES, "60", "true"]);
  await run.says("Waiting for");
  run.kill("SIGTERM");
  const ended = await run.ended;
  assert.equal(ended.code, 143);
  assert.deepEqual(eventsOf(ended).slice(-2), ["waiting", "interrupted"]);
});

Deno.test("a run that is skipped has the exit code of skipping", async () => {
  await using place = await Place.make();
  await place.sera(["--name", "n", "--once", "k", "0", "true"]);
  for (const [flag, code] of [["--detailed-exit-codes", 205], ["--detailed-exit-codes=false", 0]] as const) {
    const ended = await place.sera([...JSON_LINES, "--once", "k", flag, "0", "true"]);
    assert.equal(ended.code, code);
    assert.deepEqual(eventsOf(ended).slice(-2), ["skipped", "released"]);
  }
});

for (const target of useHeldSessions()) {
  const lost: [string, string[], number][] = [
    ["terminate", [], 206],
    ["warn", ["--on-lost=warn"], 5],
    ["warn, then max-run", ["--on-lost=warn", "--max-run=3s"], 207],
    ["terminate, with a minimal hold", ["--min-hold=60s"], 206],
  ];
  for (const [what, flags, code] of lost) {
    target.test(`the last line has sera's exit code when the lock is lost: ${what}`, async () => {
      await using place = await Place.make(target.sessions.server);
      const command = ["sh", "-c", "echo ready; read _; exit 5"];
      await using run = place.startSera([...JSON_LINES, ...flags, "0", ...command], { stdin: "open" });
      await run.says("ready");
      assert.ok(await target.sessions.cutHolder("n"));
      await run.says("Lock lost");
      if (code === 5) await run.closeStdin();
      const ended = await run.ended;
      assert.equal(ended.code, code, ended.stderr);
      const withoutShell = ended.stderr.split("\n").filter((line) => line !== "Terminated").join("\n");
      eventsOf({ ...ended, stderr: withoutShell });
      const [first] = withoutShell.split("\n").filter((line) => line.includes("Lock lost"));
      assert.equal(JSON.parse(first!).exit_code, code === 206 ? 206 : undefined);
    });
  }

  target.test("an unsuitable server is 202", async () => {
    await using place = await Place.make();
    const nobody = target.name === "MariaDB" ? "u@tcp(127.0.0.1:1)/" : "postgres://u@127.0.0.1:1/x";
    const ended = await place.sera([...JSON_LINES, "--server", nobody, "0", "true"]);
    assert.equal(ended.code, 202);
    eventsOf(ended);
  });
}
