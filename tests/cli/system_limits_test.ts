import assert from "node:assert/strict";
import { queueName } from "../../lib/backends/file/names.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { anotherUser, asNobody, linux, mountNamespace, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import { processesWith } from "./process_list.ts";
import { isCompiled, PROGRAM } from "./program.ts";
import type { Ended, Running } from "./running.ts";
import { waitersForFile } from "./targets.ts";
import { until } from "./wait.ts";

/** Says "command ready", and ends with 0 on SIGTERM; starts no process. */
const COMMAND = ["sh", "-c", "trap 'echo command TERM; exit 7' TERM; echo command ready; read _; read _"];

/** Lets a run begin, tells it to end if it has begun, and says whether it had. */
async function runAndEnd(run: Running): Promise<Ended & { readonly begun: boolean }> {
  await until("the command is ready, or there is none", () => run.over || run.stdout.includes("command ready"));
  const begun = run.stdout.includes("command ready");
  run.kill("SIGTERM");
  return { ...await run.ended, begun };
}

/** Accepted under a limit: success, one line with the reason, or a failure of the runtime before sera starts. */
function assertSound({ code, stdout, stderr, begun }: Ended & { readonly begun: boolean }, limit: number): void {
  if (begun) {
    return assert.deepEqual({ code, stdout, stderr }, {
      code: 7,
      stdout: "command ready\ncommand TERM\n",
      stderr: "",
    }, `${limit}`);
  }
  assert.equal(stdout, "", `${limit}`);
  if (!stderr.startsWith("sera: ")) {
    return assert.ok([1, 101, 127, 134, 139].includes(code), `${limit}: ${code} ${stderr}`);
  }
  assert.ok(code === 202 || code === 203, `${limit}: ${code}`);
  assert.match(stderr, /^sera: Cannot [^\n]+\n$/);
  assert.doesNotMatch(stderr, /report it/);
}

testWith(
  [linux, tool("prlimit", "--nofile=100", "true")],
  "with few descriptors a signal is passed on all the same",
  async () => {
    await using place = await Place.make();
    const env = await place.cacheOfItsOwn();
    const begun = [];
    // A shell that is started with fewer cannot read its script.
    for (let limit = 12; limit <= 44; limit++) {
      const words = ["prlimit", `--nofile=${limit}`, "sera", "0", ...COMMAND];
      await using run = place.start(words, { stdin: "open", env });
      const ended = await runAndEnd(run);
      assertSound(ended, limit);
      begun.push(ended.begun);
    }
    assert.ok(begun.includes(true) && begun.includes(false));
  },
);

/** Users that have no processes outside of a test. */
const FIRST_USER = 54_000;

/** Words that run as a user of their own that may have few processes. */
function asUserWith(limit: number, user: number, words: readonly string[]): string[] {
  const others = asNobody([]).filter((word) => !word.startsWith("--re"));
  return ["setpriv", `--reuid=${user}`, `--regid=${user}`, ...others, "prlimit", `--nproc=${limit}`, ...words];
}

/** Makes a folder for such a user's locks. */
async function folderOf(user: number, place: Place): Promise<string> {
  await Deno.chmod(place.path, 0o755);
  const folder = place.file(`locks-${user}`);
  await Deno.mkdir(folder);
  await Deno.chown(folder, user, user);
  return folder;
}

const compiled = isCompiled
  ? undefined
  : "the program is not compiled, and the runtime for developers has many threads";

testWith([linux, anotherUser, compiled], "with few processes a signal is passed on all the same", async () => {
  await using place = await Place.make();
  const begun = [];
  for (let limit = 1; limit <= 10; limit++) {
    const user = FIRST_USER + limit;
    const folder = await folderOf(user, place);
    await using run = place.start(asUserWith(limit, user, ["sera", "--server", `file:${folder}`, "0", ...COMMAND]), {
      stdin: "open",
      cwd: "/",
    });
    const ended = await runAndEnd(run);
    assertSound(ended, limit);
    begun.push(ended.begun);
  }
  assert.ok(begun.includes(true) && begun.includes(false));
});

