import assert from "node:assert/strict";
import { executeHolding } from "../../../lib/commands/run/execute.ts";
import type { CommandEnd } from "../../../lib/child/supervise.ts";
import { exitCodeOf } from "../../../lib/commands/run/attempt_run.ts";
import type { Execution } from "../../../lib/commands/run/execution.ts";
import { CommandStartError } from "../../../lib/errors.ts";
import type { LedgerRun } from "../../../lib/ledger/begun_run.ts";
import type { HeldLock } from "../../../lib/lock/lock.ts";
import type { Logger } from "../../../lib/log/logger.ts";
import { Surroundings, test } from "../surroundings.ts";
import { lives, pidIn } from "../../cli/process_list.ts";

/** An unexpected error, of which only the first line is shown. */
function fault(): never {
  throw new TypeError("odd\n    at somewhere");
}

const rejects = () => Promise.reject(new TypeError("odd\n    at somewhere"));

const ODD_AFTERWARDS = "sera: Unexpected error, please report it: TypeError; the command had already ended";
const ODD_MEANWHILE = "sera: Unexpected error while the command ran, please report it: TypeError; stopping sh";

/** The lines without the places where an error arose. */
function withoutPlaces(events: readonly string[]): string[] {
  return events.map((line) => line.replace(/ at [^;]*/, ""));
}

/** A logger that cannot say anything. */
function broken(logger: Logger): Logger {
  logger.log = fault;
  return logger;
}

const brokenRun: LedgerRun = { id: 1n, unrecorded: { what: "" }, finish: rejects };

interface Case {
  readonly lock?: Partial<HeldLock>;
  readonly parts?: Partial<Execution>;
  /** Breaks what all executions have. */
  readonly breaks?: (place: Surroundings) => void;
  readonly says: readonly string[];
}

/** Faults that come when the command has ended. */
const AFTERWARDS: Record<string, Case> = {
  "the ledger's record": { parts: { run: brokenRun }, says: [ODD_AFTERWARDS, "released"] },
  "the lock's release": { lock: { release: rejects }, says: [ODD_AFTERWARDS] },
  "both of them": { lock: { release: rejects }, parts: { run: brokenRun }, says: [ODD_AFTERWARDS, ODD_AFTERWARDS] },
  "the end of the helper shell": {
    breaks: ({ watch }) => watch.helperShell.end = rejects,
    says: [ODD_AFTERWARDS, "released"],
  },
  "the logger": { breaks: ({ logger }) => broken(logger), says: ["released"] },
  "the wait for --min-hold": {
    parts: { minHold: 60_000 },
    breaks: ({ watch }) => watch.signals.endPassingOn = fault,
    says: [ODD_AFTERWARDS, ODD_AFTERWARDS, "released"],
  },
};

for (const [what, { lock, parts, breaks, says }] of Object.entries(AFTERWARDS)) {
  for (const code of [0, 3]) {
    test(`an internal error in ${what} keeps the command's exit code ${code}, and the lock is released`, async () => {
      await using place = new Surroundings();
      breaks?.(place);
      const words = ["sh", "-c", `exit ${code}`];
      assert.equal(await executeHolding(place.execution({ lock: place.lock(lock), words, ...parts })), code);
      assert.deepEqual(withoutPlaces(place.events), says);
      assert.equal(place.progress.verdictOf(new Error("odd")).exitCode, code);
    });
  }
}

/** Faults while the command runs. */
const MEANWHILE: Record<string, (place: Surroundings) => void> = {
  "the relay of signals": ({ watch }) => watch.signals.passOnTo = fault,
  "the helper shell": ({ watch }) => watch.helperShell.kill = fault,
  "code whose errors nobody catches": () => void rejects(),
};

/** A process tree that ends only by TERM, the background process last. */
const TREE = '(sleep 600 & echo $! >"$0"; wait) & wait';

for (const [what, breaks] of Object.entries(MEANWHILE)) {
  test(`an internal error in ${what} stops the whole process tree, releases the lock last, and is 208`, async () => {
    await using place = new Surroundings();
    const file = await Deno.makeTempFile();
    let left: boolean | undefined;
    const lock = place.lock({
      release: async () => {
        place.events.push("released");
        const pid = await pidIn(file);
        left = pid !== undefined && Deno.build.os === "linux" && lives(pid);
      },
    });
    const { progress } = place;
    const started = progress.started.bind(progress);
    progress.started = () => {
      started();
      breaks(place);
    };
    const ends: CommandEnd[] = [];
    const noted = (end: CommandEnd) => {
      ends.push(end);
      return exitCodeOf(end);
    };
    const words = ["sh", "-c", TREE, file];
    assert.equal(await executeHolding(place.execution({ lock, words, exitCodeOf: noted })), 208);
    await Deno.remove(file);
    assert.equal(ends.at(-1)!.exitCode, 143);
    assert.deepEqual(withoutPlaces(place.events), [ODD_MEANWHILE, "released"]);
    assert.equal(left, false);
    assert.equal(place.progress.verdictOf(new Error("odd")).exitCode, 208);
  });
}

test("a failing logger does not prevent stopping the command and releasing the lock", async () => {
  await using place = new Surroundings();
  const execution = place.execution({
    words: ["sleep", "600"],
    logger: broken(place.logger),
    maxRun: { limit: 1, error: new Error("too long") },
  });
  assert.equal(await executeHolding(execution), 143);
  assert.deepEqual(place.events, ["released"]);
});

test("a command that could not be started does not count as run, whatever fails then", async () => {
  await using place = new Surroundings();
  const run = executeHolding(place.execution({ words: ["/nonexistent/command"] }));
  await assert.rejects(run, CommandStartError);
  assert.deepEqual(place.events, ["released"]);
  assert.equal(place.progress.verdictOf(new CommandStartError("no")).exitCode, 203);
});

test("after an uncaught error before the start the command is not started", async () => {
  await using place = new Surroundings();
  const file = await Deno.makeTempFile();
  const lock = place.lock({
    confirm: async () => {
      Promise.reject(new TypeError("odd"));
      await new Promise((resolve) => setTimeout(resolve));
    },
  });
  const code = place.progress.of(new Promise<number>(() => undefined));
  const words = ["sh", "-c", 'echo ran >"$0"', file];
  await assert.rejects(executeHolding(place.execution({ lock, words })));
  assert.equal(await code, 202);
  assert.equal(await Deno.readTextFile(file), "");
  assert.deepEqual(withoutPlaces(place.events), ["sera: Unexpected error, please report it: TypeError", "released"]);
  await Deno.remove(file);
});
