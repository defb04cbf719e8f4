/** Follows the README to the letter, on each kind of server, and runs every line of it. */
// Starts early: four servers are started and set up.

import assert from "node:assert/strict";
import { testWith, tool } from "../cli/needs.ts";
import { startInTerminal } from "../cli/terminal.ts";
import { terminal } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";
import { Place } from "../cli/place.ts";
import { sideBySide } from "../side_by_side.ts";
import { readCrontab } from "./crontab.ts";
import { page } from "./markdown.ts";
import { KINDS, type SetUp, setUp } from "./set_up.ts";

const README = page("README.md");
const COMMANDS = ["nightly-report", "rotate-logs", "migrate", "start", "monthly-invoices", "sync-prices"];

/** The lines that run sera, without their comments. */
const LINES = [...README.text.matchAll(/^ {4}((?:[\d*/]+ .* root {2})?sera .*)$/gm)]
  .map(([, line]) => line!.replace(/\s+# .*/, ""))
  .filter((line) => !line.startsWith("sera [flags]"));

/** A line of the README to try, and the place for it. */
type Step = (line: string, set: SetUp) => Promise<void>;

/** What each line has to come to, in the order of the page. */
const STEPS: Readonly<Record<string, Step>> = {
  "sera 0 /usr/local/bin/nightly-report": runs("nightly-report"),
  "sera doctor": async (line, set) => {
    const { code, stdout } = await shell(set, line);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^pass +ledger /m);
    assert.doesNotMatch(stdout, /^(fail|warn) /m);
  },
  "sera 90 /usr/local/bin/rotate-logs": runs("rotate-logs"),
  "0 3 * * *  root  sera 0 /usr/local/bin/nightly-report": runs("nightly-report"),
  "sera --wait-and-skip 300 ./migrate && ./start": runs("migrate", "start"),
  "sera --once 2026-11 0 ./monthly-invoices": async (line, set) => {
    await runs("monthly-invoices")(line, set);
    await runs()(line, set);
  },
  "*/10 * * * *  root  sera --every 9m 0 ./sync-prices": async (line, set) => {
    await runs("sync-prices")(line, set);
    await runs()(line, set);
  },
  "sera status": async (line, set) => {
    await using _holder = await hold(set);
    assert.match((await says(line, set)).stdout, /held .*nightly-report/);
  },
  "sera status -- /usr/local/bin/nightly-report": async (line, set) => {
    assert.equal((await shell(set, line)).code, 1);
    await using _holder = await hold(set);
    assert.equal((await shell(set, line)).code, 0);
  },
  "sera history --failed --since 24h": async (line, set) => {
    assert.equal((await shell(set, "sera --label broken 0 false")).code, 1);
    assert.match((await says(line, set)).stdout, /failed .*broken|broken .*failed/);
  },
  "sera history --succeeded-within 26h -- /usr/local/bin/nightly-report": async (line, set) => {
    assert.match((await says(line, set)).stdout, /^Succeeded within 26h: /);
  },
  "sera metrics": async (line, set) => {
    assert.match((await says(line, set)).stdout, /^sera_lock_held\{lock="\w+",label="\S+nightly-report"\} 0$/m);
  },
  "sera unlock -- /usr/local/bin/nightly-report": async (line, set) => {
    await using holder = await hold(set);
    assert.match(await answeredYes(line, set), /Released/);
    assert.equal((await holder.ended).code, 206);
  },
  "sera hold --for 2h -- /usr/local/bin/nightly-report": async (line, set) => {
    await using holding = set.place.start(["sh", "-c", `exec ${set.line(line)}`], { cwd: set.path });
    const status = "sera status -- /usr/local/bin/nightly-report";
    await until("it is held", async () => (await shell(set, status)).code === 0);
    assert.equal((await shell(set, "sera 0 /usr/local/bin/nightly-report")).code, 204);
    holding.kill("SIGTERM");
    await holding.ended;
    await runs("nightly-report")("sera 0 /usr/local/bin/nightly-report", set);
  },
  "sera forget --once 2026-11 -- ./monthly-invoices": async (line, set) => {
    assert.match(await answeredYes(line, set), /Forgot run/);
    await runs("monthly-invoices")("sera --once 2026-11 0 ./monthly-invoices", set);
  },
  "sera --dry-run --once 2026-11 0 ./monthly-invoices": async (line, set) => {
    const before = await set.place.read("ran");
    assert.match((await says(line, set)).stdout, /skip/);
    assert.equal(await set.place.read("ran"), before);
  },
};

/** Runs a line; one for cron as cron does. */
function shell(set: SetUp, line: string) {
  const command = line.startsWith("sera") ? line : readCrontab(line).jobs[0]!.command;
  return set.place.shell(set.line(command), { cwd: set.path });
}

/** Runs a line that has to succeed and to complain of nothing. */
async function says(line: string, set: SetUp) {
  const ended = await shell(set, line);
  assert.deepEqual([ended.code, ended.stderr], [0, ""], ended.stdout);
  return ended;
}

/** A line that runs these commands, in this order, and says nothing. */
function runs(...commands: string[]): Step {
  return async (line, set) => {
    const before = await set.place.read("ran");
    assert.deepEqual(await shell(set, line), { code: 0, stdout: "", stderr: "" });
    assert.equal(await set.place.read("ran"), before + commands.map((name) => `${name}\n`).join(""));
  };
}

/** A report that runs until this is disposed of. */
async function hold(set: SetUp) {
  const before = await set.place.read("ran");
  await set.place.write("busy", "");
  const line = set.line("exec sera 0 /usr/local/bin/nightly-report");
  const running = set.place.start(["sh", "-c", line], { cwd: set.path });
  await until("it runs", async () => await set.place.read("ran") !== before);
  const { ended } = running;
  return {
    ended,
    async [Symbol.asyncDispose]() {
      await Deno.remove(set.place.file("busy"));
      await ended;
      await running[Symbol.asyncDispose]();
    },
  };
}

/** Runs a line at a terminal, where it asks whether to go on. */
async function answeredYes(line: string, set: SetUp): Promise<string> {
  await using running = startInTerminal(set.place, `cd '${set.path}' && ${set.line(line)}`);
  await running.says("[y/N]");
  await running.write("y\n");
  const { code, stdout } = await running.ended;
  assert.equal(code, 0, stdout);
  return stdout;
}

Deno.test("the README is short, and each line with sera in it is tested", () => {
  assert.ok(README.text.split("\n").length < 250);
  assert.deepEqual([...new Set(LINES)], Object.keys(STEPS));
});

const kinds = KINDS.filter(({ name, need }) => {
  if (need !== undefined) console.log(`left out: the README on ${name}: ${need}`);
  return need === undefined;
});
testWith(
  [terminal, tool("logger", "--version"), kinds.length === 0 ? "there is no server" : undefined],
  "following the README line by line gives what it says",
  () =>
    sideBySide(Object.fromEntries(kinds.map((kind) => [kind.name, async () => {
      await using set = await setUp(kind, COMMANDS);
      for (const [line, step] of Object.entries(STEPS)) {
        await step(line, set).catch((cause) => {
          throw new Error(`${line}: ${cause.message}`, { cause });
        });
      }
    }]))),
);

testWith([terminal], "sera can be tried from a checkout, without any server", async () => {
  await using place = await Place.make();
  const [, line] = /^ {4}(scripts\/sera .*)$/m.exec(README.text)!;
  const tried = line!.replace("--server file:", `--server file:${place.locks}`);
  const { code, stdout } = await place.shell(tried, { cwd: `${import.meta.dirname}/../..` });
  assert.equal(code, 0);
  assert.match(stdout, /^hello$/m);
});
