/** A folder that a group shares: its members exclude each other, whatever their umask takes away. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { queueName } from "../../lib/backends/file/names.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { lstatIfThere } from "../../lib/system/if_there.ts";
import { anotherUser, asMember, linux, type Need, root, SHARING_GROUP, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import type { Ended, Running } from "./running.ts";
import { waitersForFile } from "./targets.ts";
import { until } from "./wait.ts";

const LOCK = `${lockName("n")}.lock`;

/** Members of the group, and what they are called in the tests. */
const ALICE = 61_001;
const BOB = 61_002;

const flock: Need = anotherUser ?? tool("flock", "--version");

/** A place with a folder that the group shares, for users whose sera has no home of its own. */
async function shared(mode = 0o770): Promise<Place> {
  const place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  await Deno.mkdir(place.locks);
  await Deno.chown(place.locks, 0, SHARING_GROUP);
  await Deno.chmod(place.locks, mode);
  return place;
}

/** Words as a user, under a umask. */
function as(uid: number, umask: string, words: readonly string[]): string[] {
  return ["setpriv", ...asMember(uid, ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...words])];
}

function run(place: Place, uid: number, umask: string, ...words: string[]): Promise<Ended> {
  return place.run(as(uid, umask, words));
}

function hold(place: Place, uid: number, ...words: string[]): Running {
  return place.start(as(uid, "077", [...words, fixture("hold.sh")]), { stdin: "open" });
}

for (const mode of [0o770, 0o2770, 0o3775]) {
  for (const umask of ["022", "077", "000", "777"]) {
    testWith([anotherUser], `members of a ${mode.toString(8)} folder share its locks with umask ${umask}`, async () => {
      await using place = await shared(mode);
      for (const uid of [ALICE, BOB, ALICE]) {
        const { code, stdout, stderr } = await run(place, uid, umask, "sera", "--name", "n", "0", "echo", "ran");
        assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "ran\n", stderr: "" });
      }
      const info = await Deno.stat(`${place.locks}/${LOCK}`);
      assert.deepEqual([info.mode! & 0o660, info.uid, info.gid], [0o660, ALICE, SHARING_GROUP]);
    });
  }
}

testWith([anotherUser], "members keep each other and root out, and see who holds the lock", async () => {
  await using place = await shared();
  for (const [holder, others] of [[ALICE, [BOB, 0]], [0, [ALICE, BOB]]] as const) {
    await using holding = hold(place, holder, "sera", "--name", "n", "--label", `of ${holder}`, "0");
    await holding.says("ready");
    for (const uid of others) {
      assert.equal((await run(place, uid, "077", "sera", "--name", "n", "0", "echo", "ran")).code, 204);
      const { stdout } = await run(place, uid, "077", "sera", "status", "--name", "n");
      assert.match(stdout, new RegExp(`of ${holder}`));
    }
    await using waiter = place.start(as(others[0], "077", ["sera", "--name", "n", "forever", "echo", "ran"]));
    await until("it waits", () => waitersForFile(`${place.locks}/${LOCK}`) === 1);
    await holding.closeStdin();
    assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
  }
});

testWith(
  [anotherUser],
  "members and root share the slots of a lock, agree on their number, and wait for each other",
  async () => {
    await using place = await shared();
    const slots = (count: number, ...words: string[]) => ["sera", "--name", "n", "--slots", `${count}`, ...words];
    await using one = hold(place, ALICE, ...slots(2, "0"));
    await one.says("ready");
    await using other = hold(place, BOB, ...slots(2, "0"));
    await other.says("ready");
    for (const uid of [ALICE, BOB, 0]) {
      assert.equal((await run(place, uid, "077", ...slots(2, "0", "true"))).code, 204);
      assert.equal((await run(place, uid, "077", ...slots(3, "0", "true"))).code, 201);
      assert.equal((await run(place, uid, "077", "sera", "--name", "n", "0", "true")).code, 201);
    }
    const queue = `${place.locks}/${queueName(lockName("n"))}.lock`;
    await using first = place.start(as(0, "077", slots(2, "forever", "echo", "ran")));
    await until("root waits", () => lstatIfThere(queue) !== undefined);
    await using second = place.start(as(ALICE, "077", slots(2, "forever", "echo", "ran")));
    await until("a member waits", () => waitersForFile(queue) === 1);
    await one.closeStdin();
    for (const waiter of [first, second]) {
      assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
    }
    for (const { name } of Deno.readDirSync(place.locks)) {
      const { mode, gid } = Deno.statSync(`${place.locks}/${name}`);
      assert.deepEqual([mode! & 0o777, gid], [0o660, SHARING_GROUP], name);
    }
  },
);

