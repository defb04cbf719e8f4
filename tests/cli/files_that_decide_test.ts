/** Files that say how sera is to work, and what else may be in their place. */
// Starts early: it waits for a pipe that never has data.

import assert from "node:assert/strict";
import { inProcess, type InProcessOptions, testInProcess } from "./in_process.ts";
import { linux, root, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import type { Ended } from "./running.ts";

/** The environment of a sera that gets its server from the config file. */
const NO_SERVER = { SERA_SERVER: undefined };

/** A user without rights. */
const NOBODY = 65534;

const CERTIFICATE = Deno.readTextFileSync(fixture("authority.pem"));

/** How to start a sera that reads a file, to no server's end. */
type Reading = readonly [args: readonly string[], options?: InProcessOptions];

/** Files by the setting that names them: a valid content, how it is read, and whether the command has started by then. */
const READERS: Record<string, { text: string; reading: (path: string) => Reading; late?: boolean }> = {
  "config file": {
    text: JSON.stringify({ server: "u:p@tcp(127.0.0.1:1)/" }),
    reading: (path) => [["--config", path, "0", "echo", "ran"], { env: NO_SERVER }],
  },
  "server file": {
    text: "u:p@tcp(127.0.0.1:1)/\n",
    reading: (path) => [["--server-file", path, "0", "echo", "ran"], { env: NO_SERVER }],
  },
  "CA file for MySQL": {
    text: CERTIFICATE,
    late: true,
    reading: (path) => [["--server", "u:p@tcp(127.0.0.1:1)/?tls=true", "--tls-ca", path, "0", "echo", "ran"]],
  },
  "CA file for PostgreSQL": {
    text: CERTIFICATE,
    late: true,
    reading: (path) => [
      ["--server", `postgres://u:p@127.0.0.1:1/?sslmode=verify-ca&sslrootcert=${path}`, "0", "echo", "ran"],
    ],
  },
  "service file": {
    text: "[db]\nhost=127.0.0.1\nport=1\nuser=u\n",
    reading: (path) => [["--server", "service=db", "0", "echo", "ran"], { env: { PGSERVICEFILE: path } }],
  },
};

/** One line that names the file, and the code for settings that cannot be used. */
function assertRefused({ code, stdout, stderr }: Ended, path: string, why: RegExp): void {
  assert.deepEqual({ code, stdout }, { code: 200, stdout: "" }, stderr);
  assert.match(stderr, /^sera: [^\n]+\n$/);
  assert.ok(stderr.includes(path), stderr);
  assert.match(stderr, why);
}

/** Asserts that the file was read, and a connection tried to a port without a server. */
function assertRead({ code, stderr }: Ended): void {
  assert.equal(code, 202, stderr);
  assert.match(stderr, /^sera: Cannot lock on [^\n]*127\.0\.0\.1:1\b[^\n]*\n$/);
}

for (const [what, { text, reading, late = false }] of Object.entries(READERS)) {
  const started = (place: Place, path: string) => place.sera(...reading(path));
  const refused = (place: Place, path: string) => late ? started(place, path) : inProcess(place, ...reading(path));

  testInProcess(`a file that is not a plain file is refused at once as ${what}`, async () => {
    await using place = await Place.make();
    const fifo = place.file("fifo");
    assert.equal((await place.run(["mkfifo", fifo])).code, 0);
    await Deno.symlink(fifo, place.file("link"));
    const socket = Deno.listen({ transport: "unix", path: place.file("socket") });
    try {
      for (const path of [fifo, place.file("link"), place.file("socket"), "/dev/zero", "/dev/tty"]) {
        assertRefused(await refused(place, path), path, /not a regular file/);
      }
    } finally {
      socket.close();
    }
    assertRefused(await started(place, place.path), place.path, /is a directory/);
  }, [linux, tool("mkfifo", "--version")]);

  testInProcess(`an endless file is refused as ${what}`, async () => {
    await using place = await Place.make();
    const path = await place.write("huge", text);
    await Deno.truncate(path, 20 * 2 ** 30);
    assertRefused(await refused(place, path), path, /longer than 1 MiB/);
  });

  testInProcess(`a world-writable ${what} is refused with the cure`, async () => {
    await using place = await Place.make();
    const path = await place.write("settings", text);
    for (const mode of [0o646, 0o666, 0o602]) {
      await Deno.chmod(path, mode);
      assertRefused(await refused(place, path), path, /everybody can write to it; chmod o-w /);
    }
    await Deno.chmod(path, 0o664);
    assertRead(await started(place, path));
  }, [linux]);

  testInProcess(`a ${what} that another user put into a world-writable folder is refused`, async () => {
    await using place = await Place.make();
    const folder = place.file("everybody");
    await Deno.mkdir(`${folder}/sub`, { recursive: true });
    await Deno.chmod(folder, 0o777);
    const good = await place.write("good", text);
    for (const name of ["own", "planted", "sub/file"]) await place.write(`everybody/${name}`, text);
    await Deno.symlink(good, `${folder}/link`);
    await Deno.symlink(`${folder}/planted`, place.file("to-planted"));
    await place.run(["chown", "-h", `${NOBODY}`, `${folder}/planted`, `${folder}/sub`, `${folder}/link`]);
    const planted = [`${folder}/planted`, `${folder}/sub/file`, `${folder}/link`, place.file("to-planted")];
    for (const path of planted) {
      assertRefused(
        await refused(place, path),
        path,
        /everybody can write to [^ ]+, and [^ ]+ there is another user's; /,
      );
    }
    if (what === "config file" || what === "server file") {
      // Another one could be there the next time.
      assertRefused(await refused(place, `${folder}/own`), `${folder}/own`, /can replace own; keep .* chmod \+t /);
      await Deno.chmod(folder, 0o1777);
    }
    // What root put there, as Kubernetes does, is what root meant.
    assertRead(await started(place, `${folder}/own`));
    // With the sticky bit others cannot replace it.
    await Deno.chmod(folder, 0o1777);
    for (const path of planted) assertRead(await started(place, path));
  }, [linux, root]);
}

testWith([linux, root], "a config file of another user or writable by a group works, and is told of", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server }));
  const run = (...args: string[]) => place.sera([...args, "--config", path, "0", "true"], { env: NO_SERVER });
  const doctor = () => place.sera(["doctor", "--config", path], { env: NO_SERVER });
  for (
    const [uid, mode, says] of [
      [NOBODY, 0o644, /^Another user \(uid 65534\) owns the config file: .*sera\.json; chown root /m],
      [0, 0o664, /^A group can write to the config file: .*sera\.json; chmod g-w /m],
    ] as const
  ) {
    await Deno.chown(path, uid, null);
    await Deno.chmod(path, mode);
    assert.deepEqual(await run(), { code: 0, stdout: "", stderr: "" });
    const told = await run("--verbose");
    assert.equal(told.code, 0);
    assert.match(told.stdout, says);
    const { code, stdout } = await doctor();
    assert.equal(code, 0);
    const warnings = stdout.split("\n").filter((line) => line.startsWith("warn"));
    assert.equal(warnings.length, 1, stdout);
    assert.match(warnings[0]!.replace(/^warn +permissions +/, ""), says);
  }
});

