/** `sera hold`: a lock without a command. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";
import { FILE, testOn, testOnAll, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const TARGETS = useTargets();

const SHORT = { SERA_TTL: "6s", SERA_GRACE: "1s" };

testOnAll(
  TARGETS,
  "a hold keeps others out, is seen as one, ends by Ctrl-C with 130, and is no run",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    const env = { SERA_LEDGER: "true", SERA_WAIT_AND_SKIP: "true", SERA_LABEL: "another", SERA_SPLAY: "1h" };
    await using holder = place.startSera(["hold", "n", "--for", "forever"], { env });
    await holder.says(/^Holding the lock of n until you end it\.\nTo release it: Ctrl-C, or sera unlock --name n\n/);
    const { locks: [lock] } = JSON.parse((await place.sera(["status", "--json", "--name", "n"])).stdout);
    // MySQL 5.6 does not show connection attributes to this user.
    const isShown = target.name !== "MySQL 5.6";
    assert.equal(lock.held, true);
    if (isShown) assert.deepEqual([lock.holder.label, lock.holder.pid], ["hold", holder.pid]);
    assert.equal((await place.sera(["0", "n"])).code, 204);
    const another = await place.sera(["hold", "--for", "1h", "n"]);
    assert.deepEqual([another.code, another.stdout], [204, ""]);
    const who = isShown ? `${Deno.hostname()}:${holder.pid} hold, ` : "";
    assert.ok(another.stderr.startsWith(`sera: Lock not acquired: somebody else holds it (${who}`), another.stderr);
    assert.match(another.stderr, /\)\.\n$/);
    holder.kill("SIGINT");
    const { code, stdout, stderr } = await holder.ended;
    assert.deepEqual([code, stderr], [130, ""]);
    assert.match(stdout, /\nReleased after \S+\.\n$/);
    assert.deepEqual(JSON.parse((await place.sera(["history", "--json"])).stdout).runs, []);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  },
);

testOnAll(TARGETS, "a hold waits as it is told, and ends by itself after its time with 0", async (target) => {
  await using started = await target.start();
  const { place } = started;
  await using holder = place.startSera(["0", "sh", "-c", "echo ready; read line"], { stdin: "open" });
  await holder.says("ready");
  const words = ["--", "sh", "-c", "echo ready; read line"];
  const late = await place.sera(["hold", "--for", "1h", "--wait", "1ms", ...words]);
  assert.equal(late.code, 204);
  assert.match(late.stderr, /^sera: Lock not acquired within 1ms: somebody else holds it \(.*\)\.\n$/);
  await using hold = place.startSera(["hold", "--for", "1ms", "--wait", "forever", ...words]);
  await until("it waits", async () => await started.waiters("sh -c echo ready; read line") === 1);
  await holder.closeStdin();
  const { code, stdout, stderr } = await hold.ended;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^Holding the lock of the command sh … until [-0-9]+ [:0-9]+Z \(1ms\)\.\nTo release it sooner: Ctrl-C, or sera unlock -- sh -c 'echo ready; read line'\nReleased after \d+ms\.\n$/,
  );
});

for (const target of TARGETS) {
  testOn(target, `${target.name}: sera unlock ends a hold, which says who asked and exits with 206`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera(["hold", "--for", "1h", "n"], { env: SHORT });
    await holder.says("Holding");
    assert.equal((await place.sera(["unlock", "--yes", "--name", "n"], { env: SHORT })).code, 0);
    const { code, stdout, stderr } = await holder.ended;
    assert.match(stderr, new RegExp(`^sera: Asked to release the lock: unlock by \\S+@${Deno.hostname()}\n$`));
    assert.match(stdout, /\nReleased after /);
    assert.equal(code, 206);
  });
}

for (const target of TARGETS.filter(({ name }) => name !== FILE.name)) {
  testOn(target, `${target.name}: a hold whose lock is taken from it exits with 206`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera(["hold", "--for", "1h", "n"], { env: SHORT });
    await holder.says("Holding");
    const forced = await place.sera(["unlock", "--yes", "--force", "--wait", "0", "--name", "n"], { env: SHORT });
    assert.equal(forced.code, 0, forced.stderr);
    const { code, stdout, stderr } = await holder.ended;
    assert.match(stderr, /^sera: Lock lost: /);
    assert.doesNotMatch(stdout, /Released/);
    assert.equal(code, 206);
  });
}

Deno.test("sera hold prints one JSON line when it has the lock, and one with its exit code at the end", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.sera(["hold", "--json", "--for", "1ms", "n"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ event, key, label, exit_code }) => [event, key, label, exit_code]), [
    ["acquired", "n", "hold", undefined],
    ["released", "n", "hold", 0],
  ]);
});

Deno.test("sera hold takes --name, and TERM ends its wait with 143", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["hold", "--for", "1h", "--name", "n o"]);
  await holder.says("or sera unlock --name 'n o'\n");
  await using waiter = place.startSera(["hold", "n o", "--json", "--wait", "forever", "--for", "1h"]);
  await waiter.says('"event":"waiting"');
  waiter.kill("SIGTERM");
  const { code, stdout } = await waiter.ended;
  assert.equal(code, 143);
  assert.match(stdout, /"message":"Interrupted by signal 15 - the lock was not taken\."/);
});

/** The arguments, and sera's message. */
const WRONG: readonly (readonly [words: string[], says: string])[] = [
  [["n"], "Cannot tell how long to hold the lock; add --for DURATION, such as --for 30m"],
  ...[
    ["n", "--for", "1h", "m"],
    ["--json=false", "n", "--for", "1h"],
    ["--for", "1h", "n", "--for=2h"],
    ["--wait", "5", "n", "--for", "1h"],
  ].map((words) =>
    [
      words,
      "Cannot tell whether --for is a flag of sera hold or a word of the command; write the flags before the name, or " +
      "all after it, or -- before a command",
    ] as const
  ),
  [
    ["--wait", "5", "--", "n", "--for", "1h"],
    "Cannot tell how long to hold the lock; add --for DURATION, such as --for 30m",
  ],
  [
    ["--for", "1h", "nightly", "--wait", "5"],
    "Cannot tell whether --wait is a flag of sera hold or a word of the command; write the flags before the name, or " +
    "all after it, or -- before a command",
  ],
  [
    ["--for", "1h", "nightly", "-name=x"],
    "Cannot tell whether -name is a flag of sera hold or a word of the command; write the flags before the name, or " +
    "all after it, or -- before a command",
  ],
  [
    ["--for", "1h", "--replace", "n"],
    "Cannot use --replace with a wait of 0: the holder needs time to end; add --wait DURATION",
  ],
  [["--for", "1h"], "Cannot tell which lock to hold; give its name, or its command after --"],
  [
    ["--for", "soon", "n"],
    "Cannot use --for: soon is not a duration; write whole seconds, a duration such as 30m or 2h, or forever",
  ],
  [["--for", "0", "n"], "Cannot use --for: it must be longer than 0; write a duration such as 30m or 2h, or forever"],
  [
    ["--for", "1h", "--wait", "x", "n"],
    "Cannot use --wait: x is not a duration; write whole seconds, a duration such as 30m or 2h, or forever",
  ],
  [
    ["--for", "1h", "--name", "n", "m"],
    "Cannot choose a lock both by --name and by command; leave out the command, or --name",
  ],
  [
    ["--for", "1h", "30", "job"],
    "Cannot tell which lock is meant: 30 looks like a wait; write sera hold -- job ..., or --name",
  ],
  [
    ["--once", "k", "--for", "1h", "n"],
    "Cannot use --once with sera hold: it is a flag of a run, and has no effect here; leave it out",
  ],
];

