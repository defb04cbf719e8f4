/** `--dry-run`: what a run would do, without doing any of it. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { splayFor } from "../splayed.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { linux, terminal, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { type StartedTarget, type Target, testOnAll, useTargets, withTables } from "./targets.ts";
import { startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";

const TARGETS = useTargets();

/** A command that would be noticed. */
const command = (place: Place) => ["sh", "-c", `echo ran; touch ${place.file("ran")}`];

async function assertNothingWritten(target: Target, { place, ledger }: StartedTarget): Promise<void> {
  const [table] = withTables([target]);
  if (!table) return assert.equal(await ledger.all(), "[]");
  await assert.rejects(async () => await ledger.all());
  const { stdout } = await place.sera(["status"]);
  assert.equal(stdout, "No locks are held.\n");
}

testOnAll(TARGETS, "with a free lock it would run the command; nothing is written", async (target) => {
  await using started = await target.start();
  const { place } = started;
  const words = command(place);
  for (const flags of [[], ["--once", "k"], ["--every", "1h", "--record-skips"], ["--wait-and-skip"]]) {
    const { code, stdout, stderr } = await place.sera(["--dry-run", ...flags, "5", ...words]);
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: "Would run the command: nobody holds the lock.\n",
      stderr: "",
    });
  }
  const json = JSON.parse((await place.sera(["--dry-run", "--json", "--once", "k", "0", ...words])).stdout);
  assert.deepEqual({ ...json, lock: "" }, {
    lock: "",
    would: "run",
    slot: null,
    exit_code: 0,
    pause: null,
    holder: null,
    waiters: [],
    counted_run: null,
  });
  await assertNothingWritten(target, started);
  await assert.rejects(Deno.stat(place.file("ran")));
});

testOnAll(TARGETS, "with a lock that is held it would wait or give up, and says for whom: 204", async (target) => {
  await using started = await target.start();
  const { place } = started;
  const holding = ["--name", "n", "--once", "k", "0", "sh", "-c", "echo ready; read line"];
  await using holder = place.startSera(holding, { stdin: "open" });
  await holder.says("ready");
  const dry = (...words: string[]) => place.sera(["--dry-run", "--name", "n", ...words, "true"]);
  const who = `${Deno.hostname()}:${holder.pid} n`;
  const atOnce = await dry("0");
  assert.equal(atOnce.code, 204);
  assert.ok(atOnce.stdout.startsWith(`Would give up at once: the lock is held by ${who}, `), atOnce.stdout);
  const later = await dry("1m30s");
  assert.equal(later.code, 204);
  assert.ok(later.stdout.startsWith(`Would wait up to 1m30s for ${who}, `), later.stdout);
  const skip = await dry("--wait-and-skip", "forever");
  assert.equal(skip.code, 204);
  assert.match(skip.stdout, /^Would wait without a limit for .*, then skip the command\.\n$/);
  await using _waiter = place.startSera(["--name", "n", "forever", "true"]);
  await until("somebody waits", async () => await started.waiters("n") === 1);
  const json = await dry("--json", "5");
  const { would, exit_code, holder: seen, waiters } = JSON.parse(json.stdout);
  assert.deepEqual([would, exit_code, seen.pid, waiters.length], ["wait", 204, holder.pid, 1]);
  assert.match((await dry("5")).stdout, / ago\); 1 more waits\.\n$/);
  await holder.closeStdin();
  await holder.ended;
});

testOnAll(TARGETS, "with a run that counts it would skip, and says because of which", async (target) => {
  await using started = await target.start();
  const { place } = started;
  assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "true"])).code, 0);
  const before = await started.ledger.all();
  const dry = (...words: string[]) => place.sera(["--dry-run", "--name", "n", ...words, "0", "false"]);
  const once = await dry("--once", "k");
  assert.deepEqual([once.code, once.stderr], [0, ""]);
  assert.match(once.stdout, /^Would skip the command\. Already done for this key: run \d+ by \S+ at .* succeeded\.\n$/);
  const every = await dry("--every", "1h", "--detailed-exit-codes", "--json");
  assert.equal(every.code, 205);
  const { would, exit_code, counted_run } = JSON.parse(every.stdout);
  const { runs: [run] } = JSON.parse((await place.sera(["history", "--json"])).stdout);
  assert.deepEqual([would, exit_code, counted_run], ["skip", 205, run]);
  assert.match((await dry("--once", "another")).stdout, /^Would run /);
  assert.equal(await started.ledger.all(), before);
  await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read line"], { stdin: "open" });
  await holder.says("ready");
  const both = await place.sera(["--dry-run", "--name", "n", "--once", "k", "9", "true"]);
  assert.equal(both.code, 204);
  assert.match(both.stdout, /^Would wait up to 9s for .*, then skip the command\. Already done for this key: run \d+ /);
});

Deno.test("a failed or abandoned run counts with --count-failures only", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "false"])).code, 1);
  const dry = (...flags: string[]) => place.sera(["--dry-run", "--once", "k", "--name", "n", ...flags, "0", "true"]);
  assert.match((await dry()).stdout, /^Would run /);
  assert.match((await dry("--count-failures")).stdout, /^Would skip .* failed\.\n$/);
});

