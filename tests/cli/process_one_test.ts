import assert from "node:assert/strict";
import { entrypoint } from "../docs/dockerfile.ts";
import { pidNamespace, terminal, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { children, descendants, type Running } from "./running.ts";
import { waitersForFile } from "./targets.ts";
import { startInTerminal } from "./terminal.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { until } from "./wait.ts";

/** Starts a program as the first process of a namespace, as a container does. */
function startFirst(place: Place, words: readonly string[]): Running {
  return place.start(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ...words], { stdin: "open" });
}

/** Starts sera as the first process. */
function startAsFirst(place: Place, args: readonly string[]): Running {
  return startFirst(place, ["sera", ...args]);
}

/** The image's command line with the sera under test: an init, and sera below it. */
const ENTRYPOINT = entrypoint().map((word) => word === "/usr/bin/sera" ? "sera" : word);

/** Starts the image's command line. */
function startImage(place: Place, args: readonly string[]): Running {
  return startFirst(place, [...ENTRYPOINT, ...args]);
}

/** The requirements of the image's init. */
const image = [pidNamespace, tool("tini", "--version")];

/** A command that leaves an orphan behind and goes on when there is nothing left of it, not even a zombie. */
const SEE_REAPED = [
  "sh",
  "-c",
  'o=$("$0"); while [ -e "/proc/$o" ]; do sleep 0.01; done; exit 4',
  fixture("orphan.sh"),
];

/** Sends a signal to the first process of the namespace, from outside. */
function signal(run: Running, signal: Deno.Signal): void {
  Deno.kill(children(run.pid)[0]!, signal);
}

testWith([pidNamespace], "as process 1 sera gives the command's exit code, and 128+n", async () => {
  await using place = await Place.make();
  for (
    const [script, code] of [["test $PPID = 1 && exit 42", 42], ["kill -9 $$", 137], ["kill -34 $$", 162]] as const
  ) {
    await using run = startAsFirst(place, ["0", "sh", "-c", script]);
    assert.deepEqual(await run.ended, { code, stdout: "", stderr: "" });
  }
});

testWith([pidNamespace], "as process 1 sera passes signals on to the whole tree", async () => {
  await using place = await Place.make();
  await using run = startAsFirst(place, ["0", fixture("family.sh"), "USR1", "HUP", "INT"]);
  await run.says("child ready");
  // Caught since sera's start, SIGHUP arrives when sera passes on the others, too.
  for (const name of ["HUP", "INT", "USR1"] as const) {
    signal(run, `SIG${name}`);
    await run.says(`child ${name}`);
  }
  signal(run, "SIGTERM");
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  for (const name of ["USR1", "HUP", "INT", "TERM"]) assert.match(stdout, new RegExp(`^parent ${name}$`, "m"));
});

testWith(
  [pidNamespace],
  "as process 1 sera ends with its command by an uncaught signal, from inside as well",
  async () => {
    await using place = await Place.make();
    await using run = startAsFirst(place, ["0", fixture("hold.sh")]);
    await run.says("ready");
    signal(run, "SIGTERM");
    assert.equal((await run.ended).code, 143);
    await using inside = startAsFirst(place, ["0", "sh", "-c", "kill -TERM 1; read _"]);
    assert.equal((await inside.ended).code, 143);
  },
);

for (const name of ["INT", "TERM"] as const) {
  testWith([pidNamespace, terminal], `as process 1 with a terminal sera passes SIG${name} on`, async () => {
    await using place = await Place.make();
    const command = `echo $PPID >${place.file("pid")}; exec ${fixture("report.sh")} command ${name}`;
    await using run = startInTerminal(
      place,
      `exec unshare --pid --fork --kill-child --mount-proc sera 0 sh -c '${command}'`,
    );
    await run.says("command ready");
    assert.equal(await place.read("pid"), "1\n");
    Deno.kill(descendants(run.pid).find((pid) => isFirst(pid))!, `SIG${name}`);
    await run.says(`command ${name}`);
  });
}

/** Whether a process is the first of its namespace, and not of this one. proc_pid_status(5) */
function isFirst(pid: number): boolean {
  return /^NSpid:.*\s1$/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
}

