import assert from "node:assert/strict";
import { linux, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { isCompiled, PROGRAM } from "./program.ts";

/** A shell script that prepares itself and then starts `"$@"`, and one that the command reports with. */
interface Inheritance {
  readonly before: string;
  readonly report: string;
  readonly needs?: readonly (string | undefined)[];
}

const STATUS = 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Cpus_allowed|Mems_allowed)" /proc/self/status';
const FLAGS = "for fd in 0 1 2; do grep flags /proc/self/fdinfo/$fd; done";

/** Properties of a command that are the same as without sera. */
const SAME: Record<string, Inheritance> = {
  "a strict umask": { before: "umask 077", report: "umask" },
  "an umask that allows nothing": { before: "umask 777", report: "umask" },
  "limits": {
    before: "ulimit -c 0; ulimit -s 4096; ulimit -t 1000; ulimit -v 80000000; ulimit -f 100000; ulimit -u 5000",
    report: "ulimit -c; ulimit -s; ulimit -t; ulimit -v; ulimit -f; ulimit -u; ulimit -H -s",
    needs: [tool("bash", "-c", "ulimit -u 5000")],
  },
  "a limit of descriptors that may be raised": {
    before: "ulimit -S -n 256",
    report: "ulimit -S -n; ulimit -H -n",
    needs: [isCompiled ? undefined : "the runtime for developers raises it"],
  },
  "niceness": { before: "renice -n 5 $$ >/dev/null", report: "nice", needs: [tool("renice", "-n", "0", "1")] },
  "what the out-of-memory killer goes by": {
    before: "echo 321 >/proc/self/oom_score_adj",
    report: "cat /proc/self/oom_score_adj",
  },
  "processors": { before: "taskset -cp 0 $$ >/dev/null", report: STATUS, needs: [tool("taskset", "-c", "0", "true")] },
  "user, groups and capabilities": { before: ":", report: STATUS },
  "no new privileges": {
    before: 'set -- setpriv --no-new-privs "$@"',
    report: STATUS,
    needs: [tool("setpriv", "--no-new-privs", "true")],
  },
  "the working directory": { before: "cd /usr", report: "pwd; readlink /proc/self/cwd" },
  "descriptors besides the first three": {
    before: "exec 3</usr 4>/dev/null 7<>/dev/zero",
    report: "for fd in 3 4 5 6 7 8 9; do readlink /proc/self/fd/$fd; done",
  },
  "streams that wait": { before: "exec </dev/zero", report: FLAGS },
  "streams that do not wait": {
    before: "exec </dev/zero; dd iflag=nonblock oflag=nonblock count=0 2>/dev/null",
    report: FLAGS,
  },
  "SIGPIPE's default": { before: ":", report: "yes | head -n 1; (yes; echo $? >&2) 2>&1 | tail -n 0" },
};

for (const [what, { before, report, needs = [] }] of Object.entries(SAME)) {
  testWith([linux, ...needs], `a command inherits ${what} as if there were no sera`, async () => {
    await using place = await Place.make();
    const script = `${before}\n"$@" bash -c '${report}'`;
    const without = await place.run(["bash", "-c", script, "bash", "env"]);
    const under = await place.run(["bash", "-c", script, "bash", "sera", "0"]);
    assert.notEqual(without.stdout, "");
    assert.deepEqual(under, without);
  });
}

testWith([linux], "the caller's streams are as they were when sera has ended", async () => {
  await using place = await Place.make();
  for (const flag of ["nonblock", "fullblock"]) {
    const script = `exec </dev/zero; dd iflag=${flag} count=0 2>/dev/null; ${FLAGS}; sera 0 true; ${FLAGS}`;
    const { stdout } = await place.shell(script);
    const lines = stdout.trim().split("\n");
    assert.equal(lines.length, 6);
    assert.deepEqual(lines.slice(3), lines.slice(0, 3));
  }
});