testWith([flock], "who is ended while it waits for a shared ledger leaves no copy of it behind", async () => {
  await using place = await shared();
  const TMPDIR = place.file("tmp");
  await Deno.mkdir(TMPDIR);
  assert.equal((await place.sera(["--ledger", "0", "true"], { env: { TMPDIR } })).code, 0);
  assert.deepEqual([...Deno.readDirSync(TMPDIR)], []);
  const lock = [...Deno.readDirSync(place.locks)].find(({ name }) =>
    name.startsWith("ledger.sqlite") && name.endsWith(".lock")
  );
  const path = `${place.locks}/${lock!.name}`;
  await using locker = place.start(["flock", path, "sh", "-c", "echo locked; read _"], { stdin: "open" });
  await locker.says("locked");
  await using reader = place.startSera(["history"], { env: { TMPDIR } });
  await until("it waits", () => opens(reader.pid, path));
  reader.kill("SIGTERM");
  await reader.ended;
  assert.deepEqual([...Deno.readDirSync(TMPDIR)], []);
  await locker.closeStdin();
});

/** What the names of the copies of a place's ledger begin with, once it has one. */
async function copiesOf(place: Place, host = Deno.hostname().replace(/\W/g, "_")): Promise<string> {
  const { dev, ino } = await Deno.stat(`${place.locks}/ledger.sqlite.lock`);
  return `sera-ledger-${host}-${dev}-${ino}`;
}

