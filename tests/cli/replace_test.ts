/** `--replace`: a run that asks who holds the lock to end, and takes its place. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { replaceLockName } from "../../lib/lock/replacers.ts";
import { linux, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { Together } from "../side_by_side.ts";
import { mariaDbTarget, pgBouncerTarget, postgresTarget } from "./lease_targets.ts";
import { FILE, testOn, testOnAll, useTargets } from "./targets.ts";

const SHORT = { SERA_TTL: "6s", SERA_GRACE: "1s" };
/** Who is asked sees it soon, and has all the time to end. */
const PATIENT = { SERA_TTL: "6s", SERA_GRACE: "10m" };

const TARGETS = useTargets("file", "MariaDB", "PostgreSQL", "etcd");
const LEASES = [mariaDbTarget(), postgresTarget(), pgBouncerTarget()];
const together = new Together();

/** Defines a test for locks in sessions, files and etcd, and for those that are rows. */
function testEverywhere(name: string, fn: (place: Place, target: string) => Promise<void>): void {
  testOnAll(TARGETS, name, async (target) => {
    await using started = await target.start();
    await fn(started.place, target.name);
  });
  for (const kind of LEASES) {
    kind.test(together, `with leases: ${name}`, async () => {
      await using started = await kind.start();
      await fn(started.place, kind.name);
    });
  }
}

function start(place: Place, words: readonly string[], env: Readonly<Record<string, string>> = SHORT): Running {
  return place.startSera(["--name", "n", ...words], { stdin: "open", env });
}

/** A run that holds the lock until stdin ends, or until asked to end. */
async function holding(place: Place, words: readonly string[] = ["0", fixture("hold.sh")], env = SHORT) {
  const holder = start(place, words, env);
  await holder.says("ready");
  return holder;
}

/** A command that ends, once it is asked to, only when there is a file `go`. */
function slow(place: Place): string[] {
  return ["0", "sh", "-c", `trap '' TERM; echo ready; until [ -e ${place.file("go")} ]; do sleep 0.05; done`];
}

const BY_REPLACE = new RegExp(`^sera: Asked to release the lock: replace by \\S+@${Deno.hostname()}; stopping `, "m");

testEverywhere("the holder is asked, and exits with 206; then the later run has the lock", async (place) => {
  await using holder = await holding(place);
  await using later = start(place, ["--replace", "2m", "echo", "ran"]);
  const ended = await holder.ended;
  assert.equal(ended.code, 206);
  assert.match(ended.stderr, BY_REPLACE);
  assert.deepEqual(await later.ended, { code: 0, stdout: "ran\n", stderr: "" });
  // No request is left.
  await using next = await holding(place);
  await next.closeStdin();
  assert.equal((await next.ended).code, 0);
});

testEverywhere("of two replacing runs the later one goes on, and the earlier one exits with 204", async (place) => {
  await using holder = await holding(place, slow(place), PATIENT);
  const replacing = ["--verbose=stderr", "--replace", "2m", "echo", "ran"];
  await using first = start(place, replacing);
  await first.says(/^Asked the holder to end: /m);
  await using second = start(place, replacing);
  const left = await first.ended;
  assert.deepEqual([left.code, left.stdout], [204, ""]);
  assert.match(
    left.stderr,
    /\nLock not acquired: somebody else holds it \(.*\), and a later run with --replace waits for it in the place of this one - the command was not executed\.\n$/,
  );
  await second.says(/^Asked the run that waits to replace it to end: .* replace by /m);
  await second.says(/^Asked the holder to end: /m);
  // The internal lock of the replacing runs is not shown.
  const { locks } = JSON.parse((await place.sera(["status", "--json"])).stdout);
  assert.deepEqual(locks.map(({ lock }: { lock: string }) => lockName("n").startsWith(lock)), [true]);
  await holder.says(BY_REPLACE);
  await place.write("go", "");
  assert.equal((await holder.ended).code, 206);
  const ran = await second.ended;
  assert.deepEqual([ran.code, ran.stdout], [0, "ran\n"]);
  assert.equal((await place.sera(["status", "--lock", replaceLockName(lockName("n"))])).code, 1);
});

testEverywhere("an earlier waiter that gets the lock first is asked to end in turn", async (place, target) => {
  await using holder = await holding(place, slow(place), PATIENT);
  await using between = start(place, ["--verbose=stderr", "forever", fixture("hold.sh")]);
  await between.says(/^Waiting for /m);
  await using later = start(place, ["--verbose=stderr", "--replace", "2m", "echo", "ran"]);
  await holder.says(BY_REPLACE);
  await place.write("go", "");
  assert.equal((await holder.ended).code, 206);
  assert.equal((await later.ended).code, 0);
  // It came between, before or after its command had begun, or has its turn only now.
  await between.closeStdin();
  const { code, stderr } = await between.ended;
  assert.ok([0, 202, 206].includes(code), `${code} ${stderr}`);
  if (code !== 0) assert.match(stderr, /^sera: Asked to release the lock: replace by /m);
  if (target === "etcd") assert.notEqual(code, 0);
});

