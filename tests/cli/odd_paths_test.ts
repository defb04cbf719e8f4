/** Paths that look a little like a server, and files for TLS that cannot be read. */

import assert from "node:assert/strict";
import { seraInProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

for (const path of ["/etc/sera:prod.json", "/etc/a@b.json", "/etc/a=b.json", "/srv/x(1).json", "./a=b.json"]) {
  testInProcess(`a missing config file ${path} is named`, async () => {
    const { code, stderr } = await seraInProcess(["--config", path, "0", "true"]);
    assert.equal(code, 200);
    assert.ok(stderr.startsWith(`sera: No config file: ${path}; write one such as `), stderr);
  });
}

for (const text of ["u:hunter2@tcp(h)/", "a@hunter2", "./u:hunter2@h", "/x/u:hunter2@tcp(h)/", "/x://u:hunter2@h"]) {
  testInProcess(`${text} in --config is not repeated`, async () => {
    const { code, stderr } = await seraInProcess(["--config", text, "0", "true"]);
    assert.equal(code, 200);
    assert.match(stderr, /^sera: No config file: the path given looks like a server; [^\n]+\n$/);
    assert.doesNotMatch(stderr, /hunter2/);
  });
}

const MYSQL = "u:p@tcp(127.0.0.1:1)/?tls=true";
const POSTGRES = "postgres://u:p@127.0.0.1:1/d?sslmode=verify-full";

Deno.test("for a missing CA file, a folder or a symlink loop the advice is not to make it readable", async () => {
  await using place = await Place.make();
  await Deno.symlink(place.file("loop@1.pem"), place.file("loop@1.pem"));
  for (const path of ["/no/a@b.pem", place.path, place.file("loop@1.pem")]) {
    for (const server of [MYSQL, POSTGRES]) {
      const { code, stderr } = await place.sera(["--server", server, "--tls-ca", path, "0", "true"]);
      assert.equal(code, 200, stderr);
      assert.ok(stderr.includes(path), stderr);
      assert.doesNotMatch(stderr, /readable/);
      assert.match(
        stderr,
        /; (correct the path( \(tls-ca\))?|correct that, or name another file|name another one .+)\n$/,
      );
    }
  }
});

testInProcess("for a plain path in --server the advice is to write file: before it", async () => {
  for (const [path, folder] of [["/var/lib/sera", "/var/lib/sera"], ["./x", "/some/dir"], ["~/x", "/some/dir"]]) {
    const { code, stderr } = await seraInProcess(["--server", path!, "0", "true"]);
    assert.equal(code, 200);
    const cure = `write file:${folder} to lock on this machine only`;
    assert.equal(stderr, `sera: Cannot use the server in --server: it is a path; ${cure}\n`);
  }
  const { stderr } = await seraInProcess(["--server", "file", "0", "true"]);
  assert.equal(stderr, "sera: Cannot use the server in --server: the colon is missing; write file:\n");
});