testWith([linux], "a copy of a shared ledger that a killed sera has left is removed by the next run", async () => {
  await using place = await shared();
  const TMPDIR = place.file("tmp");
  await Deno.mkdir(TMPDIR);
  const run = () => place.sera(["--ledger", "0", "true"], { env: { TMPDIR } });
  assert.equal((await run()).code, 0);
  // Of another ledger, and of a clone of this machine that has the same temporary folder.
  const ofOthers = [`${await copiesOf(place)}0-left`, `${await copiesOf(place, "clone")}-left`];
  for (const left of [`${await copiesOf(place)}-left`, ...ofOthers]) {
    await Deno.mkdir(`${TMPDIR}/${left}`);
    await Deno.writeTextFile(`${TMPDIR}/${left}/ledger.sqlite`, "half");
  }
  assert.deepEqual(await run(), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual([...Deno.readDirSync(TMPDIR)].map(({ name }) => name).sort(), ofOthers.sort());
});

testWith([root, linux], "the copies are found in / too, if that is the temporary folder", async () => {
  await using place = await shared();
  const run = () => place.sera(["--ledger", "0", "true"], { env: { TMPDIR: "/" } });
  assert.deepEqual(await run(), { code: 0, stdout: "", stderr: "" });
  const prefix = await copiesOf(place);
  const copies = () => [...Deno.readDirSync("/")].map(({ name }) => name).filter((name) => name.startsWith(prefix));
  try {
    await Deno.mkdir(`/${prefix}-left`);
    assert.deepEqual(await run(), { code: 0, stdout: "", stderr: "" });
    assert.deepEqual(copies(), []);
  } finally {
    for (const name of copies()) await Deno.remove(`/${name}`, { recursive: true });
  }
});

testWith([anotherUser], "a temporary folder that cannot be listed keeps no run from a shared ledger", async () => {
  await using place = await shared(0o2770);
  const TMPDIR = place.file("tmp");
  await Deno.mkdir(TMPDIR);
  await Deno.chmod(TMPDIR, 0o1733);
  for (const [expected, what] of [["ran\n", "first"], ["", "second"]] as const) {
    const ended = await place.run(as(ALICE, "022", ["sera", "--once", "k", "0", "echo", "ran"]), { env: { TMPDIR } });
    assert.deepEqual(ended, { code: 0, stdout: expected, stderr: "" }, what);
  }
  assert.deepEqual([...Deno.readDirSync(TMPDIR)], []);
});

testWith([anotherUser], "in a sticky folder the ledger's owner can go on after another member was killed", async () => {
  await using place = await shared(0o3770);
  const once = (key: string) => run(place, ALICE, "022", "sera", "--once", key, "0", "echo", "ran");
  assert.equal((await once("a")).stdout, "ran\n");
  const left = `${place.locks}/ledger.sqlite.new-left`;
  await Deno.writeTextFile(left, "half");
  await Deno.chown(left, BOB, SHARING_GROUP);
  await Deno.chown(place.locks, 0, SHARING_GROUP);
  await Deno.chmod(place.locks, 0o3770);
  assert.deepEqual(await once("b"), { code: 0, stdout: "ran\n", stderr: "" });
});

/** Whether a process has the file open. */
function opens(pid: number, path: string): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`) === path;
    } catch {
      // Closed by now.
      return false;
    }
  });
}

testWith([anotherUser], "members share the ledger, with root too", async () => {
  await using place = await shared();
  for (
    const [uid, key, ran] of [[ALICE, "a", "ran\n"], [BOB, "a", ""], [BOB, "b", "ran\n"], [0, "c", "ran\n"]] as const
  ) {
    const { code, stdout, stderr } = await run(place, uid, "077", "sera", "--once", key, "0", "echo", "ran");
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: ran, stderr: "" });
  }
  // At the same time none loses another's run.
  const keys = Array.from({ length: 6 }, (_, index) => `k${index}`);
  const ended = await Promise.all(
    keys.map((key, index) =>
      run(place, index % 2 ? ALICE : BOB, "022", "sera", "--name", key, "--once", key, "0", "true")
    ),
  );
  assert.deepEqual(ended, ended.map(() => ({ code: 0, stdout: "", stderr: "" })));
  const { stdout } = await run(place, ALICE, "077", "sera", "history", "--json");
  const runs = JSON.parse(stdout).runs as { run_id: number; key: string; outcome: string }[];
  assert.deepEqual(runs.map(({ key }) => key).sort(), ["a", "b", "c", ...keys]);
  assert.ok(runs.every(({ outcome }) => outcome === "succeeded"), stdout);
  const info = await Deno.stat(`${place.locks}/ledger.sqlite`);
  assert.deepEqual([info.mode! & 0o777, info.gid], [0o660, SHARING_GROUP]);
  const left = [...Deno.readDirSync(place.locks)].map(({ name }) => name).filter((name) => !/\.lock$/.test(name));
  assert.deepEqual(left, ["ledger.sqlite"]);
});

testWith([anotherUser], "a ledger that somebody left half written is no trouble for the others", async () => {
  await using place = await shared();
  assert.equal((await run(place, ALICE, "022", "sera", "--once", "a", "0", "true")).code, 0);
  await Deno.writeTextFile(`${place.locks}/ledger.sqlite.new-left`, "half");
  assert.equal((await run(place, BOB, "022", "sera", "--once", "b", "0", "true")).code, 0);
  await assert.rejects(Deno.lstat(`${place.locks}/ledger.sqlite.new-left`), Deno.errors.NotFound);
});

/** Code that a group member may plant in the ledger's file, to be executed by its readers and writers. */
const PROGRAMS: Record<string, string> = {
  "a trigger": `CREATE TRIGGER t BEFORE INSERT ON sera_runs BEGIN
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c; END`,
  "a view": "CREATE VIEW v AS SELECT 1",
  "another table": "CREATE TABLE private (secret TEXT)",
  "an index of expressions": "CREATE INDEX i ON sera_runs (hex(zeroblob(10)))",
  "a column that is reckoned": "ALTER TABLE sera_runs ADD COLUMN more TEXT AS (hex(zeroblob(10)))",
};

for (const [what, statement] of Object.entries(PROGRAMS)) {
  testWith([anotherUser], `a shared ledger with ${what} of a member's is refused`, async () => {
    await using place = await shared();
    const path = `${place.locks}/ledger.sqlite`;
    assert.equal((await run(place, ALICE, "022", "sera", "--once", "a", "0", "true")).code, 0);
    const database = new DatabaseSync(path);
    database.exec(statement);
    database.close();
    for (const words of [["--once", "b", "0", "echo", "ran"], ["history"]]) {
      const [first, ...rest] = words as [string, ...string[]];
      const { code, stdout, stderr } = await run(place, 0, "022", "sera", first, ...rest);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
      assert.match(
        stderr,
        /^sera: Cannot use the ledger [^\n]+: it contains more than the ledger[^\n]+; move it away[^\n]+\n$/,
      );
    }
  });
}