testEverywhere("Ctrl-C withdraws the request, and leaves nothing behind", async (place) => {
  await using holder = await holding(place, ["0", fixture("hold.sh")], { SERA_TTL: "60s", SERA_GRACE: "1s" });
  await underWatch(holder);
  await holder.suspend();
  await using later = start(place, ["--verbose=stderr", "--replace", "2m", "echo", "ran"]);
  await later.says(/^Asked the holder to end: /m);
  later.kill("SIGINT");
  const { code, stdout, stderr } = await later.ended;
  assert.deepEqual([code, stdout], [130, ""]);
  assert.match(stderr, /\nInterrupted by signal 2 - the command was not executed\.\n$/);
  assert.equal((await place.sera(["status", "--lock", replaceLockName(lockName("n"))])).code, 1);
  holder.kill("SIGCONT");
  await holder.closeStdin();
  assert.deepEqual(await holder.ended, { code: 0, stdout: "ready\n", stderr: "" });
});

testEverywhere("a holder that ignores TERM is killed by its own sera after its grace period", async (place) => {
  await using holder = await holding(place, ["0", fixture("stubborn.sh")]);
  assert.deepEqual(await place.sera(["--name", "n", "--replace", "2m", "echo", "ran"], { env: SHORT }), {
    code: 0,
    stdout: "ran\n",
    stderr: "",
  });
  assert.equal((await holder.ended).code, 206);
});

testOn(FILE, "the wait bounds it all, and no holder is ended by force", async () => {
  await using place = await Place.make();
  await using holder = await holding(place, slow(place), PATIENT);
  const { code, stdout, stderr } = await place.sera(["--verbose", "--name", "n", "--replace", "300ms", "true"]);
  assert.deepEqual([code, stderr], [204, ""]);
  assert.match(stdout, /\nLock not acquired within 300ms: somebody else holds it \(/);
  assert.ok(!holder.over);
  await place.write("go", "");
  await holder.ended;
});

testOn(FILE, "a free lock is taken at once, and a hold replaces and is replaced", async () => {
  await using place = await Place.make();
  await using first = place.startSera(["hold", "n", "--for", "1h", "--replace", "--wait", "1m"], { env: SHORT });
  await first.says("Holding the lock of n");
  await using second = place.startSera(["hold", "n", "--for", "1ms", "--replace", "--wait", "1m"], { env: SHORT });
  const ended = await first.ended;
  assert.equal(ended.code, 206);
  assert.match(ended.stderr, /^sera: Asked to release the lock: replace by /);
  assert.equal((await second.ended).code, 0);
  const atOnce = await place.sera(["hold", "n", "--for", "1h", "--replace"]);
  assert.deepEqual(atOnce, {
    code: 201,
    stdout: "",
    stderr: "sera: Cannot use --replace with a wait of 0: the holder needs time to end; add --wait DURATION\n",
  });
});

testOn(FILE, "a run that was replaced has failed, and --once lets the later one run", async () => {
  await using place = await Place.make();
  await using holder = await holding(place, ["--once", "k", "0", fixture("hold.sh")]);
  const words = ["--name", "n", "--once", "k", "--replace", "1m", "echo", "ran"];
  assert.deepEqual(await place.sera(words), { code: 0, stdout: "ran\n", stderr: "" });
  assert.equal((await holder.ended).code, 206);
  // It has run already, so no holder is asked to end.
  assert.deepEqual(await place.sera(words), { code: 0, stdout: "", stderr: "" });
});

testWith([linux, tool("flock", "--version")], "who cannot be asked is waited for, which is said once", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  const file = `${place.locks}/${lockName("n")}.lock`;
  await using other = place.start(["flock", file, fixture("hold.sh")], { stdin: "open" });
  await other.says("ready");
  await using later = start(place, ["--verbose=stderr", "--replace", "2m", "echo", "ran"]);
  await later.says(/^Cannot ask the holder to end: /m);
  await other.closeStdin();
  const { code, stdout, stderr } = await later.ended;
  assert.deepEqual([code, stdout], [0, "ran\n"]);
  assert.equal(stderr.match(/^Cannot ask the holder to end: [^\n]+; waiting for it\.$/gm)?.length, 1, stderr);
});

testOn(FILE, "inside its own lock's command it is refused, and asks nobody", async () => {
  await using place = await Place.make();
  const words = ["sera", "--name", "n", "--replace", "1m", "echo", "ran"];
  const { code, stdout, stderr } = await place.run(["sera", "--name", "n", "0", ...words], { env: SHORT });
  assert.deepEqual([code, stdout], [201, ""]);
  assert.match(stderr, /^sera: Cannot wait for the lock of n: the outer sera [^\n]+\n$/);
});