for (const closed of ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"]) {
  testWith([linux], `streams that are missing, ${closed}, are empty ones, and nothing of sera's`, async () => {
    await using place = await Place.make();
    const out = place.file("out");
    const report = `for fd in 0 1 2; do readlink /proc/self/fd/$fd >>${out}; done; exit 5`;
    const { code } = await place.shell(`sera 0 bash -c '${report}' ${closed}`);
    const [stdin, stdout, stderr] = (await place.read("out")).trim().split("\n");
    assert.equal(code, 5);
    if (closed.includes("<&-")) assert.equal(stdin, "/dev/null");
    // The report's own redirection has taken its place.
    assert.equal(stdout, out);
    if (closed.includes("2>&-")) assert.equal(stderr, "/dev/null");
  });
}

/** coreutils' env, which sets what is done with signals. */
const ENV = tool("env", "--ignore-signal=CHLD", "--block-signal=TERM", "true");

testWith([linux, ENV], "a sera that was started with SIGCHLD ignored hands every exit code back", async () => {
  await using place = await Place.make();
  // Without a shell between: dash does not leave it ignored.
  const words = PROGRAM.map((word) => `'${word}'`).join(" ");
  const run = async (args: string) =>
    (await place.run(["bash", "-c", `exec env --ignore-signal=CHLD ${words} ${args}`])).code;
  assert.equal(await run("0 sh -c 'exit 3'"), 3);
  assert.equal(await run("0 sh -c 'kill -9 $$'"), 137);
  assert.equal(await run("--max-run 100ms 0 sleep 60"), 207);
  assert.equal(await run("--once k 0 sh -c 'echo x >>$HOME/ran'"), 0);
  assert.equal(await run("--once k 0 sh -c 'echo x >>$HOME/ran'"), 0);
  assert.equal(await place.read("ran"), "x\n");
  assert.equal(await run("0 no-such-command"), 203);
  assert.equal(await run("--syslog --once k2 0 sh -c 'exit 4'"), 4);
  assert.equal(await run("status"), 0);
});

testWith([linux, ENV], "a sera that was started with SIGCHLD ignored passes SIGTERM on", async () => {
  await using place = await Place.make();
  const words = ["env", "--ignore-signal=CHLD", ...PROGRAM, "0", fixture("hold.sh")];
  await using run = place.start(words, { stdin: "open" });
  await run.says("ready");
  run.kill("SIGTERM");
  assert.deepEqual(await run.ended, { code: 143, stdout: "ready\n", stderr: "" });
});

testWith([linux, ENV], "a sera that was started with everything ignored hands the exit code back", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.run(["env", "--ignore-signal", ...PROGRAM, "0", "sh", "-c", "exit 6"]);
  assert.deepEqual({ code, stderr }, { code: 6, stderr: "" });
});

testWith([linux, ENV], "signals that were blocked before sera's start are named to those who ask", async () => {
  await using place = await Place.make();
  const words = "sh -c 'until grep -q blocked said; do sleep 0.01; done; grep SigBlk /proc/self/status; exit 7'";
  const { code, stdout } = await place.shell(
    `cd ${place.path}; >said; env --block-signal=TERM,USR1 sera --verbose=stderr 0 ${words} 2>said`,
  );
  assert.equal(code, 7);
  assert.match(stdout, /^SigBlk:\s0+\n$/);
  assert.match(await place.read("said"), /^Signals blocked [^\n]*: SIGTERM, SIGUSR1\.$/m);
});

/** The runtime for developers keeps files of its own, and ends when it cannot write them. */
const compiled = isCompiled ? undefined : "the program is not compiled";

testWith(
  [linux, compiled],
  "where no file may grow, the command runs all the same, and its exit code is kept",
  async () => {
    await using place = await Place.make();
    const { code, stdout } = await place.shell(
      `cd ${place.path}; ulimit -f 0; sera --verbose 0 sh -c 'sleep 0.2; exit 3' >said; echo $?`,
    );
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "3\n" });
    assert.equal(await place.read("said"), "");
  },
);

testWith([linux, compiled], "where no file may grow, a ledger in a file is an error in one line", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.shell("ulimit -f 0; sera --once k 0 echo ran");
  assert.equal(code, 202);
  assert.match(stderr, /^sera: [^\n]+\n$/);
});
