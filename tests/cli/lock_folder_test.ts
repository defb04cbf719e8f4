import assert from "node:assert/strict";
import { anotherUser, asNobody, mountNamespace, testWith } from "./needs.ts";
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
  [anotherUser],
  "the default folder of a user without a home is below HOME, whatever XDG_STATE_HOME says, and private",
  async () => {
    await using place = await Place.make();
    await Deno.chmod(place.path, 0o777);
    const folder = `${place.path}/.local/state/sera`;
    for (const state of [undefined, place.file("state"), "relative"]) {
      const words = ["sh", "-c", `sera 0 true && stat -c %a "${folder}" && sera doctor`];
      const { code, stdout, stderr } = await place.run(["setpriv", ...asNobody(words)], {
        env: { XDG_STATE_HOME: state, SERA_SERVER: "file:" },
      });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, /^700\n/);
      assert.match(stdout, /^warn {2}folder .*\.local\/state\/sera, from HOME, .*; name a folder: --server file:/m);
    }
  },
);

testWith(
  [anotherUser, mountNamespace],
  "the default folder of a user whom the system knows is below the home there, whatever HOME and XDG_STATE_HOME say",
  async () => {
    await using place = await Place.make();
    await Deno.chmod(place.path, 0o755);
    await Deno.mkdir(place.file("home"));
    await Deno.chown(place.file("home"), 65534, 65534);
    const entries = (await Deno.readTextFile("/etc/passwd")).split("\n").filter((line) => !line.startsWith("nobody:"));
    await place.write("passwd", [`nobody:x:65534:65534::${place.file("home")}:/bin/sh`, ...entries].join("\n"));
    const bind = 'mount --bind "$0" /etc/passwd && exec setpriv "$@"';
    const words = ["sh", "-c", `sera 0 true && stat -c %a "${place.file("home/.local/state/sera")}" && sera doctor`];
    for (const env of [{}, { HOME: undefined }, { HOME: "/", XDG_STATE_HOME: place.file("state") }]) {
      const { code, stdout, stderr } = await place.run(
        ["unshare", "--mount", "sh", "-c", bind, place.file("passwd"), ...asNobody(words)],
        { env: { ...env, SERA_SERVER: "file:" } },
      );
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, /^700\n/);
      assert.match(
        stdout,
        /^pass {2}folder .*home\/\.local\/state\/sera, from the system's entry of the user; other users have locks of their own$/m,
      );
    }
  },
);

testWith(
  [anotherUser],
  "a folder that this user may not write to, or create, is refused with what root has to do",
  async () => {
    await using place = await Place.make();
    await Deno.chmod(place.path, 0o755);
    const folder = place.file("mounted");
    const run = (words: readonly string[]) =>
      place.run(["setpriv", ...asNobody(["sera", "--server", `file:${folder}`, "0", ...words])]);
    const cure = `; as root: install -d -o 65534 ${folder}, or use another folder: --server file:/some/dir\n`;
    const missing = await run(["true"]);
    assert.deepEqual(missing, {
      code: 202,
      stdout: "",
      stderr: `sera: Cannot use the folder: ${folder}: it does not exist, and this user may not create it${cure}`,
    });
    await Deno.mkdir(folder, { mode: 0o755 });
    const roots = await run(["true"]);
    assert.equal(roots.code, 202);
    assert.match(roots.stderr, /^sera: Cannot open the lock file: \S+\.lock: permission denied; /i);
    assert.ok(roots.stderr.endsWith(cure), roots.stderr);
    assert.equal((await place.run(["sh", "-c", cure.slice("; as root: ".length, cure.indexOf(", or"))])).code, 0);
    assert.deepEqual(await run(["echo", "ran"]), { code: 0, stdout: "ran\n", stderr: "" });
  },
);

testWith([anotherUser], "a folder that the umask would close to its maker is open to it", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o777);
  const look = `umask 777; for run in 1 2; do sera --once $run 0 echo ran; done; stat -c %a "$HOME/.local/state/sera"`;
  const { code, stdout, stderr } = await place.run(["setpriv", ...asNobody(["sh", "-c", look])], {
    env: { SERA_SERVER: "file:" },
  });
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "ran\nran\n700\n", stderr: "" });
});

testWith([anotherUser], "a user without a home and a HOME has to name a folder", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  for (
    const [home, wrong] of [[undefined, "HOME is not set"], ["here", "HOME is not an absolute path: here"]] as const
  ) {
    const { code, stderr } = await place.run(["setpriv", ...asNobody(["sera", "0", "true"])], {
      env: { HOME: home, SERA_SERVER: "file:" },
    });
    assert.equal(code, 202);
    assert.match(stderr, new RegExp(`^sera: [^\\n]*${wrong}[^\\n]*--server file:/some/dir[^\\n]*\\n$`));
  }
});

for (const mode of [0o777, 0o1777, 0o702]) {
  Deno.test(`a world-writable folder, ${mode.toString(8)}, is refused`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.locks);
    await Deno.chmod(place.locks, mode);
    const { code, stdout, stderr } = await place.sera(["0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: [^\n]*locks: everybody can write to it[^\n]*\n$/);
    // Of a folder like /tmp it would be bad advice to take the right away.
    assert.match(stderr, mode & 0o1000 ? /mkdir -m 700 \S+locks\/sera/ : /chmod o-w /);
    if (mode & 0o1000) assert.doesNotMatch(stderr, /chmod/);
    assert.deepEqual([...Deno.readDirSync(place.locks)], []);
  });
}

Deno.test("a folder named in the settings may be shared by a group", async () => {
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

Deno.test("a file instead of the folder is 202", async () => {
  await using place = await Place.make();
  await place.write("locks", "");
  const { code, stderr } = await place.sera(["0", "echo", "ran"]);
  assert.equal(code, 202);
  assert.match(stderr, /locks: not a folder/);
});