testWith([pidNamespace], "as process 1 sera waits, ends at once by a signal, and takes over", async () => {
  await using place = await Place.make();
  const path = `${place.locks}/${lockName("n")}.lock`;
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  for (const [name, code] of [["TERM", 143], ["INT", 130], ["HUP", 129], ["QUIT", 131]] as const) {
    await using waiter = startAsFirst(place, ["--name", "n", "180", "echo", "ran"]);
    await until("it waits", () => waitersForFile(path) === 1);
    signal(waiter, `SIG${name}`);
    assert.deepEqual(await waiter.ended, { code, stdout: "", stderr: "" });
  }
  await using waiter = startAsFirst(place, ["--name", "n", "180", "echo", "ran"]);
  await until("it waits", () => waitersForFile(path) === 1);
  await holder.closeStdin();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

testWith(
  [pidNamespace],
  "as process 1 sera cannot reap orphans of the command, and is not held up by them",
  async () => {
    await using place = await Place.make();
    const script = 'o=$("$0"); until grep -q "^State:.Z" "/proc/$o/status"; do sleep 0.01; done; exit 4';
    await using run = startAsFirst(place, ["0", "sh", "-c", script, fixture("orphan.sh")]);
    assert.deepEqual(await run.ended, { code: 4, stdout: "", stderr: "" });
  },
);

testWith(
  [pidNamespace],
  "as process 1 sera does not wait for zombies of a command that a signal has ended",
  async () => {
    await using place = await Place.make();
    // The child's parent is gone, so it becomes an orphan.
    const script = '(sleep 60 & echo $! >"$0"); echo ready; while :; do sleep 0.02; done';
    for (const [flags, name, code] of [[[], "TERM", 143], [["--max-run", "1"], undefined, 207]] as const) {
      await using run = startAsFirst(place, ["--grace", "1h", ...flags, "0", "sh", "-c", script, place.file("child")]);
      await run.says("ready");
      if (name) signal(run, `SIG${name}`);
      assert.equal((await run.ended).code, code);
    }
  },
);

testWith(image, "in the image orphans of the command are reaped while it runs", async () => {
  await using place = await Place.make();
  await using run = startImage(place, ["0", ...SEE_REAPED]);
  assert.deepEqual(await run.ended, { code: 4, stdout: "", stderr: "" });
});

testWith(image, "in the image orphans are reaped also where something else is process 1", async () => {
  await using place = await Place.make();
  // This shell waits only for its own children.
  await using run = startFirst(place, ["sh", "-c", '"$@"; exit $?', "sh", ...ENTRYPOINT, "0", ...SEE_REAPED]);
  assert.deepEqual(await run.ended, { code: 4, stdout: "", stderr: "" });
});

testWith(image, "in the image the container's status is the command's", async () => {
  await using place = await Place.make();
  for (const [script, code] of [["exit 0", 0], ["exit 3", 3], ["kill -TERM $$", 143], ["kill -9 $$", 137]] as const) {
    await using run = startImage(place, ["0", "sh", "-c", script]);
    assert.deepEqual(await run.ended, { code, stdout: "", stderr: "" });
  }
});

testWith(image, "in the image a signal to process 1 reaches the command's whole tree", async () => {
  await using place = await Place.make();
  await using run = startImage(place, ["0", fixture("family.sh"), "HUP"]);
  await run.says("child ready");
  for (const name of ["HUP", "TERM"] as const) {
    signal(run, `SIG${name}`);
    await run.says(`child ${name}`);
  }
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  for (const name of ["HUP", "TERM"]) assert.match(stdout, new RegExp(`^parent ${name}$`, "m"));
});

testWith(image, "in the image a waiter ends at once when the container is stopped", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = startImage(place, ["--name", "n", "180", "echo", "ran"]);
  await until("it waits", () => waitersForFile(`${place.locks}/${lockName("n")}.lock`) === 1);
  signal(waiter, "SIGTERM");
  assert.deepEqual(await waiter.ended, { code: 143, stdout: "", stderr: "" });
});

testWith(image, "in the image the KILL that follows a TERM ends the command, and frees the lock", async () => {
  await using place = await Place.make();
  const slow = [fixture("slow_to_stop.sh"), place.file("never")];
  await using run = startImage(place, ["--name", "n", "0", ...slow]);
  await run.says("ready");
  signal(run, "SIGTERM");
  await run.says("stopping");
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  signal(run, "SIGKILL");
  await run.ended;
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
});
