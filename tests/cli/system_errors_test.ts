/** Real system errors for every path that a user can set: one line, without the runtime's additions. */

import assert from "node:assert/strict";
import { linux, mountNamespace, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import type { Ended } from "./running.ts";

/** Asserts one line with a cure that names its subject once, and that nothing ran. */
function assertSaid({ code, stdout, stderr }: Ended, expected: number, words: RegExp, path?: string): void {
  assert.deepEqual({ code, stdout }, { code: expected, stdout: "" }, stderr);
  assert.match(stderr, /^sera: [^\n]+; [^\n;]+\n$/);
  assert.match(stderr, words);
  assert.doesNotMatch(stderr, /os error|[ls]stat '|\bE[A-Z]{3,}\b|open '|Failed to spawn|report it/);
  if (path !== undefined && stderr.includes(path)) assert.equal(stderr.split(path).length, 2, stderr);
}

/** Broken paths to a file: how to make them in a folder, and the system's message. */
const WAYS: Record<string, { readonly path: (folder: string) => string; readonly says: RegExp }> = {
  ENOTDIR: { path: (folder) => `${folder}/file/x`, says: /Not a directory/ },
  "ENOTDIR, with a line break": { path: (folder) => `${folder}/file/a\nb`, says: /Not a directory/ },
  ELOOP: { path: (folder) => `${folder}/loop`, says: /[Tt]oo many (levels of )?symbolic links/ },
  ENAMETOOLONG: { path: (folder) => `${folder}/${"n".repeat(300)}`, says: /File name too long/ },
};

for (const [name, { path, says }] of Object.entries(WAYS)) {
  testWith([linux], `${name} is said in one line wherever it comes up`, async () => {
    await using place = await Place.make();
    const folder = place.file("f");
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.symlink("loop", `${folder}/loop`);
    const bad = path(folder);
    const withoutServer = { env: { SERA_SERVER: undefined } };
    assertSaid(await place.sera(["0", bad]), 203, says, bad);
    assertSaid(await place.sera(["--config", bad, "0", "echo", "ran"], withoutServer), 200, says, bad);
    for (const args of [["0", "echo", "ran"], ["--once", "k", "0", "echo", "ran"]]) {
      assertSaid(await place.sera(["--server", `file:${bad}`, ...args]), 202, says, bad);
    }
    const service = { env: { PGSERVICEFILE: bad } };
    assertSaid(await place.sera(["--server", "service=s", "0", "echo", "ran"], service), 200, says, bad);
    const ca = ["--server", "u@tcp(127.0.0.1:1)/?tls=true", "--tls-ca", bad];
    assertSaid(await place.sera([...ca, "0", "echo", "ran"]), 200, says, bad);
  });
}

/** Things at a socket's path, and the messages. */
const SOCKETS: Record<string, { readonly path: string; readonly says: RegExp }> = {
  ENOENT: { path: "none", says: /no such socket; / },
  ENOTDIR: { path: "file/x", says: /a part of the socket's path is not a folder; / },
  ELOOP: { path: "loop", says: /a symbolic link on the way to the socket leads to itself; / },
  ECONNREFUSED: { path: "file", says: /connection refused; / },
  "a path that is too long": { path: "n".repeat(200), says: /the path or address is invalid; / },
};

for (const [name, { path, says }] of Object.entries(SOCKETS)) {
  testWith([linux], `${name} at a database's socket is said with the cure`, async () => {
    await using place = await Place.make();
    await place.write("file", "");
    await Deno.symlink("loop", place.file("loop"));
    const socket = place.file(path);
    assertSaid(await place.sera(["--server", `u@unix(${socket})/`, "0", "echo", "ran"]), 202, says, socket);
    await Deno.symlink(socket, place.file(".s.PGSQL.5432")).catch(() => undefined);
    if (path.length > 100) return;
    assertSaid(await place.sera(["--server", `host=${place.path} user=u`, "0", "echo", "ran"]), 202, says);
  });
}

/** File systems that take nothing. */
const FULL: Record<string, { readonly mount: string; readonly says: RegExp }> = {
  "a full one": {
    mount: "mount -t tmpfs -o nr_inodes=2,size=4k,mode=700 none d",
    says: /[Nn]o space left .*; free some space/,
  },
  "a read-only one": {
    mount: "mount -t tmpfs -o ro,mode=700 none d",
    says: /[Rr]ead-only file system; name a writable/,
  },
};

for (const [name, { mount, says }] of Object.entries(FULL)) {
  testWith([mountNamespace], `a lock folder on ${name} is said with the cure`, async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.file("d"));
    const run = (folder: string) =>
      place.run([
        "unshare",
        "--mount",
        "sh",
        "-c",
        `cd ${place.path} && ${mount} && touch d/a 2>/dev/null; exec sera --server file:${folder} 0 echo ran`,
      ]);
    assertSaid(await run(place.file("d")), 202, says);
    assertSaid(await run(place.file("d/new")), 202, says);
  });
}

testWith([linux, tool("prlimit", "--nofile=100", "true")], "too few descriptors are said as that limit", async () => {
  await using place = await Place.make();
  const env = await place.cacheOfItsOwn();
  const said = [];
  for (let limit = 13; limit <= 44; limit++) {
    const { stderr, code } = await place.run(["prlimit", `--nofile=${limit}`, "sera", "0", "true"], { env });
    if (code === 0 || !stderr.startsWith("sera: ")) continue;
    assert.match(stderr, /^sera: [^\n]+; raise the limit of open files \(ulimit -n\)\n$/);
    said.push(limit);
  }
  assert.ok(said.length > 0);
});
