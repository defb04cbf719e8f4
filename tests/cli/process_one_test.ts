import assert from "node:assert/strict";
import { pidNamespace, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { children, type Running } from "./running.ts";
import { waitersForFile } from "./targets.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { until } from "./wait.ts";

/** Starts sera as the first process of a namespace, as a container does. */
function startAsFirst(place: Place, args: readonly string[]): Running {
  const words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sera", ...args];
  return place.start(words, { stdin: "open" });
}

/** Sends a signal to the sera in the namespace, from outside. */
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
  for (const name of ["USR1", "HUP", "INT"] as const) {
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

testWith([pidNamespace], "as process 1 sera waits, ends at once by a signal, and takes over", async () => {
  await using place = await Place.make();
  const path = `${place.locks}/${lockName("n")}.lock`;
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  for (const [name, code] of [["TERM", 143], ["INT", 130], ["HUP", 129], ["QUIT", 131]] as const) {
    await using waiter = startAsFirst(place, ["--name", "n", "60", "echo", "ran"]);
    await until("it waits", () => waitersForFile(path) === 1);
    signal(waiter, `SIG${name}`);
    assert.deepEqual(await waiter.ended, { code, stdout: "", stderr: "" });
  }
  await using waiter = startAsFirst(place, ["--name", "n", "60", "echo", "ran"]);
  await until("it waits", () => waitersForFile(path) === 1);
  await holder.closeStdin();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

testWith([pidNamespace], "as process 1 sera is not held up by orphans of the command", async () => {
  await using place = await Place.make();
  // Three processes whose parent ends before them and that end before sera does.
  const orphans = 'for i in 1 2 3; do (sh -c "sleep 0.05" &); done; sleep 0.2; exit 4';
  await using run = startAsFirst(place, ["0", "sh", "-c", orphans]);
  assert.equal((await run.ended).code, 4);
});