Deno.test("inside the lock's own command it is 201, like a run that would wait for itself", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.sera([
    "--name",
    "n",
    "0",
    place.file("bin/sera"),
    "--dry-run",
    "--name",
    "n",
    "5",
    "true",
  ]);
  assert.equal(code, 201);
  assert.match(stderr, /^sera: Cannot wait for the lock of n: the outer sera /);
});

Deno.test("a server that cannot be asked is 202", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.sera(["--server", "u@tcp(127.0.0.1:1)/", "--dry-run", "0", "true"]);
  assert.deepEqual([code, stdout], [202, ""]);
  assert.match(stderr, /^sera: Cannot ask MySQL at /);
});

Deno.test("the pause of --splay is reported, but not waited for", async () => {
  await using place = await Place.make();
  const splay = splayFor(2 * 3_600_000, lockName("n"));
  const flags = ["--dry-run", "--name", "n", "--splay", `${splay}ms`];
  const { code, stdout } = await place.sera([...flags, "0", "true"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Would pause for 2h first \(--splay \w+\)\. Would run the command: nobody holds the lock\.\n$/);
  const json = JSON.parse((await place.sera([...flags, "--json", "0", "true"])).stdout);
  assert.equal(Math.floor(json.pause), 2 * 3600);
});

testInProcess("--json without --dry-run, and --dry-run as a value, are 201", async () => {
  await using place = await Place.make();
  assert.deepEqual(await inProcess(place, ["--json", "0", "true"]), {
    code: 201,
    stdout: "",
    stderr: "sera: Cannot use --json: it has no effect without --dry-run; " +
      "for lines of JSON write --verbose --log-format json\n",
  });
  const { code, stderr } = await inProcess(place, ["--dry-run=soon", "0", "true"]);
  assert.deepEqual([code, stderr], [
    201,
    "sera: Cannot use --dry-run: soon; it takes true or false\n",
  ]);
});

testWith([linux, terminal], "at a terminal it tells times in the local zone", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "true"])).code, 0);
  await using shown = startInTerminal(place, "TZ=Asia/Kolkata sera --dry-run --once k --name n 0 true");
  assert.match((await shown.ended).stdout, /^Would skip the command\. .* by \S+ at \S+ \S+\+05:30 succeeded\.\r\n$/);
});

testOnAll(TARGETS, "with max-waiters 0 it would give up at once; where as many wait as may, it may", async (target) => {
  await using started = await target.start();
  const { place } = started;
  await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read line"], { stdin: "open" });
  await holder.says("ready");
  const dry = (...flags: string[]) => place.sera(["--dry-run", "--name", "n", ...flags, "1h", "true"]);
  const none = await dry("--max-waiters", "0");
  assert.equal(none.code, 204);
  assert.match(none.stdout, /^Would give up at once: the lock is held by /);
  assert.equal(JSON.parse((await dry("--max-waiters", "0", "--json")).stdout).would, "give up");
  // Of those who replace the holder only the last one waits, whatever the limit.
  const replacing = ["--dry-run", "--name", "n", "--replace", "1h", "true"];
  assert.match(
    (await place.sera(replacing, { env: { SERA_MAX_WAITERS: "0" } })).stdout,
    /^Would ask (?![^,]+ to end).*, to end, and /,
  );
  assert.match((await dry("--max-waiters", "1")).stdout, /^Would wait up to 1h for (?![^]*unless)/);
  await using _waiter = place.startSera(["--name", "n", "forever", "true"]);
  await until("somebody waits", async () => await started.waiters("n") === 1);
  const one = await dry("--max-waiters", "1");
  assert.match(one.stdout, /, unless too many wait already \(--max-waiters 1\); 1 more waits\.\n$/);
  await holder.closeStdin();
  await holder.ended;
});

const WITH_SLOTS = TARGETS.filter(({ name }) => name !== "MySQL 5.6");

testOnAll(
  WITH_SLOTS,
  "with a free slot it would still wait for a run with the same key, as a run does",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    const flags = (key: string) => ["--name", "n", "--slots", "3", "--once", key];
    await using holder = place.startSera([...flags("k"), "0", "sh", "-c", "echo ready; read line"], { stdin: "open" });
    await holder.says("ready");
    const dry = (key: string, ...words: string[]) => place.sera(["--dry-run", ...flags(key), ...words, "true"]);
    const now = await dry("k", "0");
    assert.equal(now.code, 204);
    assert.match(now.stdout, /^Would give up at once: somebody else holds it \(/);
    assert.match((await dry("k", "1m")).stdout, /^Would wait up to 1m for /);
    // A failure would count, too, so that it is not left to the future.
    const failures = (await dry("k", "--count-failures", "1m")).stdout;
    assert.match(
      failures,
      /, then skip the command\. Already begun for this key: run \d+ by \S+ at \S+ \S+ has not ended/,
    );
    assert.equal((await dry("another", "0")).stdout, "Would run the command: slot 1 of 3 is free.\n");
    await holder.closeStdin();
    await holder.ended;
  },
);
