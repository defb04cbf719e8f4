/** Planted files in a lock folder: sera refuses them, and does not change them. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { LockUnavailableError } from "../../lib/errors.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { never, open } from "../backends/open.ts";
import type { Swapping } from "../backends/file/swap_in_a_loop.ts";
import { linux, root, SHARING_GROUP, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { pause, until } from "./wait.ts";

const LOCK = `${lockName("n")}.lock`;
const PRECIOUS = "precious\n";

/** Neither the user of the tests nor in the group that shares a folder. */
const STRANGER = 61_234;

/** Puts something at a path, perhaps a link to another user's file. */
type Plant = (path: string, victim: string) => Promise<Disposable | void>;

const PLANTS: Record<string, { readonly put: Plant; readonly said: RegExp; readonly byRoot?: true }> = {
  "a symbolic link": { put: (path, victim) => Deno.symlink(victim, path), said: /a symbolic link/ },
  "a symbolic link to nowhere": { put: (path, victim) => Deno.symlink(`${victim}-not`, path), said: /a symbolic link/ },
  "a hard link": { put: (path, victim) => Deno.link(victim, path), said: /it has 2 hard links/ },
  "a directory": { put: (path) => Deno.mkdir(path), said: /a directory/ },
  "a FIFO": { put: (path) => make("mkfifo", path), said: /a FIFO/ },
  "a socket": {
    put: (path) => Promise.resolve(Deno.listen({ transport: "unix", path })),
    said: /a socket/,
  },
  "a device": { put: (path) => make("mknod", path, "c", "1", "5"), said: /a device/, byRoot: true },
  "a file of another user": {
    put: async (path) => {
      await Deno.writeTextFile(path, "");
      await Deno.chown(path, STRANGER, STRANGER);
    },
    said: /belongs to another user \(uid 61234, gid 61234\)/,
    byRoot: true,
  },
};

/** The folders in which a file is judged. */
const FOLDERS: Record<string, { readonly prepare: (path: string) => Promise<void>; readonly byRoot?: true }> = {
  "a folder of one's own": { prepare: (path) => Deno.mkdir(path, { mode: 0o700 }) },
  "a shared folder of another user": {
    async prepare(path) {
      await Deno.mkdir(path);
      await Deno.chown(path, STRANGER + 1, SHARING_GROUP);
      await Deno.chmod(path, 0o770);
    },
    byRoot: true,
  },
};

for (const [thing, { put, said, byRoot }] of Object.entries(PLANTS)) {
  for (const [where, folder] of Object.entries(FOLDERS)) {
    const needs = [linux, byRoot || folder.byRoot ? root : undefined];

    testWith(needs, `${thing} in a lock file's place, in ${where}, is left alone`, async () => {
      await using place = await Place.make();
      await folder.prepare(place.locks);
      const { sera, untouched } = await planted(place, `${place.locks}/${LOCK}`, put);
      for (const wait of ["0", "1s", "forever"]) {
        const { code, stdout, stderr } = await sera("--name", "n", wait, "echo", "ran");
        assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
        assert.match(stderr, /^sera: Cannot use the lock file: \S+\.lock: [^\n]+; [^\n]+\n$/);
        assert.match(stderr, said);
      }
      assert.equal((await sera("status", "--name", "n")).code, 1);
      assert.equal((await sera("status")).stdout, "No locks are held.\n");
      assert.equal((await sera("doctor")).code, 0);
      await untouched();
      assert.equal((await sera("--name", "other", "0", "echo", "ran")).stdout, "ran\n");
    });

    testWith(needs, `${thing} in the ledger's place, in ${where}, is left alone`, async () => {
      await using place = await Place.make();
      await folder.prepare(place.locks);
      const { sera, untouched } = await planted(place, `${place.locks}/ledger.sqlite`, put);
      const told = /Cannot use the ledger \S+locks\/ledger\.sqlite: [^\n]+; [^\n]+\n$/;
      for (const args of [["--once", "k", "0", "echo", "ran"], ["history"], ["doctor", "--ledger"]]) {
        const { code, stdout, stderr } = await sera(...args);
        assert.equal(code, 202, args.join(" "));
        assert.match(args[0] === "doctor" ? stdout : stderr, told);
        assert.match(stdout + stderr, said);
        assert.doesNotMatch(stdout, /^ran$/m);
      }
      await untouched();
    });

    testWith(needs, `${thing} in the place of SQLite's journal, in ${where}, is left alone`, async () => {
      await using place = await Place.make();
      await folder.prepare(place.locks);
      const { sera, untouched } = await planted(place, `${place.locks}/ledger.sqlite-journal`, put);
      const { code, stderr } = await sera("--once", "k", "0", "true");
      // Where others can put such things at any time, SQLite does not work there.
      if (folder.byRoot) assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      else {
        assert.equal(code, 202);
        assert.match(stderr, /^sera: Cannot use the ledger [^\n]+ledger\.sqlite-journal: [^\n]+; [^\n]+\n$/);
        assert.match(stderr, said);
      }
      await untouched();
    });
  }
}

