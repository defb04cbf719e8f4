import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../../lib/errors.ts";
import { LockFile } from "../../../lib/backends/file/lock_file.ts";
import { prepareLockFolder } from "../../../lib/backends/file/lock_folder.ts";
import { Running } from "../../cli/running.ts";
import { linux, testWith, tool } from "../../cli/needs.ts";
import { HANG, pause, until } from "../../cli/wait.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { lockContract } from "../lock_contract.ts";
import { failure, freshName, hold, never, open } from "../open.ts";

const isWindows = Deno.build.os === "windows";
const folder = Deno.makeTempDirSync({ prefix: "sera-lock-" });
const server = `file:${folder.replaceAll("\\", "/")}`;

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

lockContract({
  // A wait for a file that was given up ends when it is granted, which may be after the test.
  test: (name, fn) => Deno.test({ name: `file: ${name}`, sanitizeOps: false, sanitizeResources: false, fn }),
  server: () => server,
  waiting: async (name, count) => {
    if (Deno.build.os === "linux") await until(`${count} waiting for ${name}`, () => kernelWaiters(name) === count);
    // Other systems do not tell, so time has to do. A waiter that is not in the queue yet makes a test easier, not wrong.
    else await pause(300);
  },
});

const flock = linux ?? tool("flock", "--version");

testWith([flock], "file: a lock of sera's excludes flock(1)", async () => {
  const name = freshName();
  await using backend = await open(server, name);
  const lock = await hold(backend);
  assert.equal(await flockOnce(name), 1);
  await lock.release();
  assert.equal(await flockOnce(name), 0);
});

testWith([flock], "file: a lock of flock(1)'s excludes sera, which gets it next", async () => {
  const name = freshName();
  await using holder = new Running(["flock", pathOf(name), "sh", "-c", "echo held; read line"], {
    env: { PATH: Deno.env.get("PATH") },
    stdin: "open",
  });
  await holder.says("held");
  await using backend = await open(server, name);
  assert.equal(await backend.acquire(0, never), undefined);
  const granted = backend.acquire(HANG, never);
  await until("sera waits", () => kernelWaiters(name) === 1);
  await holder.closeStdin();
  const lock = await granted;
  assert.ok(lock);
  await lock.release();
});

testWith([linux], "file: a waiter does nothing", async () => {
  const name = freshName();
  using clock = new FakeClock();
  // The holder's next look comes hours later.
  await using holder = await open(server, name, undefined, { lease: { ttl: 86_400_000, grace: 0 } });
  const lock = await hold(holder);
  await using waiter = await open(server, name);
  const granted = waiter.acquire(Infinity, never);
  await clock.until("it waits", () => kernelWaiters(name) === 1);
  await clock.to(7 * 3_600_000);
  assert.equal(clock.fired, 0);
  // The kernel alone wakes it.
  await lock.release();
  await (await granted)!.release();
});

Deno.test({
  name: "file: a removed lock file is reported at the release",
  ignore: isWindows, // There a file that is open stays.
  fn: async () => {
    const name = freshName();
    await using backend = await open(server, name);
    const lock = await hold(backend);
    await Deno.remove(pathOf(name));
    await assert.rejects(lock.release(), LockLostError);
  },
});

Deno.test({
  name: "file: a removed lock file is reported before the command starts",
  ignore: isWindows,
  fn: async () => {
    const name = freshName();
    using clock = new FakeClock();
    await using backend = await open(server, name);
    const lock = await hold(backend);
    await lock.confirm();
    await Deno.remove(pathOf(name));
    // A look is fresh for a second.
    await clock.to(1000);
    await lock.confirm();
    assert.equal(lock.lost.aborted, false);
    await clock.to(1001);
    await assert.rejects(lock.confirm(), LockLostError);
    assert.ok(lock.lost.aborted);
  },
});

