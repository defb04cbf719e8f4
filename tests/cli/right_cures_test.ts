/** Cures that help, and values that are not repeated, where the one and the other went wrong. */

import assert from "node:assert/strict";
import { ServerError } from "../backends/fake_server.ts";
import { FakeMySql } from "../backends/mysql/fake_server.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { sera } from "./program.ts";

Deno.test("doctor does not repeat a socket that a run does not repeat either", async () => {
  for (const more of [[], ["--json"]]) {
    const { stdout, stderr } = await sera(["doctor", ...more, "--server", "user@unix(/tmp/hunter2\u200b.sock)/"]);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
    assert.match(stdout, /address/);
  }
});

testWith([linux], "status and history of a folder that no run can use are 202, as doctor is", async () => {
  for (const folder of ["/dev/shm/none", "/proc/none", "/sys/none"]) {
    for (const command of ["status", "history", "doctor"]) {
      const { code, stdout, stderr } = await sera([command, "--server", `file:${folder}`]);
      assert.equal(code, 202, command);
      assert.match(stdout + stderr, /sera cannot open files in \/dev, \/proc or \/sys; use another folder/);
    }
  }
  await using place = await Place.make();
  for (const command of ["status", "history"]) {
    assert.equal((await sera([command, "--server", `file:${place.file("none")}`])).code, 0);
  }
});

testWith([linux], "a config file that is in the wrong place is not told to be written", async () => {
  await using place = await Place.make();
  await Deno.symlink("loop", place.file("loop"));
  const file = await place.write("file", "{}");
  for (
    const [path, cure] of [
      ["/dev/shm/none.json", /; copy it to another place, or pass it as <\(cat FILE\) in bash\n$/],
      ["/proc/version", /; copy it to another place, or pass it as <\(cat FILE\) in bash\n$/],
      [`${file}/x`, /; correct the path\n$/],
      [place.file("loop"), /; correct the path\n$/],
      ["/dev/zero", /; copy it to another place, or pass it as <\(cat FILE\) in bash\n$/],
    ] as const
  ) {
    const { code, stderr } = await sera(["--config", path, "0", "true"]);
    assert.equal(code, 200, path);
    assert.match(stderr, cure);
  }
});

Deno.test("an unknown collation is reported by its name", async () => {
  using server = new FakeMySql((sql) =>
    sql.startsWith("SET NAMES") ? new ServerError(1115, "Unknown character set: 'nosuch'") : {}
  );
  const run = async (params: string) => (await sera(["--server", server.dsn + params, "0", "true"])).stderr;
  assert.match(await run("?collation=nosuch"), /'nosuch'; correct collation in the DSN\n$/);
  assert.match(await run("?charset=nosuch"), /'nosuch'; correct charset in the DSN\n$/);
});

testWith([linux], "a script whose interpreter cannot be reached is told so", async () => {
  await using place = await Place.make();
  await Deno.symlink("loop", place.file("loop"));
  for (const interpreter of ["/bin/sh/x", place.file("loop")]) {
    const path = await place.write("script", `#!${interpreter}\n`);
    await Deno.chmod(path, 0o755);
    const { code, stderr } = await place.sera(["0", path]);
    assert.equal(code, 203);
    assert.match(stderr, /on the way to the interpreter that its first line names; correct that line\n$/);
  }
});
