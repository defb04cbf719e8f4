import assert from "node:assert/strict";
import { RESTARTS, useHeldSessions } from "./held_session.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, lives, pidIn } from "./process_list.ts";
import { until } from "./wait.ts";

for (const target of useHeldSessions()) {
  target.test("a command whose lock is lost gets TERM, 206 and one line", async () => {
    await using place = await Place.make(target.sessions.server);
    await using run = place.startSera(["--name", "n", "0", fixture("report.sh"), "command"]);
    await run.says("command ready");
    const { command, shell } = childrenOfSera(run);
    assert.ok(await target.sessions.cutHolder("n"));
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 206, stdout: "command ready\ncommand TERM\n" });
    // The script's shell may tell of its child's end, too.
    assert.match(
      stderr.replace("Terminated\n", ""),
      /^sera: Lock lost: \S+ at tcp\([^\n]+; stopping \S+report\.sh, since another node may start it now\n$/,
    );
    assert.deepEqual([command, shell].filter(lives), []);
  });

  target.test("with --on-lost=warn the command goes on, keeps its exit code, and one line is printed", async () => {
    await using place = await Place.make(target.sessions.server);
    const script = 'echo ready; trap "echo TERM" TERM; read _; exit 42';
    await using run = place.startSera(["--name", "n", "--on-lost=warn", "0", "sh", "-c", script], { stdin: "open" });
    await run.says("ready");
    assert.ok(await target.sessions.cutHolder("n"));
    await run.says("another node may start it too (--on-lost=warn)");
    // Another run has it now, and the first one still runs.
    const other = await place.sera(["--name", "n", "180", "echo", "other"]);
    assert.deepEqual(other, { code: 0, stdout: "other\n", stderr: "" });
    await run.closeStdin();
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 42, stdout: "ready\n" });
    const [warning, ...rest] = stderr.trim().split("\n");
    assert.match(
      warning!,
      /^sera: Lock lost: [^\n]+; sh goes on, and another node may start it too \(--on-lost=warn\)$/,
    );
    // The release finds it gone, too.
    assert.match(rest.join("\n"), /^sera: Cannot release the lock on [^\n]+$/);
  });

  target.test("with --on-lost=warn, --max-run still stops the command, with its whole grace period", async () => {
    await using place = await Place.make(target.sessions.server);
    const go = place.file("go");
    const flags = ["--name", "n", "--on-lost=warn", "--max-run", "1"];
    await using run = place.startSera([...flags, "0", fixture("slow_to_stop.sh"), go]);
    await run.says("ready");
    assert.ok(await target.sessions.cutHolder("n"));
    await run.says("stopping\n");
    await place.write("go", "");
    assert.equal((await run.ended).code, 207);
  });

  target.test("a tree that ignores TERM is killed after --grace when the lock is lost", async () => {
    await using place = await Place.make(target.sessions.server);
    const file = place.file("child");
    await using run = place.startSera(["--name", "n", "--grace", "600ms", "0", fixture("stubborn.sh"), file]);
    await run.says("ready");
    const child = await pidIn(file);
    const began = performance.now();
    assert.ok(await target.sessions.cutHolder("n"));
    await run.says("Lock lost");
    assert.equal((await run.ended).code, 206);
    const took = performance.now() - began;
    assert.ok(took >= 600, `${took} ms`);
    await until("its child is gone", () => !lives(child!));
  });

  target.test("with --grace 0, KILL follows TERM at once when the lock is lost", async () => {
    await using place = await Place.make(target.sessions.server);
    await using run = place.startSera(["--name", "n", "--grace", "0", "0", fixture("stubborn.sh")]);
    await run.says("ready");
    assert.ok(await target.sessions.cutHolder("n"));
    await run.says("Lock lost");
    assert.equal((await run.ended).code, 206);
  });

  target.test("when the lock is lost, the grace period is at most a third of the ttl", async () => {
    await using place = await Place.make(target.sessions.server);
    await using run = place.startSera(["--name", "n", "--ttl", "6", "--grace", "3600", "0", fixture("stubborn.sh")]);
    await run.says("ready");
    assert.ok(await target.sessions.cutHolder("n"));
    await run.says("Lock lost");
    assert.equal((await run.ended).code, 206);
  });

  target.test("when the server crashes, the lock is lost: 206", async () => {
    await using place = await Place.make(target.sessions.server);
    await using run = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    await target.sessions.kill();
    const { code, stderr } = await run.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
    await target.sessions.restart();
  }, RESTARTS);
}