testWith([linux, root], "a folder in which others could put another config file in its place is told of", async () => {
  await using place = await Place.make();
  const folder = place.file("folder");
  await Deno.mkdir(folder);
  const path = await place.write("folder/sera.json", JSON.stringify({ server: place.server }));
  for (
    const [uid, gid, mode, says] of [
      [
        0,
        NOBODY,
        0o775,
        /^A group can replace the config file: .*sera\.json, since it can write /,
      ],
      [
        NOBODY,
        0,
        0o755,
        /^Another user \(uid 65534\) can replace the config file: .*sera\.json, /,
      ],
      [0, NOBODY, 0o1775, undefined],
      [0, 0, 0o775, undefined],
    ] as const
  ) {
    await Deno.chown(folder, uid, gid);
    await Deno.chmod(folder, mode);
    const silent = await place.sera(["--config", path, "0", "true"], { env: NO_SERVER });
    assert.deepEqual(silent, { code: 0, stdout: "", stderr: "" });
    const told = await place.sera(["--verbose", "--config", path, "0", "true"], { env: NO_SERVER });
    const lines = told.stdout.split("\n").slice(1);
    assert.equal(lines.some((line) => /can replace the config file/.test(line)), says !== undefined);
    const { code, stdout } = await place.sera(["doctor", "--config", path], { env: NO_SERVER });
    assert.equal(code, 0);
    const [warning, ...more] = stdout.split("\n").filter((line) => line.startsWith("warn"));
    assert.deepEqual(more, []);
    if (says) assert.match(warning!.replace(/^warn +permissions +/, ""), says);
    else assert.equal(warning, undefined);
  }
});

testWith([linux, tool("bash", "--version")], "a shell's <(…) is read to its end as config file", async () => {
  await using place = await Place.make();
  const text = JSON.stringify({ server: place.server });
  const script = `sera --config <(printf %s "$0") 0 echo ran`;
  const read = await place.run(["bash", "-c", script, text], { env: NO_SERVER });
  assert.deepEqual(read, { code: 0, stdout: "ran\n", stderr: "" });
  const doctor = await place.run(["bash", "-c", `sera doctor --config <(printf %s "$0")`, text], { env: NO_SERVER });
  assert.equal(doctor.code, 0, doctor.stdout);
  const long = await place.run(["bash", "-c", `sera --config <(cat /dev/zero) 0 echo ran`], { env: NO_SERVER });
  assertRefused(long, "/dev/fd/", /longer than 1 MiB/);
});

testWith([linux, tool("bash", "--version")], "a <(…) that never ends is given up", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.run(
    // The writer ends when sera does, and not before.
    ["bash", "-c", `sera --config <(exec tail -f --pid=$$ /dev/null) 0 echo ran; exit $?`],
    { env: NO_SERVER },
  );
  assertRefused({ code, stdout, stderr }, "/dev/fd/", /the program that writes to this pipe does not close it/);
});
