import assert from "node:assert/strict";
import { anotherUser, asNobody, isRoot, mountNamespace, testWith } from "./needs.ts";
import { Place } from "./place.ts";

testWith([mountNamespace], "root's default folder is /run/sera, and private", async () => {
  await using place = await Place.make();
  const look = 'mount -t tmpfs tmpfs /run && sera 0 true && stat -c "%a %u" /run/sera && ls /run/sera';
  const { code, stdout, stderr } = await place.run(["unshare", "--mount", "sh", "-c", look], {
    env: { SERA_SERVER: "file:" },
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^700 0\n[0-9a-f]{32}\.lock\n$/);
});

testWith(
  [isRoot ? anotherUser : undefined],
  "a user's default folder is below XDG_STATE_HOME or HOME, and private",
  async () => {
    await using place = await Place.make();
    await Deno.chmod(place.path, 0o777);
    const look = (folder: string) => `sera 0 true && stat -c %a "${folder}"`;
    for (
      const { env, folder } of [
        { env: { XDG_STATE_HOME: undefined }, folder: `${place.path}/.local/state/sera` },
        { env: { XDG_STATE_HOME: place.file("state") }, folder: place.file("state/sera") },
        { env: { XDG_STATE_HOME: "relative" }, folder: `${place.path}/.local/state/sera` },
      ]
    ) {
      const words = ["sh", "-c", look(folder)];
      const { code, stdout, stderr } = await place.run(isRoot ? ["setpriv", ...asNobody(words)] : words, {
        env: { ...env, SERA_SERVER: "file:" },
      });
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "700\n", stderr: "" });
    }
  },
);

testWith([isRoot ? anotherUser : undefined], "a user without a HOME has to name a folder", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  const words = ["sera", "0", "true"];
  const { code, stderr } = await place.run(isRoot ? ["setpriv", ...asNobody(words)] : words, {
    env: { HOME: undefined, XDG_STATE_HOME: undefined, SERA_SERVER: "file:" },
  });
  assert.equal(code, 202);
  assert.match(stderr, /^sera: [^\n]*HOME is not set[^\n]*--server file:\/some\/dir[^\n]*\n$/);
});

for (const mode of [0o777, 0o1777, 0o702]) {
  Deno.test(`a folder that everybody can write to, ${mode.toString(8)}, is refused`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.locks);
    await Deno.chmod(place.locks, mode);
    const { code, stdout, stderr } = await place.sera(["0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: [^\n]*locks: everybody can write to it[^\n]*\n$/);
    assert.deepEqual([...Deno.readDirSync(place.locks)], []);
  });
}

Deno.test("a folder that is named may be shared by a group", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks);
  await Deno.chmod(place.locks, 0o770);
  assert.equal((await place.sera(["0", "true"])).code, 0);
});

for (const [state, mode] of [["its group", "0770"], ["everybody", "0707"]] as const) {
  testWith([mountNamespace], `a default folder that ${state} can write to is refused`, async () => {
    await using place = await Place.make();
    const look = `mount -t tmpfs tmpfs /run && mkdir -m ${mode} /run/sera && sera 0 echo ran`;
    const { code, stdout, stderr } = await place.run(["unshare", "--mount", "sh", "-c", look], {
      env: { SERA_SERVER: "file:" },
    });
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, new RegExp(`${state} can write to it`));
  });
}

testWith([mountNamespace], "a default folder of somebody else is refused", async () => {
  await using place = await Place.make();
  const look = "mount -t tmpfs tmpfs /run && mkdir -m 700 /run/sera && chown 65534 /run/sera && sera 0 echo ran";
  const { code, stdout, stderr } = await place.run(["unshare", "--mount", "sh", "-c", look], {
    env: { SERA_SERVER: "file:" },
  });
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  assert.match(stderr, /belongs to another user/);
});

testWith([anotherUser], "a folder that may not be written to is 202, and says so", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  await Deno.mkdir(place.locks, { mode: 0o755 });
  const { code, stderr } = await place.run(["setpriv", ...asNobody(["sera", "0", "echo", "ran"])]);
  assert.equal(code, 202);
  assert.match(stderr, /^sera: Cannot open the lock file: [^\n]*[Pp]ermission denied[^\n]*\n$/);
});

Deno.test("a file in the folder's place is 202", async () => {
  await using place = await Place.make();
  await place.write("locks", "");
  const { code, stderr } = await place.sera(["0", "echo", "ran"]);
  assert.equal(code, 202);
  assert.match(stderr, /locks: not a folder/);
});
