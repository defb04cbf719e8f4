/** /bin/sh is not a shell: no command starts, and doctor reports it. */

import assert from "node:assert/strict";
import { linux, mountNamespace, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { complete, PROGRAM } from "./program.ts";
import { runToEnd } from "./running.ts";

/** The replacements for /bin/sh, and the messages. */
const INSTEAD: Record<string, [file: (place: Place) => string | Promise<string>, says: RegExp]> = {
  "a device": [
    () => "/dev/null",
    /Cannot start \/bin\/sh, the helper shell [^\n]+: [^\n]+; repair \/bin\/sh/,
  ],
  "a text": [async (place) => {
    await Deno.writeTextFile(place.file("text"), "no shell", { mode: 0o755 });
    return place.file("text");
  }, /Cannot start \/bin\/sh, [^\n]+; repair \/bin\/sh/],
  "false": [async (place) => {
    await Deno.copyFile("/bin/false", place.file("false"));
    return place.file("false");
  }, /Cannot use \/bin\/sh, [^\n]+ ended by itself, with exit code 1; repair \/bin\/sh, or put a shell there/],
};

for (const [what, [file, says]] of Object.entries(INSTEAD)) {
  testWith([linux, mountNamespace], `${what} in the place of /bin/sh is 203, in doctor too`, async () => {
    await using place = await Place.make();
    const instead = await file(place);
    const run = (args: readonly string[]) =>
      runToEnd(
        ["unshare", "--mount", "bash", "-c", 'mount --bind "$0" /bin/sh && exec "$@"', instead, ...PROGRAM, ...args],
        complete({ env: { SERA_SERVER: place.server } }),
      );
    const { code, stdout, stderr } = await run(["0", "/bin/echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.match(stderr, /^sera: [^\n]+\n$/);
    assert.match(stderr, says);
    const doctor = await run(["doctor"]);
    assert.equal(doctor.code, 203);
    assert.match(doctor.stdout, /^fail {2}shell +Cannot (start|use) \/bin\/sh, [^\n]+; repair \/bin\/sh/m);
  });
}