testWith(
  [linux, anotherUser, compiled],
  "with no process left in a hold sera looks at its lock, speaks and ends",
  async () => {
    await using place = await Place.make();
    const user = FIRST_USER + 200;
    const folder = await folderOf(user, place);
    const words = ["sera", "--server", `file:${folder}`, "--ttl", "3s", "--grace", "500ms", "--max-run", "12s", "0"];
    // Longer than the runtime keeps a thread that has nothing to do.
    await using run = place.start(asUserWith(1000, user, [...words, "sh", "-c", "echo ready; read _"]), {
      stdin: "open",
      cwd: "/",
    });
    await run.says("ready");
    const lower = asUserWith(1000, user, ["prlimit", `--pid=${run.pid}`, "--nproc=1:1"]);
    assert.deepEqual(await place.run(lower), { code: 0, stdout: "", stderr: "" });
    const { code, stderr } = await run.ended;
    assert.deepEqual({ code, stderr }, {
      code: 207,
      stderr: "sera: The command ran longer than 12s (--max-run); stopping sh\n",
    });
  },
);

testWith([linux, anotherUser, compiled], "with no process left the first who waits for a slot waits on", async () => {
  await using place = await Place.make();
  const user = FIRST_USER + 300;
  const folder = await folderOf(user, place);
  const slots = (wait: string, ...words: string[]) => {
    const flags = ["--server", `file:${folder}`, "--name", "n", "--slots", "2"];
    return place.start(asUserWith(1000, user, ["sera", ...flags, wait, ...words]), { stdin: "open", cwd: "/" });
  };
  await using one = slots("0", "sh", "-c", "echo ready; read _");
  await one.says("ready");
  await using other = slots("0", "sh", "-c", "echo ready; read _");
  await other.says("ready");
  const queue = `${folder}/${queueName(lockName("n"))}.lock`;
  using first = await Deno.open(queue, { read: true, write: true, create: true, mode: 0o600 });
  await Deno.chown(queue, user, user);
  assert.ok(first.tryLockSync(true));
  await using waiter = slots("8s", "true");
  await until("it waits", () => waitersForFile(queue) === 1);
  const lower = asUserWith(1000, user, ["prlimit", `--pid=${waiter.pid}`, "--nproc=1:1"]);
  assert.deepEqual(await place.run(lower), { code: 0, stdout: "", stderr: "" });
  first.unlockSync();
  assert.deepEqual(await waiter.ended, { code: 204, stdout: "", stderr: "" });
});

testWith([linux, anotherUser, compiled], "a command that uses up all processes still gets a signal", async () => {
  await using place = await Place.make();
  const user = FIRST_USER + 100;
  const folder = await folderOf(user, place);
  // A subshell for each, until there are no more.
  const script = "trap 'echo command TERM; exit 7' TERM; (f() { sleep 1000 & f; }; f) 2>/dev/null; " +
    "echo command ready; read _; read _";
  await using run = place.start(
    asUserWith(12, user, ["sera", "--server", `file:${folder}`, "0", "sh", "-c", script]),
    { stdin: "open", cwd: "/" },
  );
  const { code, stdout, stderr } = await runAndEnd(run);
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "command ready\ncommand TERM\n", stderr: "" });
  await until("nobody is left", () => processesWith(place.path).length === 0);
});

/** Runs sera where a file is in the place of another one, or a file system is. */
function inMounts(place: Place, mount: string): Promise<Ended> {
  return place.run(["unshare", "--mount", "bash", "-c", `${mount}; exec sera 0 echo ran`]);
}

const needsForMounts = [
  mountNamespace,
  tool("bash", "-c", '[ "$(readlink -f /bin/sh)" != "$(readlink -f /bin/bash)" ]'),
];

const BROKEN: Record<string, { readonly make: string; readonly says: RegExp }> = {
  "may not be executed": { make: "echo >f; chmod 644 f", says: /Permission denied/ },
  "is no program": { make: "echo garbage >f; chmod 755 f", says: /Exec format error/ },
};