for (const [words, says] of WRONG) {
  testInProcess(`sera hold ${words.join(" ")}: ${says}`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await inProcess(place, ["hold", ...words]), { code: 201, stdout: "", stderr: `sera: ${says}\n` });
  });
}

testInProcess("sera hold --json takes no --log-format that it would ignore", async () => {
  await using place = await Place.make();
  const words = ["hold", "n", "--for", "1ms", "--json", "--log-format"];
  const ended = await inProcess(place, [...words, "text"]);
  assert.deepEqual([ended.code, ended.stdout], [201, ""]);
  const { message } = JSON.parse(ended.stderr);
  assert.equal(message, "Cannot use --log-format text with --json: it has no effect there; leave out one of the two");
  assert.equal((await place.sera([...words, "json"])).code, 0);
  assert.equal((await place.sera(words.slice(0, -1), { env: { SERA_LOG_FORMAT: "text" } })).code, 0);
});

testOn(FILE, "a hold by a command's words, which may look like flags, does not call it by its first word", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using holder = place.startSera(["hold", "--for", "1h", "--", "nightly", "--json"], { env: SHORT });
  await holder.says("Holding the lock of the command nightly … until ");
  await holder.says("or sera unlock -- nightly --json\n");
  assert.equal((await place.sera(["status", "--", "nightly", "--json"])).code, 0);
  assert.equal((await place.sera(["status", "--name", "nightly"])).code, 1);
  holder.kill("SIGINT");
  assert.match((await holder.ended).stdout, /\nReleased after \S+\.\n$/);
});

testOn(FILE, "a hold until after the last year of the calendar says for how long", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using holder = place.startSera(["hold", "n", "--for", "200000000d"]);
  await holder.says("Holding the lock of n for 4800000000h.\nTo release it sooner: Ctrl-C, ");
  holder.kill("SIGINT");
  const { code, stderr } = await holder.ended;
  assert.deepEqual([code, stderr], [130, ""]);
});

testOn(FILE, "a hold of one of several slots says how to release that one", async () => {
  await using started = await FILE.start();
  const { place } = started;
  const hold = ["hold", "--for", "1h", "--slots", "3", "n"];
  await using first = place.startSera(hold, { env: SHORT });
  await first.says("or sera unlock --slot 0 --name n\n");
  await using second = place.startSera(hold, { env: SHORT });
  await second.says("or sera unlock --slot 1 --name n\n");
  assert.equal((await place.sera(["unlock", "--yes", "--slot", "1", "--name", "n"], { env: SHORT })).code, 0);
  assert.equal((await second.ended).code, 206);
});

testOn(FILE, "a hold of a lock whose name has a line break says how to release it by its short name", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using holder = place.startSera(["hold", "--for", "1h", "a\nb"], { env: SHORT });
  const short = lockName("a\nb").slice(0, 12);
  await holder.says(`Ctrl-C, or sera unlock --lock ${short}\n`);
  assert.equal((await place.sera(["unlock", "--yes", "--lock", short], { env: SHORT })).code, 0);
  assert.equal((await holder.ended).code, 206);
});
