import assert from "node:assert/strict";
import { linux, pidNamespace, terminal, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, lives, passesOn, pidIn, processesWith, processInfo, underWatch } from "./process_list.ts";
import { children, killQuietly, type Running } from "./running.ts";
import { KEY, startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";

/** Kills sera and sees that the processes are gone soon. */
async function assertGoneAfterKill(sera: number, pids: readonly number[]): Promise<void> {
  await underWatch({ pid: sera });
  assert.deepEqual(pids.filter((pid) => !lives(pid)), []);
  killQuietly(sera);
  await until("all are gone", () => !pids.some(lives));
}

/** The sera that a program such as script(1) has started. */
function findSera(pid: number): Promise<Running> {
  return until("sera has its two children", () => {
    const all = children(pid);
    const found = all.find((child) => children(child).length === 2);
    return found === undefined ? all.map(grandchild).find(Boolean) : { pid: found } as Running;
  });
}

function grandchild(pid: number): Running | undefined {
  const found = children(pid).find((child) => children(child).length === 2);
  return found === undefined ? undefined : { pid: found } as Running;
}

testWith([linux], "kill -9 on sera ends the command and its children, also those that ignore signals", async () => {
  await using place = await Place.make();
  const file = place.file("child");
  await using run = place.startSera(["0", fixture("stubborn.sh"), file]);
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  const child = await pidIn(file);
  await assertGoneAfterKill(run.pid, [command, child!, shell]);
  assert.deepEqual(processesWith(place.path), []);
});

/** The shell beside the command, once there is another one than those. */
function nextShell(run: Running, command: number, others: readonly number[]): Promise<number> {
  return until("there is another shell", () => {
    return children(run.pid).find((child) => child !== command && !others.includes(child));
  });
}

testWith([linux], "a shell beside the command that is killed has a successor, which ends the command too", async () => {
  await using place = await Place.make();
  const script = "trap 'echo got USR1' USR1; echo ready; while :; do read -r _; done";
  await using run = place.startSera(["0", "sh", "-c", script], { stdin: "open" });
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  await underWatch(run);
  killQuietly(shell);
  const next = await nextShell(run, command, [shell]);
  // The first signal is passed on after the shell was asked about it, hence after it knows what to kill.
  run.kill("SIGUSR1");
  await run.says("got USR1");
  await assertGoneAfterKill(run.pid, [command, next]);
  assert.equal(run.stderr, "");
});

testWith(
  [linux],
  "a shell beside the command that is killed twice is told of, and the command's end counts",
  async () => {
    await using place = await Place.make();
    await using run = place.startSera(["0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    const { command, shell } = childrenOfSera(run);
    killQuietly(shell);
    killQuietly(await nextShell(run, command, [shell]));
    await run.says(/^sera: The helper shell [^\n]+ killed again; [^\n]+\n/);
    run.kill("SIGTERM");
    assert.equal((await run.ended).code, 143);
  },
);

testWith([linux], "kill -9 on sera ends a command that is stopped", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["0", fixture("stubborn.sh")]);
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  await passesOn(run, "SIGTSTP");
  run.kill("SIGTSTP");
  // Which it does after it has stopped the command: that is in state D where it was just starting a process, vfork(2).
  await until("sera has stopped", () => processInfo(run.pid)?.state === "T");
  await assertGoneAfterKill(run.pid, [command, shell]);
});

testWith([terminal], "with a terminal kill -9 on sera ends the command itself", async () => {
  await using place = await Place.make();
  await using run = startInTerminal(place, `sera 0 ${fixture("stubborn.sh")}`);
  await run.says("ready");
  const sera = await findSera(run.pid);
  const { command, shell } = childrenOfSera(sera);
  assert.notEqual(processInfo(command)!.session, command);
  await assertGoneAfterKill(sera.pid, [command, shell]);
});

testWith([terminal], "the terminal's keys and its end do not end the shell that waits for sera's", async () => {
  await using place = await Place.make();
  await using run = startInTerminal(place, `exec sera 0 ${fixture("report.sh")} command INT`);
  await run.says("command ready");
  const { command, shell } = childrenOfSera(await findSera(run.pid));
  await run.write(KEY.ctrlC);
  await run.says("command INT");
  assert.ok(lives(shell));
  Deno.kill(command, "SIGTERM");
  assert.equal((await run.ended).code, 0);
  await until("nothing is left", () => ![command, shell].some(lives));
});

testWith(
  [linux, tool("setsid", "true")],
  "a process that left the group with setsid survives kill -9, as documented",
  async () => {
    await using place = await Place.make();
    const file = place.file("daemon");
    const script =
      'setsid sh -c \'echo $$ >"$0"; exec sleep 60\' "$0" & until [ -s "$0" ]; do sleep 0.02; done; echo ready; wait';
    await using run = place.startSera(["0", "sh", "-c", script, file]);
    await run.says("ready");
    const { command, shell } = childrenOfSera(run);
    const daemon = await pidIn(file);
    await underWatch(run);
    run.kill("SIGKILL");
    await until("the command and the shell are gone", () => ![command, shell].some(lives));
    assert.ok(lives(daemon!));
    killQuietly(daemon!);
  },
);

const ENDS: Record<string, { args: string[]; signal?: Deno.Signal; code: number }> = {
  "a normal run": { args: ["0", fixture("hold.sh")], code: 0 },
  "a signal": { args: ["0", fixture("hold.sh")], signal: "SIGTERM", code: 143 },
  "a run that was stopped": { args: ["--max-run", "500ms", "0", fixture("hold.sh")], code: 207 },
};

for (const [what, { args, signal, code }] of Object.entries(ENDS)) {
  testWith([linux], `no process of sera's is left when it has ended after ${what}`, async () => {
    await using place = await Place.make();
    await using run = place.startSera(args, { stdin: "open" });
    await run.says("ready");
    const { command, shell } = childrenOfSera(run);
    if (signal) run.kill(signal);
    else if (code === 0) await run.closeStdin();
    assert.equal((await run.ended).code, code);
    assert.deepEqual([command, shell].filter(lives), []);
    assert.deepEqual(processesWith(place.path), []);
  });
}

testWith([pidNamespace], "no process of sera's is left when the command could not be started", async () => {
  await using place = await Place.make();
  // In its own PID namespace every process belongs to this run. Process 1 here reaps no orphans.
  const script = "sera 0 no-such-command; code=$?; for pid in /proc/[0-9]*; do echo $pid; done; exit $code";
  const { code, stdout } = await place.run(
    ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
  );
  assert.deepEqual({ code, stdout }, { code: 203, stdout: "/proc/1\n" });
});

testWith([pidNamespace], "no zombie is left to a first process that does not reap", async () => {
  await using place = await Place.make();
  const script = "sera 0 true; code=$?; for pid in /proc/[0-9]*; do echo $pid; done; exit $code";
  const { code, stdout } = await place.run(
    ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
  );
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "/proc/1\n" });
});

