import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, testWith, tool } from "./needs.ts";
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
  await using waiter = place.startSera(["--name", "n", "60", "echo", "ran"]);
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
  await using waiter = place.startSera(["--name", "n", "60", fixture("hold.sh")], { stdin: "open" });
  await until("it waits", () => waitersForFile(lockFile(place, "n")) === 1);
  await Deno.remove(lockFile(place, "n"));
  await using newcomer = place.startSera(["--name", "n", "60", fixture("hold.sh")], { stdin: "open" });
  await newcomer.says("ready");
  await holder.closeStdin();
  assert.match((await holder.ended).stderr, /^sera: The lock file was removed while it was held: [^\n]+\n$/);
  await until("the waiter waits for the new file", () => waitersForFile(lockFile(place, "n")) === 1);
  assert.equal(waiter.stdout, "");
  await newcomer.closeStdin();
  await waiter.says("ready");
});

Deno.test("the lock files stay, and are the user's only to open", async () => {
  await using place = await Place.make();
  await place.sera(["0", "true"]);
  const [file] = [...Deno.readDirSync(place.locks)];
  const info = await Deno.stat(`${place.locks}/${file!.name}`);
  assert.equal(info.size, 0);
  if (info.mode !== null) assert.equal(info.mode & 0o007, 0);
});