testWith([anotherUser], "a file of somebody's own that another moved into the folder stays private", async () => {
  await using place = await shared();
  const path = `${place.locks}/${LOCK}`;
  await Deno.writeTextFile(path, "secret");
  await Deno.chmod(path, 0o600);
  assert.equal((await run(place, 0, "022", "sera", "--name", "n", "0", "true")).code, 0);
  const { mode, gid } = await Deno.stat(path);
  assert.deepEqual([mode! & 0o777, gid, await Deno.readTextFile(path)], [0o600, 0, "secret"]);
});

testWith(
  [anotherUser],
  "a umask that takes everything away leaves a shared ledger working, and no copy of it",
  async () => {
    await using place = await shared();
    const copies = place.file("copies");
    await Deno.mkdir(copies);
    await Deno.chmod(copies, 0o1777);
    const words = as(ALICE, "777", ["sera", "--once", "a", "0", "echo", "ran"]);
    const ended = await place.run(words, { env: { TMPDIR: copies } });
    assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
    assert.deepEqual([...Deno.readDirSync(copies)], []);
  },
);

testWith(
  [anotherUser],
  "a ledger in a sticky folder is another member's only, and that is told before the command",
  async () => {
    await using place = await shared(0o3770);
    assert.equal((await run(place, ALICE, "022", "sera", "--once", "a", "0", "true")).code, 0);
    const { code, stdout, stderr } = await run(place, BOB, "022", "sera", "--once", "b", "0", "echo", "ran");
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: Cannot use the ledger [^\n]+: its folder is sticky[^\n]+; chmod -t \S+\/locks\n$/);
  },
);

testWith([anotherUser], "a lock file that others may only read is locked all the same", async () => {
  await using place = await shared(0o2770);
  await Deno.writeTextFile(`${place.locks}/${LOCK}`, "");
  await Deno.chown(`${place.locks}/${LOCK}`, ALICE, SHARING_GROUP);
  await Deno.chmod(`${place.locks}/${LOCK}`, 0o640);
  await using holder = hold(place, BOB, "sera", "--name", "n", "0");
  await holder.says("ready");
  assert.equal((await run(place, ALICE, "022", "sera", "--name", "n", "0", "echo", "ran")).code, 204);
  // The file cannot say it, but the kernel does.
  const { stdout } = await run(place, ALICE, "022", "sera", "status", "--name", "n", "--json");
  assert.equal(JSON.parse(stdout).locks[0].holder.pid, holder.pid);
});