testWith([linux], "a daemon that the command leaves behind lives on after a normal end", async () => {
  await using place = await Place.make();
  const file = place.file("daemon");
  const { code } = await place.sera(["0", "sh", "-c", 'sleep 60 >/dev/null 2>&1 & echo $! >"$0"', file]);
  assert.equal(code, 0);
  const daemon = await pidIn(file);
  assert.ok(lives(daemon!));
  killQuietly(daemon!);
});

testWith([linux], "neither descriptor nor environment of the waiting shell gets into the command", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["0", fixture("hold.sh")], { stdin: "open" });
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  const pipe = Deno.readLinkSync(`/proc/${shell}/fd/0`);
  const open = [...Deno.readDirSync(`/proc/${command}/fd`)].filter(({ name }) => Number(name) < 10);
  assert.ok(open.length >= 3);
  assert.ok(!open.some(({ name }) => Deno.readLinkSync(`/proc/${command}/fd/${name}`) === pipe), pipe);
  // dash keeps its script at 10; what it has below is what it was given.
  assert.deepEqual(open.map(({ name }) => name).sort(), ["0", "1", "2"]);
  const holders = processesWith(place.path).filter((pid) => pid !== run.pid && hasOpen(pid, pipe));
  assert.deepEqual(holders, []);
  await run.closeStdin();
  assert.equal((await run.ended).code, 0);
});

function hasOpen(pid: number, target: string): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`) === target;
    } catch {
      // Closed by now.
      return false;
    }
  });
}

testWith([linux], "the waiting shell holds nothing of the caller's: no stream, no folder, no variable", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["0", fixture("hold.sh")], { stdin: "open", cwd: place.path });
  await run.says("ready");
  const { shell } = childrenOfSera(run);
  assert.equal(Deno.readLinkSync(`/proc/${shell}/cwd`), "/");
  assert.deepEqual([1, 2].map((fd) => Deno.readLinkSync(`/proc/${shell}/fd/${fd}`)), ["/dev/null", "/dev/null"]);
  assert.equal(Deno.readTextFileSync(`/proc/${shell}/environ`), "");
});

testWith([linux], "when somebody kills the waiting shell, sera and the command do not care", async () => {
  await using place = await Place.make();
  await using run = place.startSera(["--verbose=stderr", "0", "sh", "-c", "echo ready; read _; exit 42"], {
    stdin: "open",
  });
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  killQuietly(shell);
  await until("the shell is gone", () => !lives(shell));
  assert.ok(lives(command));
  await run.closeStdin();
  const { code, stderr } = await run.ended;
  assert.equal(code, 42);
  assert.match(
    stderr,
    /^Settings: [^\n]+\nLock acquired [^\n]+\nCommand finished with exit code 42\.\nLock released[^\n]+\n$/,
  );
});

testWith([linux, tool("nohup", "true")], "kill -9 ends the command of a sera under nohup, too", async () => {
  await using place = await Place.make();
  const script = `exec nohup sera 0 ${fixture("hold.sh")}`;
  await using run = place.start(["sh", "-c", script], { stdin: "open" });
  await run.says("ready");
  const { command, shell } = childrenOfSera(run);
  run.kill("SIGHUP");
  await assertGoneAfterKill(run.pid, [command, shell]);
});
