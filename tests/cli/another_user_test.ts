/** Commands, and parts of them, that have become another user's. */

import assert from "node:assert/strict";
import { type Becoming, BECOMINGS, OTHER_UID } from "./becoming.ts";
import { useHeldSessions } from "./held_session.ts";
import { linux, root, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { lives, pidIn } from "./process_list.ts";
import type { Ended, Running } from "./running.ts";
import { until } from "./wait.ts";

/** Prints "job PID", ignores all signals until the pipe $0 is written to, and exits with 5. */
const JOB = 'trap "" INT HUP TERM; echo "job $$"; read -r _ <"$0"; exit 5';

/** Makes that pipe, which every user may use. */
async function pipe(place: Place): Promise<string> {
  const path = place.file("go");
  await place.shell(`mkfifo "${path}" && chmod 666 "${path}"`);
  return path;
}

const BUSY = { code: 204, stdout: "", stderr: "" };

/** A job of another user's, under a sera that may not signal it. */
class Job implements AsyncDisposable {
  readonly #place: Place;
  readonly #sera: readonly string[];
  readonly run: Running;

  private constructor(place: Place, sera: readonly string[], run: Running) {
    this.#place = place;
    this.#sera = sera;
    this.run = run;
  }

  /** @param below The job is not the command itself, but a shell's child. */
  static async start(place: Place, becoming: Becoming, flags: readonly string[], below: boolean): Promise<Job> {
    const { sera, command } = await becoming.prepare(place);
    const job = [...command, "sh", "-c", JOB, await pipe(place)];
    const words = below ? ["sh", "-c", '"$@"; true', "sh", ...job] : job;
    const run = place.start([...sera, "--name", "n", ...flags, "0", ...words]);
    await run.says(/job \d+/);
    return new Job(place, sera, run);
  }

  get pid(): number {
    return Number(/job (\d+)/.exec(this.run.stdout)![1]);
  }

  async assertLocked(): Promise<void> {
    assert.deepEqual(await this.#another(), BUSY);
  }

  async assertFree(): Promise<void> {
    assert.equal((await this.#another()).code, 0);
  }

  /** Another sera of the same user's that asks for the lock. */
  #another(): Promise<Ended> {
    return this.#place.run([...this.#sera, "--name", "n", "0", "true"]);
  }

  /** Lets it end. */
  async finish(): Promise<void> {
    await this.#place.write("go", "");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.run[Symbol.asyncDispose]();
  }
}

for (const becoming of BECOMINGS) {
  const { what, need, uid } = becoming;
  const who = (pid: number) => `process ${pid} \\(uid ${OTHER_UID}\\): sera \\(uid ${uid}\\) may not signal it`;

  for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    testWith([need], `${signal} ends the shell only, and the lock is kept for the job: ${what}`, async () => {
      await using place = await Place.make();
      await using job = await Job.start(place, becoming, [], true);
      job.run.kill(signal);
      await job.run.says("Cannot end process");
      assert.ok(lives(job.pid));
      await job.assertLocked();
      // Passed on again, but no process is left to get it.
      job.run.kill("SIGTERM");
      await job.assertLocked();
      await job.finish();
      const ended = await job.run.ended;
      assert.equal(ended.code, code);
      assert.match(
        ended.stderr,
        new RegExp(`^sera: Cannot end ${who(job.pid)}; the lock is kept until it has ended: end it as [^\n]+\n`),
      );
      await job.assertFree();
    });
  }

  testWith([need], `--max-run says that it cannot end the command, and keeps the lock: ${what}`, async () => {
    await using place = await Place.make();
    await using job = await Job.start(place, becoming, ["--max-run", "1", "--grace", "0"], false);
    await job.run.says("Cannot end process");
    await job.assertLocked();
    await job.finish();
    const { code, stderr } = await job.run.ended;
    assert.equal(code, 207);
    assert.match(
      stderr,
      new RegExp(`^sera: The command ran longer [^\n]+\nsera: Cannot end ${who(job.pid)}; the lock is kept [^\n]+\n$`),
    );
    await job.assertFree();
  });

  testWith([need], `a signal that cannot be passed on is told, and the command goes on: ${what}`, async () => {
    await using place = await Place.make();
    await using job = await Job.start(place, becoming, [], false);
    job.run.kill("SIGTERM");
    await job.run.says("Cannot pass SIGTERM on");
    await job.assertLocked();
    await job.finish();
    const { code, stderr } = await job.run.ended;
    assert.equal(code, 5);
    assert.match(
      stderr,
      new RegExp(`^sera: Cannot pass SIGTERM on to ${who(job.pid)}; the command goes on: [^\n]+\n$`),
    );
  });
}

const [withoutKill] = BECOMINGS;

for (const shared of useHeldSessions()) {
  shared.test("a lost lock is not kept for processes that cannot be stopped; sera says that they go on", async () => {
    if (withoutKill!.need !== undefined) return console.log(`left out: ${withoutKill!.need}`);
    await using place = await Place.make(shared.sessions.server);
    await using job = await Job.start(place, withoutKill!, ["--grace", "0"], true);
    assert.ok(await shared.sessions.cutHolder("n"));
    const pattern = new RegExp(
      `^sera: Lock lost: [^\n]+; stopping sh, [^\n]+\nsera: Cannot end process ${job.pid} [^\n]+; it goes on without the lock: `,
      "m",
    );
    await job.run.says(pattern);
    assert.ok(lives(job.pid));
    // It has sera's stderr open, and so it is not waited for that this is closed.
    await until("sera has ended", () => !lives(job.run.pid));
    assert.ok(lives(job.pid));
    await job.finish();
    assert.equal((await job.run.ended).code, 206);
  });

  shared.test("a lock lost while it is kept for other processes is reported, and sera exits with the command's code", async () => {
    if (withoutKill!.need !== undefined) return console.log(`left out: ${withoutKill!.need}`);
    await using place = await Place.make(shared.sessions.server);
    await using job = await Job.start(place, withoutKill!, ["--grace", "0"], true);
    job.run.kill("SIGTERM");
    await job.run.says("the lock is kept until it has ended");
    assert.ok(await shared.sessions.cutHolder("n"));
    await job.run.says("it goes on without the lock");
    await until("sera has ended", () => !lives(job.run.pid));
    assert.ok(lives(job.pid));
    await job.finish();
    assert.equal((await job.run.ended).code, 143);
  });
}

testWith([root ?? linux ?? tool("setpriv", "--reuid=4242", "true")], "root ends a job of another user's", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  const words = ["sh", "-c", '"$@"; true', "sh", "setpriv", `--reuid=${OTHER_UID}`, "sh", "-c", JOB, await pipe(place)];
  await using run = place.startSera(["--grace", "100ms", "0", ...words]);
  await run.says(/job \d+/);
  const pid = Number(/job (\d+)/.exec(run.stdout)![1]);
  run.kill("SIGTERM");
  assert.deepEqual(await run.ended, { code: 143, stdout: `job ${pid}\n`, stderr: "" });
  assert.equal(lives(pid), false);
});

testWith([linux], "the lock is kept for a child in the background that takes its time after a signal", async () => {
  await using place = await Place.make();
  const go = place.file("go");
  const script = '"$0" "$1" & echo $! >"$2"; wait';
  const words = ["sh", "-c", script, fixture("slow_to_stop.sh"), go, place.file("child")];
  await using run = place.startSera(["--name", "n", "--grace", "1h", "0", ...words]);
  await run.says("ready");
  run.kill("SIGTERM");
  await run.says("stopping");
  assert.deepEqual(await place.sera(["--name", "n", "0", "true"]), BUSY);
  await place.write("go", "");
  assert.equal((await run.ended).code, 143);
  assert.equal(lives((await pidIn(place.file("child")))!), false);
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
});

testWith([linux], "a child in the background that ignores a signal is killed after the grace period", async () => {
  await using place = await Place.make();
  const words = ["sh", "-c", '"$0" "$1" & wait', fixture("stubborn.sh"), place.file("child")];
  await using run = place.startSera(["--grace", "100ms", "0", ...words]);
  await run.says("ready");
  const child = await until("its child", () => pidIn(place.file("child")));
  run.kill("SIGTERM");
  assert.equal((await run.ended).code, 143);
  assert.equal(lives(child), false);
});

testWith([linux], "a daemon lives on after a signal that did not end the command", async () => {
  await using place = await Place.make();
  const script = 'trap "echo got" USR2; (trap "" USR2; exec sleep 60) >/dev/null 2>&1 & echo $! >"$0"; ' +
    "echo ready; until read -r _; do :; done";
  await using run = place.startSera(["0", "sh", "-c", script, place.file("daemon")], { stdin: "open" });
  await run.says("ready");
  // Until it is passed on, it may get lost.
  await until("it has come", () => {
    run.kill("SIGUSR2");
    return run.stdout.includes("got");
  });
  await run.write("end\n");
  assert.equal((await run.ended).code, 0);
  assert.ok(lives((await pidIn(place.file("daemon")))!));
});
