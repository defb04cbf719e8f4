/** `sera status` for locks in files: it reads the kernel's list, and disturbs no holder. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { hold, open } from "../backends/open.ts";
import type { Loop } from "../backends/file/look_in_a_loop.ts";
import { linux, pidNamespace, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import { pause, until } from "./wait.ts";

const LOCK = lockName("n");

async function holderOf(place: Place): Promise<Record<string, unknown> | null> {
  return JSON.parse((await place.sera(["status", "--json", "--name", "n"])).stdout).locks[0].holder;
}

Deno.test("a missing folder has no locks, and is not created", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["status", "--name", "n"])).code, 1);
  const { code, stdout, stderr } = await place.sera(["status"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "No locks are held.\n", stderr: "" });
  assert.equal(
    (await place.sera(["status", "--json"])).stdout,
    '{"complete":true,"reason":null,"locks":[],"other_sessions":[]}\n',
  );
  await assert.rejects(Deno.stat(place.locks), Deno.errors.NotFound);
});

testWith([linux], "a folder that a run would not use is 202 as in a run", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks);
  await Deno.chmod(place.locks, 0o777);
  const { code, stderr } = await place.sera(["status"]);
  assert.equal(code, 202);
  assert.match(stderr, /everybody can write to it/);
});

testWith([linux], "the record of a holder that was killed does not count", async () => {
  await using place = await Place.make();
  const words = ["--name", "n", "0", fixture("hold.sh")];
  await using holder = place.startSera(words, { stdin: "open" });
  await holder.says("ready");
  assert.equal((await holderOf(place))?.pid, holder.pid);
  await underWatch(holder);
  holder.kill("SIGKILL");
  await holder.ended;
  assert.match(await place.read(`locks/${LOCK}.lock`), new RegExp(`"pid":${holder.pid}`));
  assert.equal(await holderOf(place), null);
  assert.equal((await place.sera(["status"])).stdout, "No locks are held.\n");
});

testWith(
  [linux, tool("flock", "--version")],
  "a holder that is no sera is shown, and not as who held it before",
  async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.locks);
    const record = { lock: LOCK, host: Deno.hostname(), pid: 1, label: "long gone", since: 1 };
    await place.write(`locks/${LOCK}.lock`, JSON.stringify(record));
    await using flock = place.start(
      ["flock", `${place.locks}/${LOCK}.lock`, fixture("hold.sh")],
      { stdin: "open" },
    );
    await flock.says("ready");
    const { host, pid, label, since } = (await holderOf(place))!;
    assert.deepEqual({ host, pid, label, since }, { host: Deno.hostname(), pid: flock.pid, label: null, since: null });
  },
);

testWith([linux], "what somebody put into the folder is neither believed nor waited for", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks);
  const hostile = { lock: LOCK, host: "\x1b[31m\u202eevil", pid: Deno.pid + 1, label: "\x9b\n", since: 1e300 };
  await place.write(`locks/${LOCK}.lock`, JSON.stringify(hostile));
  await place.write("locks/other.lock", "");
  await place.run(["mkfifo", `${place.locks}/${lockName("fifo")}.lock`]);
  using file = await Deno.open(`${place.locks}/${LOCK}.lock`, { read: true, write: true });
  assert.equal(file.tryLockSync(true), true);
  for (const args of [["status"], ["status", "--json"]]) {
    const { code, stdout } = await place.sera(args);
    assert.equal(code, 0);
    assert.match(stdout, /evil/);
    assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  }
});

testWith([linux], "who looks keeps nobody from a lock", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  const looker = new Worker(import.meta.resolve("../backends/file/look_in_a_loop.ts"), { type: "module" });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  let looks = 0;
  looker.onmessage = ({ data }) => looks = data;
  try {
    looker.postMessage({ folder: place.locks, lock: LOCK, stop } satisfies Loop);
    await until("it looks", () => looks > 0);
    const enough = looks + 100;
    for (let tries = 0; looks < enough || tries < 1000; tries++) {
      await using backend = await open(place.server, LOCK);
      await (await hold(backend)).release();
      // Lets the looker's messages in.
      if (tries % 20 === 0) await pause(0);
    }
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  } finally {
    Atomics.store(stop, 0, 1);
    await until("it has stopped", () => looks === -1);
    looker.terminate();
  }
});

testWith(
  [pidNamespace],
  "a holder whose process cannot be seen, as from a container, is seen all the same, and that waiters may be missing",
  async () => {
    await using place = await Place.make();
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    const look = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", `${place.path}/bin/sera`];
    const env = { HOME: place.path, SERA_SERVER: place.server };
    const { code, stdout } = await place.run([...look, "status", "--name", "n", "--json"], { env });
    assert.equal(code, 0);
    const { complete, reason, locks } = JSON.parse(stdout);
    assert.deepEqual({ complete, pid: locks[0].holder.pid }, { complete: false, pid: holder.pid });
    assert.equal(reason, "a holder is in another container, and those who wait there cannot be seen from here");
    const table = await place.run([...look, "status"], { env });
    assert.equal(table.stderr, `sera: The list is incomplete: ${reason}\n`);
    assert.equal(JSON.parse((await place.sera(["status", "--name", "n", "--json"])).stdout).complete, true);
    await holder.closeStdin();
    await holder.ended;
    const free = await place.run([...look, "status", "--name", "n"], { env });
    assert.deepEqual({ code: free.code, stderr: free.stderr }, { code: 1, stderr: "" });
  },
);
