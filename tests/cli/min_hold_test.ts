import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { lives, pidIn } from "./process_list.ts";
import { children, killQuietly } from "./running.ts";

Deno.test("--min-hold keeps others out for the rest of its time after a short command", async () => {
  await using place = await Place.make();
  const began = performance.now();
  await using first = place.startSera(["--min-hold", "2s", "--name", "n", "0", "sh", "-c", "echo done; exit 3"]);
  await first.says("done");
  assert.deepEqual(await place.sera(["--name", "n", "180", "echo", "ran"]), { code: 0, stdout: "ran\n", stderr: "" });
  assert.ok(performance.now() - began >= 2000);
  assert.deepEqual(await first.ended, { code: 3, stdout: "done\n", stderr: "" });
});

Deno.test("after a command that took longer than --min-hold the lock is released at once", async () => {
  await using place = await Place.make();
  const { stdout } = await place.sera(["--verbose", "--min-hold", "100ms", "0", "sleep", "0.2"]);
  assert.match(
    stdout,
    /^Settings: [^\n]+\nLock acquired [^\n]+\nCommand finished [^\n]+\nLock released, held for [^\n]+\n$/,
  );
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testWith([linux], `${signal} ends the time of --min-hold, and the exit code stays the command's`, async () => {
    await using place = await Place.make();
    const flags = ["--verbose", "--min-hold", "1h", "--name", "n"];
    await using first = place.startSera([...flags, "0", "sh", "-c", "exit 3"]);
    await first.says(/^Keeping the lock for another (59m\d+s|1h) \(--min-hold\)\.$/m);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
    first.kill(signal);
    const { code, stdout, stderr } = await first.ended;
    assert.deepEqual({ code, stderr }, { code: 3, stderr: "" });
    assert.match(stdout, /exit code 3\.\nKeeping [^\n]+\nLock released, held for [^\n]+\n$/);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  });
}

testWith([linux], "after a signal that ended the command --min-hold keeps nobody waiting", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["--verbose", "--min-hold", "1h", "0", fixture("hold.sh")], { stdin: "open" });
  await run.says("ready");
  run.kill("SIGTERM");
  const { code, stdout } = await run.ended;
  assert.equal(code, 143);
  assert.doesNotMatch(stdout, /Keeping/);
});

Deno.test("--min-hold does not apply to a command that could not be started", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.sera(["--verbose", "--min-hold", "1h", "0", "no-such-command"]);
  assert.equal(code, 203);
  assert.doesNotMatch(stdout, /Keeping/);
});

testWith([linux], "a command that is stopped keeps its exit code and the lock", async () => {
  await using place = await Place.make();
  await using run = place.startSera(
    ["--verbose", "--max-run", "100ms", "--min-hold", "1h", "--name", "n", "0", "sleep", "20"],
  );
  await run.says("Keeping the lock");
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  run.kill("SIGTERM");
  assert.equal((await run.ended).code, 207);
});

testWith(
  [linux],
  "kill -9 on a sera that only keeps the lock ends nothing that the command has left behind",
  async () => {
    await using place = await Place.make();
    const file = place.file("daemon");
    const script = 'sleep 60 >/dev/null 2>&1 & echo $! >"$0"';
    await using run = place.startSera(["--verbose", "--min-hold", "1h", "0", "sh", "-c", script, file]);
    await run.says("Keeping the lock");
    const daemon = (await pidIn(file))!;
    // No helper shell is left that would kill anything at sera's end.
    assert.deepEqual(children(run.pid), []);
    run.kill("SIGKILL");
    await run.ended;
    assert.ok(lives(daemon));
    killQuietly(daemon);
  },
);
