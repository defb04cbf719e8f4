import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, lives } from "./process_list.ts";
import { until } from "./wait.ts";

Deno.test("a command that runs past --max-run is stopped: TERM, one line, 207", async () => {
  await using place = await Place.make();
  const began = performance.now();
  const ended = await place.sera(["--max-run", "500ms", "0", "sleep", "20"]);
  assert.ok(performance.now() - began >= 500);
  assert.deepEqual(ended, {
    code: 207,
    stdout: "",
    stderr: "sera: The command ran longer than 500ms (--max-run); stopping sleep\n",
  });
});

Deno.test("a command that ends sooner is not affected, whatever its exit code", async () => {
  await using place = await Place.make();
  assert.deepEqual(await place.sera(["--max-run", "20", "0", "sh", "-c", "exit 7"]), {
    code: 7,
    stdout: "",
    stderr: "",
  });
});

Deno.test("--max-run with verbose and JSON logs that the command was stopped, and 207", async () => {
  await using place = await Place.make();
  const { stdout, stderr } = await place.sera([
    "--verbose",
    "--log-format=json",
    "--max-run",
    "300ms",
    "0",
    "sleep",
    "20",
  ]);
  const { level, event, exit_code } = JSON.parse(stderr);
  assert.deepEqual({ level, event, exit_code }, { level: "error", event: "error", exit_code: 207 });
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line).event), [
    "note",
    "acquired",
    "finished",
    "released",
  ]);
  assert.match(stdout, /Command stopped after /);
});

testWith([linux], "a command may clean up after TERM, and the lock is held until it has been reaped", async () => {
  await using place = await Place.make();
  const go = place.file("go");
  await using run = place.startSera(["--name", "n", "--max-run", "300ms", "0", fixture("slow_to_stop.sh"), go]);
  await run.says("stopping");
  const { command } = childrenOfSera(run);
  await using waiter = place.startSera(["--name", "n", "180", "sh", "-c", `kill -0 ${command} && echo two; echo ran`]);
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  assert.ok(lives(command));
  await place.write("go", "");
  assert.equal((await run.ended).code, 207);
  assert.equal((await waiter.ended).stdout, "ran\n");
});

testWith([linux], "a tree that ignores TERM is killed after the grace period, and not before", async () => {
  await using place = await Place.make();
  const file = place.file("child");
  const began = performance.now();
  const { code } = await place.sera(
    ["--max-run", "500ms", "--grace", "700ms", "0", fixture("stubborn.sh"), file],
  );
  const took = performance.now() - began;
  assert.equal(code, 207);
  assert.ok(took >= 1200, `${took} ms`);
  const child = Number((await place.read("child")).trim());
  await until("its child is gone", () => !lives(child));
});

testWith([linux], "with --grace 0 KILL follows TERM at once", async () => {
  await using place = await Place.make();
  const { code } = await place.sera(["--max-run", "200ms", "--grace", "0", "0", fixture("stubborn.sh")]);
  assert.equal(code, 207);
});

testWith([linux], "--max-run holds for the first one with --wait-and-skip, and the others skip", async () => {
  await using place = await Place.make();
  const flags = ["--wait-and-skip", "--detailed-exit-codes", "--name", "n"];
  const go = place.file("go");
  await using first = place.startSera([...flags, "--max-run", "300ms", "180", fixture("slow_to_stop.sh"), go]);
  await first.says("stopping");
  await using second = place.startSera([...flags, "--verbose", "180", "echo", "ran"]);
  await second.says("waiting for them");
  await place.write("go", "");
  assert.equal((await first.ended).code, 207);
  const { code, stdout } = await second.ended;
  assert.equal(code, 205);
  assert.doesNotMatch(stdout, /^ran$/m);
});

Deno.test("the time of --max-run begins when the lock is held", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const limit = ["--max-run", "2s"];
  await using waiter = place.startSera(["--verbose=stderr", "--name", "n", ...limit, "forever", "echo", "ran"]);
  await waiter.says("Waiting for");
  // One whose time begins now, since it has its lock, is stopped.
  assert.equal((await place.sera([...limit, "0", "sleep", "600"])).code, 207);
  await holder.closeStdin();
  const { code, stdout } = await waiter.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
  assert.equal((await holder.ended).code, 0);
});