for (const [how, { make, says }] of Object.entries(BROKEN)) {
  testWith(needsForMounts, `a /bin/sh that ${how} is said before the command runs`, async () => {
    await using place = await Place.make();
    // The place's own sera is a script of /bin/sh.
    const program = (await place.read("bin/sera")).replace("#!/bin/sh", "#!/bin/bash");
    await place.write("bin/sera", program);
    const { code, stdout, stderr } = await inMounts(
      place,
      `cd ${place.path}; ${make}; mount --bind f "$(readlink -f /bin/sh)"`,
    );
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.match(stderr, /^sera: Cannot start \/bin\/sh, [^\n]+\n$/);
    assert.match(stderr, says);
  });
}

testWith([mountNamespace], "an empty /dev is said before the command runs", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await inMounts(place, "mount -t tmpfs none /dev");
  assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
  assert.match(stderr, /^sera: Cannot start \/bin\/sh, [^\n]+ \/dev\/null[^\n]*\n$/);
});

/** Limits below which the runtime cannot come to sera, see docs/runtime.md, and some of those that are enough. */
const SHELL_LIMITS: Readonly<Record<string, "too little" | "enough">> = {
  "ulimit -v 2000000": "too little",
  "ulimit -v 16000000": "too little",
  "ulimit -v 80000000": "enough",
  "ulimit -d 5000": "too little",
  "ulimit -d 65536": "enough",
  "ulimit -s 40": "too little",
  "ulimit -s 1024": "enough",
  "ulimit -l 0": "enough",
};

for (const [limit, is] of Object.entries(SHELL_LIMITS)) {
  testWith(
    [linux, compiled, tool("sh", "-c", limit)],
    `${limit} is ${is}, and nothing runs without the lock`,
    async () => {
      await using place = await Place.make();
      const { code, stdout, stderr } = await place.shell(
        `ulimit -c 0; ${limit}; sera 0 sh -c 'echo ran; exit 7'; echo $?`,
      );
      assert.equal(code, 0);
      if (is === "enough") return assert.deepEqual({ stdout, stderr }, { stdout: "ran\n7\n", stderr: "" });
      assert.match(stdout, /^(1|101|133|134|139)\n$/);
    },
  );
}

/** What may be missing. */
const WITHOUT: Readonly<Record<string, string>> = {
  "a file system for temporary files": "mount -t tmpfs -o size=4k,mode=0 none /tmp",
  "/sys": "mount -t tmpfs none /sys",
  "a writable root": "mount -o remount,ro,bind /",
  "other users' processes": "mount -t proc -o hidepid=2 proc /proc",
};

for (const [what, mount] of Object.entries(WITHOUT)) {
  testWith(
    [mountNamespace, compiled, tool("unshare", "--mount", "sh", "-c", mount)],
    `without ${what} it works`,
    async () => {
      await using place = await Place.make();
      // The place itself may be in a folder that is covered.
      const words = PROGRAM.map((word) => `'${word}'`).join(" ");
      const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "sera-cli-" });
      try {
        const script = `mount --bind ${folder} /mnt; cd /; ${mount}; exec ${words} --server file:/mnt 0 echo ran`;
        const ended = await place.run(["unshare", "--mount", "sh", "-c", script]);
        assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

testWith([mountNamespace, anotherUser, compiled], "a /dev/null that is closed to the user is named", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  const folder = await folderOf(FIRST_USER, place);
  const words = PROGRAM.map((word) => `'${word}'`).join(" ");
  const { code, stdout, stderr } = await place.run([
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs none /dev; mknod -m 600 /dev/null c 1 3; cd /; " +
    `exec setpriv --reuid=${FIRST_USER} --regid=${FIRST_USER} --clear-groups ${words} --server file:${folder} 0 echo ran`,
  ], { stdin: "open" });
  assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
  assert.match(
    stderr,
    /^sera: Cannot start \/bin\/sh, [^\n]+: this user may not use \/dev\/null; chmod 666 it\n$/,
  );
});