Deno.test({
  name: "file: as long as the lock file exists, checks do not report a loss",
  ignore: isWindows,
  fn: async () => {
    const name = freshName();
    using clock = new FakeClock();
    const looks = countLooks();
    using _looks = looks;
    await using backend = await open(server, name, undefined, { lease: { ttl: 3000, grace: 10 } });
    const lock = await hold(backend);
    const before = looks.count;
    for (let second = 1; second <= 10; second++) {
      await clock.until("the last look is over", () => looks.answered === looks.count);
      await clock.to(1000 * second - 1);
      assert.equal(looks.count - before, second - 1);
      await clock.to(1000 * second);
      assert.equal(looks.count - before, second);
    }
    await clock.until("the last look is over", () => looks.answered === looks.count);
    assert.equal(lock.lost.aborted, false);
    await Deno.remove(pathOf(name));
    await clock.to(11_000);
    await clock.until("it is missed", () => lock.lost.aborted);
    assert.ok(lock.lost.reason instanceof LockLostError);
    assert.equal(lock.lost.reason.within, 10);
  },
});

testWith([linux], "file: a lock file in use can be kept from those who remove old files", async () => {
  const name = freshName();
  await Deno.writeTextFile(pathOf(name), "");
  await Deno.utime(pathOf(name), 1, 1);
  const file = await LockFile.open(prepareLockFolder(folder, false), name, never);
  file.touch();
  file.close();
  const { mtime, atime } = await Deno.stat(pathOf(name));
  assert.ok(mtime!.getTime() > 1_000_000_000_000 && atime!.getTime() > 1_000_000_000_000);
});

Deno.test({
  name: "file: a waiter does not take the lock of a removed file",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const name = freshName();
    await using one = await open(server, name);
    await using other = await open(server, name);
    await using third = await open(server, name);
    const lock = await hold(one);
    const granted = other.acquire(Infinity, never);
    await until("it waits", () => kernelWaiters(name) === 1);
    await Deno.remove(pathOf(name));
    const next = await hold(third);
    await lock.release().catch(() => undefined);
    // It found the removed file, and queues for the one that is there now.
    await until("it waits again", () => kernelWaiters(name) === 1);
    await next.release();
    await (await granted)!.release();
  },
});

testWith(
  [isWindows ? "Windows has no modes" : undefined],
  "file: only user and group can open a lock's file",
  async () => {
    const name = freshName();
    await using backend = await open(server, name);
    const lock = await hold(backend);
    assert.equal(Deno.statSync(pathOf(name)).mode! & 0o007, 0);
    await lock.release();
  },
);

Deno.test("file: a folder that cannot be made is an error with its path", async () => {
  await Deno.writeTextFile(`${folder}/a-file`, "");
  const error = await failure(`${server}/a-file/below`);
  assert.ok(error instanceof LockUnavailableError);
  assert.match(error.message, /^Cannot use the folder: .*a-file\/below: .+--server file:/);
});

testWith(
  [isWindows ? "Windows has no modes" : undefined],
  "file: a folder that everybody can write to is refused",
  async () => {
    const open = `${folder}/open`;
    await Deno.mkdir(open);
    await Deno.chmod(open, 0o777);
    const error = await failure(`file:${open}`);
    assert.ok(error instanceof LockUnavailableError);
    assert.match(error.message, /everybody can write to it/);
  },
);

Deno.test("file: a folder is made for this user alone", async () => {
  const made = `${folder}/made/here`;
  await using backend = await open(`${server}/made/here`, freshName());
  await (await hold(backend)).release();
  if (!isWindows) assert.equal(Deno.statSync(made).mode! & 0o777, 0o700);
});

/** Counts the looks at where the files of locks are, until it is disposed of. */
function countLooks(): { count: number; answered: number } & Disposable {
  const { lstat } = Deno;
  const looks = { count: 0, answered: 0, [Symbol.dispose]: () => void (Deno.lstat = lstat) };
  Deno.lstat = async (path) => {
    if (!String(path).endsWith(".lock")) return await lstat(path);
    looks.count++;
    try {
      return await lstat(path);
    } finally {
      looks.answered++;
    }
  };
  return looks;
}

function pathOf(name: string): string {
  return `${folder}/${name}.lock`;
}

/** How flock(1) ends that tries once. */
async function flockOnce(name: string): Promise<number> {
  const { code } = await new Deno.Command("flock", { args: ["--nonblock", pathOf(name), "true"] }).output();
  return code;
}

/** How many wait for a lock, as Linux counts them. */
function kernelWaiters(name: string): number {
  const { ino } = Deno.statSync(pathOf(name));
  const lines = Deno.readTextFileSync("/proc/locks").split("\n");
  return lines.filter((line) => line.includes("-> FLOCK") && line.includes(`:${ino} `)).length;
}
