import assert from "node:assert/strict";
import { queueName } from "../../lib/backends/file/names.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { lstatIfThere } from "../../lib/system/if_there.ts";
import { untilLooked } from "./beats.ts";
import { anotherUser, asNobody, linux, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { waitersForFile } from "./targets.ts";
import { until } from "./wait.ts";

const flock = linux ?? tool("flock", "--version");

function lockFile(place: Place, key: string): string {
  return `${place.locks}/${lockName(key)}.lock`;
}

testWith([flock], "sera keeps flock(1) out, on DIR/<md5 of the name>.lock", async () => {
  await using place = await Place.make();
  const path = lockFile(place, "n");
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  assert.equal((await place.run(["flock", "--nonblock", path, "true"])).code, 1);
  await using waiter = place.start(["flock", path, "echo", "ran"]);
  await until("flock waits", () => waitersForFile(path) === 1);
  await holder.closeStdin();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

testWith([flock], "flock(1) keeps sera out", async () => {
  await using place = await Place.make();
  const path = lockFile(place, "n");
  await Deno.mkdir(place.locks, { mode: 0o700 });
  await using holder = place.start(["flock", path, fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  await using waiter = place.startSera(["--name", "n", "180", "echo", "ran"]);
  await until("sera waits", () => waitersForFile(path) === 1);
  await holder.closeStdin();
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
});

testWith([flock], "a shared lock of flock(1) keeps sera out, too", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks, { mode: 0o700 });
  await using holder = place.start(["flock", "--shared", lockFile(place, "n"), fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
});

testWith([linux], "a background process of the command does not keep the lock", async () => {
  await using place = await Place.make();
  const daemon = `${fixture("hold.sh")} <"$0" >/dev/null 2>&1 &`;
  await place.run(["mkfifo", place.file("fifo")]);
  // Read and write, so that neither end blocks; the daemon ends with this descriptor.
  using fifo = await Deno.open(place.file("fifo"), { read: true, write: true });
  assert.equal((await place.sera(["--name", "n", "0", "sh", "-c", daemon, place.file("fifo")])).code, 0);
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  await fifo.write(new TextEncoder().encode("end\n"));
});

testWith([linux], "a lock file that is removed while somebody waits for it is no way in for two", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera(["--name", "n", "180", fixture("hold.sh")], { stdin: "open" });
  await until("it waits", () => waitersForFile(lockFile(place, "n")) === 1);
  await Deno.remove(lockFile(place, "n"));
  await using newcomer = place.startSera(["--name", "n", "180", fixture("hold.sh")], { stdin: "open" });
  await newcomer.says("ready");
  await holder.closeStdin();
  assert.match((await holder.ended).stderr, /^sera: The lock file was removed while it was held: [^\n]+\n$/);
  await until("the waiter waits for the new file", () => waitersForFile(lockFile(place, "n")) === 1);
  assert.equal(waiter.stdout, "");
  await newcomer.closeStdin();
  await waiter.says("ready");
});

testWith([linux], "who waits while the folder is removed creates it again", async () => {
  for (const flags of [[], ["--slots", "2"]]) {
    await using place = await Place.make();
    const run = () => place.startSera([...flags, "--name", "n", "60", fixture("hold.sh")], { stdin: "open" });
    await using holder = run();
    await holder.says("ready");
    await using other = flags.length > 0 ? run() : undefined;
    await other?.says("ready");
    await using waiter = run();
    const awaited = flags.length > 0 ? `${place.locks}/${queueName(lockName("n"))}.lock` : lockFile(place, "n");
    await until("it waits", () => lstatIfThere(awaited) && (other !== undefined || waitersForFile(awaited) === 1));
    await Deno.remove(place.locks, { recursive: true });
    await holder.closeStdin();
    await waiter.says("ready");
    assert.equal(Deno.lstatSync(place.locks).mode! & 0o777, 0o700);
    await waiter.closeStdin();
    assert.deepEqual(await waiter.ended, { code: 0, stdout: "ready\n", stderr: "" });
  }
});

/** What can become of a lock's file while the command runs, so that others do not meet the lock any more. */
const LOSSES: Record<string, (path: string) => Promise<void>> = {
  "is removed": (path) => Deno.remove(path),
  "is removed and made anew": async (path) => {
    await Deno.remove(path);
    await Deno.writeTextFile(path, "");
  },
  "is replaced by another": async (path) => {
    await Deno.writeTextFile(`${path}.new`, "");
    await Deno.rename(`${path}.new`, path);
  },
  "is replaced by a link to it": async (path) => {
    await Deno.rename(path, `${path}.old`);
    await Deno.symlink(`${path}.old`, path);
  },
  "is removed with its folder": (path) => Deno.remove(path.slice(0, path.lastIndexOf("/")), { recursive: true }),
};

for (const [what, lose] of Object.entries(LOSSES)) {
  testWith([linux], `a lock file that ${what} in a hold is a lost lock`, async () => {
    await using place = await Place.make();
    const words = ["--ttl", "3s", "--name", "n", "0", fixture("hold.sh")];
    await using holder = place.startSera(words, { stdin: "open" });
    await holder.says("ready");
    await lose(lockFile(place, "n"));
    const { code, stderr } = await holder.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: the lock file was removed: \S+\.lock; stopping [^\n]+\n$/);
  });
}

testWith([linux], "with on-lost=warn the command goes on without its lock file", async () => {
  await using place = await Place.make();
  const words = ["--ttl", "3s", "--on-lost", "warn", "--name", "n", "0", fixture("hold.sh")];
  await using holder = place.startSera(words, { stdin: "open" });
  await holder.says("ready");
  await Deno.remove(lockFile(place, "n"));
  await holder.says("Lock lost: the lock file was removed");
  await holder.closeStdin();
  assert.equal((await holder.ended).code, 0);
});

/** What keeps sera from looking at the file, as whichever user it runs. */
const BLINDED: Record<string, { readonly blind: (place: Place) => Promise<void>; readonly said: RegExp }> = {
  "a file where the folder was": {
    async blind(place) {
      await Deno.rename(place.locks, place.file("moved"));
      await Deno.writeTextFile(place.locks, "");
    },
    said: /Not a directory/,
  },
  "a link that leads round": {
    async blind(place) {
      await Deno.rename(place.locks, place.file("moved"));
      await Deno.symlink(place.locks, place.locks);
    },
    said: /[Tt]oo many/,
  },
};

for (const [what, { blind, said }] of Object.entries(BLINDED)) {
  testWith([linux], `with ${what} the command's own code is handed back, and the trouble told`, async () => {
    await using place = await Place.make();
    const command = `echo ready; read -r line; exit 7`;
    const words = ["--ttl", "3s", "--name", "n", "0", "sh", "-c", command];
    await using holder = place.startSera(words, { stdin: "open" });
    await holder.says("ready");
    await blind(place);
    await untilLooked("3s");
    await holder.closeStdin();
    const { code, stderr } = await holder.ended;
    assert.equal(code, 7);
    assert.match(stderr, /^sera: Cannot check the lock file any more: \S+\.lock: [^\n]+\n$/);
    assert.match(stderr, said);
  });
}

testWith([anotherUser], "a folder that may not be looked into any more takes no exit code away", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  await Deno.mkdir(place.locks);
  await Deno.chown(place.locks, 65534, 65534);
  const command = `echo ready; read -r line; exit 7`;
  const words = asNobody(["sera", "--ttl", "3s", "--name", "n", "0", "sh", "-c", command]);
  await using holder = place.start(["setpriv", ...words], { stdin: "open" });
  await holder.says("ready");
  await Deno.chmod(place.locks, 0);
  await untilLooked("3s");
  await holder.closeStdin();
  const { code, stderr } = await holder.ended;
  assert.equal(code, 7);
  assert.match(stderr, /^sera: Cannot check the lock file any more: [^\n]+Permission denied[^\n]+\n$/);
});

Deno.test("the lock files stay, and only their user can open them", async () => {
  await using place = await Place.make();
  await place.sera(["0", "true"]);
  const [file] = [...Deno.readDirSync(place.locks)];
  const info = await Deno.stat(`${place.locks}/${file!.name}`);
  assert.equal(info.size, 0);
  if (info.mode !== null) assert.equal(info.mode & 0o007, 0);
});
