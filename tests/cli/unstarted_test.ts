/** Commands that cannot be started: the reason depends on what PATH finds. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";

/** Files in a folder that PATH names: how they are made, and what sera says of them. */
const IN_PATH: Record<string, { make(path: string): Promise<void>; says: RegExp }> = {
  "a script from Windows": {
    make: (path) => Deno.writeTextFile(path, "#!/bin/sh\r\necho ran\r\n", { mode: 0o755 }),
    says: /^its first line ends in a carriage return, .+; remove them with sed -i 's\/\\r\$\/\/' and the file$/,
  },
  "a script whose interpreter is missing": {
    make: (path) => Deno.writeTextFile(path, "#!/no/such/interpreter\n", { mode: 0o755 }),
    says: /^the interpreter that its first line names was not found; correct that line$/,
  },
  "a file that is not executable": {
    make: (path) => Deno.writeTextFile(path, "#!/bin/sh\n", { mode: 0o644 }),
    says: /^not executable, \/.+; make it executable$/,
  },
  "a link that leads nowhere": {
    make: (path) => Deno.symlink("/no/such/file", path),
    says: /^it is a link to a file that does not exist; correct the link$/,
  },
};

for (const [what, { make, says }] of Object.entries(IN_PATH)) {
  testWith([linux], `${what} is told as that, by its name in PATH and by its path`, async () => {
    await using place = await Place.make();
    await make(place.file("bin/sera-test-job"));
    const prefix = "sera: Cannot start the command: sera-test-job: ";
    const { code, stdout, stderr } = await place.run(["sera", "0", "sera-test-job"]);
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.ok(stderr.startsWith(prefix), stderr);
    assert.match(stderr.slice(prefix.length, -1), says);
    const byPath = await place.sera(["0", place.file("bin/sera-test-job")]);
    assert.equal(byPath.code, 203);
    assert.doesNotMatch(byPath.stderr, /no such file|PATH/);
  });
}

testWith([linux], "an empty PATH is no short one", async () => {
  await using place = await Place.make();
  const run = async (env: string[], word: string) => {
    const { code, stderr } = await place.run(["env", ...env, ...PROGRAM, "0", word]);
    assert.equal(code, 203);
    return stderr;
  };
  assert.match(await run(["PATH="], "sera-test-job"), /: PATH is empty; give the full path\n$/);
  assert.match(await run(["-u", "PATH"], "sera-test-job"), /: PATH is not set; give the full path\n$/);
  assert.match(await run(["-u", "PATH"], "a; b"), /: not found; it is text for a shell, run sh -c with the text\n$/);
});

testWith([linux], "a program in the working directory is told to be named as one", async () => {
  await using place = await Place.make();
  await place.script("sera-test-job", "echo ran");
  const script = `cd "$1" && exec sera 0 sera-test-job`;
  const { code, stderr } = await place.run(["sh", "-c", script, "sh", place.path]);
  assert.equal(code, 203);
  assert.match(stderr, /: not found in PATH; to run the one in the working directory write \.\/sera-test-job\n$/);
});