for (const mode of [0o755, 0o700, 0o2755]) {
  testWith([linux, root], `a folder of another user, ${mode.toString(8)}, is refused`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.locks);
    const { sera, untouched } = await planted(place, `${place.locks}/${LOCK}`, PLANTS["a symbolic link"]!.put);
    await Deno.chown(place.locks, STRANGER, STRANGER);
    await Deno.chmod(place.locks, mode);
    for (const args of [["--name", "n", "0", "echo", "ran"], ["status"], ["history"], ["doctor"]]) {
      const { code, stdout, stderr } = await sera(...args);
      assert.equal(code, 202, args.join(" "));
      assert.match(stdout + stderr, /belongs to another user \(uid 61234\), and is not shared by a group; use another/);
      assert.doesNotMatch(stdout, /^ran$/m);
    }
    await untouched();
  });
}

/** Who can rename a folder on the way can put another in its place. */
const WAYS: Record<string, { readonly prepare: (place: Place) => Promise<string>; readonly said: RegExp | undefined }> =
  {
    "a folder of another user": {
      async prepare(place) {
        await Deno.chown(await above(place), STRANGER, STRANGER);
        return "above/locks";
      },
      said: /above, a folder on its path, belongs to another user \(uid 61234\)/,
    },
    "a folder that everybody can write to": {
      async prepare(place) {
        await Deno.chmod(await above(place), 0o777);
        return "above/locks";
      },
      said: /everybody can write to \S+above, a folder on its path[^;]*; chmod \+t \S+above, or use another/,
    },
    "a folder that a group can write to": {
      async prepare(place) {
        const path = await above(place);
        await Deno.chown(path, 0, STRANGER);
        await Deno.chmod(path, 0o775);
        return "above/locks";
      },
      said: /its group can write to \S+above, a folder on its path/,
    },
    "a link of another user in a folder like /tmp": {
      async prepare(place) {
        const path = await above(place);
        await Deno.chmod(path, 0o1777);
        await Deno.mkdir(place.file("elsewhere"), { mode: 0o700 });
        await Deno.symlink(place.file("elsewhere"), `${path}/link`);
        await new Deno.Command("chown", { args: ["-h", `${STRANGER}:${STRANGER}`, `${path}/link`] }).output();
        return "above/link";
      },
      said: /above\/link is a symbolic link that belongs to another user \(uid 61234\)/,
    },
    "a folder like /tmp, where nobody can rename ours": {
      async prepare(place) {
        await Deno.chmod(await above(place), 0o1777);
        return "above/locks";
      },
      said: undefined,
    },
    "a link of one's own, and dots": {
      async prepare(place) {
        await above(place);
        await Deno.symlink("above/../above/./locks", place.file("link"));
        return "above/locks/../../link";
      },
      said: undefined,
    },
  };