testWith([anotherUser], "a lock file that others may not open is 202, with what its owner can do", async () => {
  await using place = await shared(0o2770);
  const path = `${place.locks}/${LOCK}`;
  await Deno.writeTextFile(path, "");
  await Deno.chown(path, ALICE, ALICE);
  await Deno.chmod(path, 0o600);
  const first = await run(place, BOB, "022", "sera", "--name", "n", "0", "echo", "ran");
  const cure = `chgrp ${SHARING_GROUP} ${path} && chmod g+rw ${path}`;
  assert.deepEqual({ code: first.code, stdout: first.stdout }, { code: 202, stdout: "" });
  assert.match(first.stderr, /^sera: Cannot use the lock file: [^\n]+uid 61001[^\n]+\n$/);
  assert.ok(first.stderr.includes(cure), first.stderr);
  await Deno.chown(path, ALICE, SHARING_GROUP);
  const second = await run(place, BOB, "022", "sera", "--name", "n", "0", "echo", "ran");
  assert.equal(second.code, 202);
  assert.match(second.stderr, /^sera: Cannot open the lock file: [^\n]+: Permission denied; [^\n]+\n$/);
  assert.ok(second.stderr.includes(cure), second.stderr);
  assert.equal((await run(place, ALICE, "022", "sh", "-c", cure)).code, 0);
  assert.equal((await run(place, BOB, "022", "sera", "--name", "n", "0", "echo", "ran")).stdout, "ran\n");
});

testWith([anotherUser], "a lock file that its owner had for itself is shared when its owner next uses it", async () => {
  await using place = await shared();
  const path = `${place.locks}/${LOCK}`;
  await Deno.writeTextFile(path, "");
  await Deno.chown(path, ALICE, ALICE);
  await Deno.chmod(path, 0o600);
  for (const uid of [ALICE, BOB]) {
    assert.equal((await run(place, uid, "077", "sera", "--name", "n", "0", "echo", "ran")).stdout, "ran\n");
  }
  const { mode, uid, gid } = await Deno.stat(path);
  assert.deepEqual([mode! & 0o777, uid, gid], [0o660, ALICE, SHARING_GROUP]);
});

testWith([anotherUser], "a shared folder may lie in one of another user that the same group shares", async () => {
  await using place = await shared();
  await Deno.mkdir(`${place.locks}/below`);
  await Deno.chown(`${place.locks}/below`, ALICE, SHARING_GROUP);
  await Deno.chmod(`${place.locks}/below`, 0o770);
  await Deno.chown(place.locks, BOB, SHARING_GROUP);
  const at = (uid: number) =>
    run(place, uid, "022", "sera", "--server", `file:${place.locks}/below`, "0", "echo", "ran");
  for (const uid of [ALICE, BOB, 0]) assert.equal((await at(uid)).stdout, "ran\n");
  // The group of the folder above could put another in its place by now, and is not the folder's.
  await Deno.chown(`${place.locks}/below`, ALICE, ALICE);
  const { code, stderr } = await at(ALICE);
  assert.equal(code, 202);
  assert.match(stderr, /locks, a folder on its path, belongs to another user \(uid 61002\)/);
});

testWith([flock], "a lock file that flock(1) of another member made excludes both ways", async () => {
  await using place = await shared(0o2770);
  const path = `${place.locks}/${LOCK}`;
  await using first = place.start(as(ALICE, "022", ["flock", path, fixture("hold.sh")]), { stdin: "open" });
  await first.says("ready");
  assert.equal((await run(place, BOB, "022", "sera", "--name", "n", "0", "echo", "ran")).code, 204);
  await first.closeStdin();
  await first.ended;
  await using second = hold(place, BOB, "sera", "--name", "n", "0");
  await second.says("ready");
  assert.equal((await run(place, ALICE, "022", "flock", "--nonblock", path, "true")).code, 1);
});

testWith([anotherUser], "who is not in the group of a shared folder cannot use it", async () => {
  await using place = await shared(0o775);
  const stranger = ["setpriv", "--reuid=61003", "--regid=61003", "--clear-groups", "sera", "--name", "n", "0", "echo"];
  const { code, stdout, stderr } = await place.run(stranger);
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  assert.match(stderr, /^sera: Cannot open the lock file: [^\n]+: permission denied; [^\n]+\n$/i);
  assert.ok(stderr.includes(`; put user 61003 into group ${SHARING_GROUP}, or use another folder: `), stderr);
});
