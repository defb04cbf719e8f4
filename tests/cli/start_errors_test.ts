import assert from "node:assert/strict";
import { Place } from "./place.ts";

/** What cannot be started, made in the place; and the reason that sera gives. */
const CASES: Record<string, { make(place: Place): string | Promise<string>; says: RegExp }> = {
  "a name that is not in PATH": { make: () => "no-such-command", says: /not found in PATH/ },
  "an empty name": { make: () => "", says: /not found/ },
  "a path that is not there": { make: (place) => place.file("nothing"), says: /no such file/ },
  "a path below a file": { make: (place) => place.file("bin/sera/x"), says: /[Nn]ot a directory/ },
  "a file that is not executable": { make: (place) => place.write("plain", "text"), says: /permission denied/ },
  "a folder": { make: (place) => place.path, says: /permission denied/ },
  "a script whose interpreter is missing": {
    async make(place) {
      const path = await place.write("script", "#!/nonexistent/interpreter\n");
      await Deno.chmod(path, 0o755);
      return path;
    },
    says: /interpreter .* not found/,
  },
};

for (const [what, { make, says }] of Object.entries(CASES)) {
  Deno.test(`${what} is 203, says why, and gives the lock back`, async () => {
    await using place = await Place.make();
    const command = await make(place);
    const { code, stdout, stderr } = await place.sera(["--name", "n", "0", command]);
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.match(stderr, /^sera: Cannot start the command: [^\n]+\n$/);
    assert.ok(stderr.includes(`: ${command}: `), stderr);
    assert.match(stderr, says);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  });
}