for (const [what, { prepare, said }] of Object.entries(WAYS)) {
  testWith([linux, root], `${what} on the way to the folder is ${said ? "refused" : "no trouble"}`, async () => {
    await using place = await Place.make();
    const path = place.file(await prepare(place));
    for (const missing of [false, true]) {
      const server = `file:${path}${missing ? "/new" : ""}`;
      const { code, stdout, stderr } = await place.sera(["--server", server, "--name", "n", "0", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, said ? { code: 202, stdout: "" } : { code: 0, stdout: "ran\n" }, stderr);
      assert.match(stderr, said ?? /^$/);
    }
  });
}

testWith([linux, root], "a journal that is not ours makes SQLite remove no file of root's", async () => {
  await using place = await Place.make();
  await FOLDERS["a shared folder of another user"]!.prepare(place.locks);
  const victim = await place.write("victim", PRECIOUS);
  assert.equal((await place.sera(["--once", "k", "0", "true"])).code, 0);
  await hotJournal(`${place.locks}/ledger.sqlite`, victim);
  await Deno.chown(`${place.locks}/ledger.sqlite-journal`, STRANGER, SHARING_GROUP);
  for (const args of [["--once", "l", "0", "true"], ["history"], ["doctor", "--ledger"]]) {
    assert.equal((await place.sera(args)).code, 0, args.join(" "));
  }
  assert.equal(await place.read("victim"), PRECIOUS);
  assert.match((await place.sera(["history"])).stdout, /^2 /m);
});

testWith(
  [linux, root],
  "things that are swapped all the time lead no write elsewhere, and no start into a wait",
  async () => {
    await using place = await Place.make();
    await FOLDERS["a shared folder of another user"]!.prepare(place.locks);
    await make("mkfifo", `${place.locks}/fifo`);
    // One that sera would take for its own text.
    const precious = JSON.stringify({ lock: lockName("n"), host: "precious" });
    const victim = await place.write("victim", precious);
    const swapper = new Worker(import.meta.resolve("../backends/file/swap_in_a_loop.ts"), { type: "module" });
    const stop = new Int32Array(new SharedArrayBuffer(4));
    let swaps = 0;
    swapper.onmessage = ({ data }) => swaps = data;
    try {
      swapper.postMessage({ path: `${place.locks}/${LOCK}`, victim, group: SHARING_GROUP, stop } satisfies Swapping);
      await until("it swaps", () => swaps > 0);
      let held = 0;
      const enough = swaps + 1000;
      for (let tries = 0; swaps < enough || tries < 1000; tries++) {
        await using backend = await open(place.server, lockName("n"));
        try {
          if (await backend.acquire(0, never)) held++;
        } catch (error) {
          assert.ok(error instanceof LockUnavailableError, `${error}`);
        }
        assert.equal(Deno.readTextFileSync(victim), precious);
        // Lets the swapper's messages in.
        if (tries % 20 === 0) await pause(0);
      }
      assert.ok(held > 0);
      const { code, stderr } = await place.sera(["--name", "n", "0", "true"]);
      assert.ok(code === 0 || code === 202, `${code}: ${stderr}`);
    } finally {
      Atomics.store(stop, 0, 1);
      await until("it has stopped", () => swaps === -1);
      swapper.terminate();
    }
  },
);

testWith([linux], "what somebody keeps in a lock file stays, and the file is locked all the same", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks, { mode: 0o700 });
  for (const text of ["4711\n", `{"lock":"${lockName("other")}","host":"h"}`, "\0".repeat(100_000)]) {
    await place.write(`locks/${LOCK}`, text);
    const { code, stdout } = await place.sera([
      "--name",
      "n",
      "0",
      "sh",
      "-c",
      "env -u SERA_HELD_LOCKS sera --name n 0 true; echo $?",
    ], {
      env: { PATH: `${place.path}/bin:${Deno.env.get("PATH")}` },
    });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "204\n" });
    assert.equal(await place.read(`locks/${LOCK}`), text);
  }
});

/** Plants something, with a victim that it may lead to. */
async function planted(place: Place, path: string, put: Plant) {
  const victim = await place.write("victim", PRECIOUS);
  const before = Deno.statSync(victim);
  const kept = await put(path, victim);
  const found = Deno.lstatSync(path);
  return {
    sera: (...args: string[]) => place.sera(args),
    async untouched() {
      assert.equal(await place.read("victim"), PRECIOUS);
      const { mode, uid, gid, mtime } = Deno.statSync(victim);
      assert.deepEqual([mode, uid, gid, mtime], [before.mode, before.uid, before.gid, before.mtime]);
      await assert.rejects(Deno.lstat(`${victim}-not`), Deno.errors.NotFound);
      assert.equal(Deno.lstatSync(path).ino, found.ino);
      kept?.[Symbol.dispose]();
    },
  };
}

async function make(...words: [string, ...string[]]): Promise<void> {
  const { success } = await new Deno.Command(words[0], { args: words.slice(1) }).output();
  assert.ok(success, words.join(" "));
}

async function above(place: Place): Promise<string> {
  await Deno.mkdir(place.file("above/locks"), { recursive: true, mode: 0o700 });
  return place.file("above");
}

/**
 * Leaves a journal that SQLite plays back when it next reads, and that names a file of which it is a part: that one SQLite
 * then removes. https://www.sqlite.org/fileformat2.html#the_rollback_journal, and `pager_delsuper` of its source.
 */
async function hotJournal(path: string, named: string): Promise<void> {
  const journal = `${path}-journal`;
  const database = new DatabaseSync(path);
  database.exec("BEGIN IMMEDIATE; UPDATE sera_runs SET label = 'changed'");
  const pages = await Deno.readFile(journal);
  database.exec("ROLLBACK");
  database.close();

  const magic = Uint8Array.fromHex("d9d505f920a163d7");
  const name = new TextEncoder().encode(named);
  const bytes = new Uint8Array(pages.length + 4 + name.length + 8 + magic.length);
  bytes.set(pages);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  const [sector, page] = [view.getUint32(20), view.getUint32(24)];
  view.setUint32(8, Math.floor((pages.length - sector) / (page + 8)));
  view.setUint32(pages.length, 0x4000_0000 / page + 1);
  bytes.set(name, pages.length + 4);
  const end = pages.length + 4 + name.length;
  view.setUint32(end, name.length);
  view.setUint32(end + 4, name.reduce((sum, byte) => sum + byte, 0));
  bytes.set(magic, end + 8);
  await Deno.writeFile(journal, bytes);
}
