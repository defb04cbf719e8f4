import assert from "node:assert/strict";
import { fixture, Place } from "./place.ts";

const FIRST = "First past the post - executing the command.";
const SYNCING = "Somebody else holds the lock - waiting for them; this run will be skipped.";

Deno.test("without verbose sera says nothing", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--wait-and-skip", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using skipper = place.startSera(["--wait-and-skip", "60", fixture("hold.sh")]);
  assert.equal((await place.sera(["0", fixture("hold.sh")])).stderr, "");
  await holder.closeStdin();
  assert.equal((await holder.ended).stdout, "ready\n");
  const { stdout, stderr } = await skipper.ended;
  assert.equal(stderr, "");
  // Whether the skipper came while the first one was there does not matter here.
  assert.ok(["", "ready\n"].includes(stdout), stdout);
});

for (
  const { flag, stream, other } of [
    { flag: "--verbose", stream: "stdout", other: "stderr" },
    { flag: "--verbose=stdout", stream: "stdout", other: "stderr" },
    { flag: "--verbose=stderr", stream: "stderr", other: "stdout" },
  ] as const
) {
  Deno.test(`${flag} logs to ${stream} what happens, in order`, async () => {
    await using place = await Place.make();
    const ended = await place.sera([flag, "0", "sh", "-c", `echo ran >&${stream === "stdout" ? 1 : 2}; exit 3`]);
    assert.equal(ended.code, 3);
    assert.equal(ended[other], "");
    const [settings, ...lines] = ended[stream].trim().split("\n");
    assert.match(settings!, /^Settings: server from SERA_SERVER, verbose from --verbose, the others by default\.$/);
    assert.match(lines[0]!, /^Lock acquired after .+\.$/);
    assert.equal(lines[1], "ran");
    assert.equal(lines[2], "Command finished with exit code 3.");
    assert.match(lines[3]!, /^Lock released, held for .+\.$/);
    assert.equal(lines.length, 4);
  });
}

Deno.test("with --wait-and-skip the lines of the original are printed", async () => {
  await using place = await Place.make();
  const args = ["--verbose", "--wait-and-skip", "60", fixture("hold.sh")];
  await using first = place.startSera(args, { stdin: "open" });
  await first.says("ready");
  assert.equal(first.stdout.split("\n")[1], FIRST);
  await using second = place.startSera(args);
  await second.says(SYNCING);
  await second.says(/^Waiting for [^\n]+\.\n$/m);
  assert.match(second.stdout, new RegExp(`^Settings: [^\\n]+\n${SYNCING}\nWaiting for [^\\n]+\n$`));
  await first.closeStdin();
  const { code, stdout } = await second.ended;
  assert.equal(code, 0);
  assert.equal(stdout.split("\n")[1], SYNCING);
  assert.match(stdout, /skipped the command/);
  assert.doesNotMatch(stdout, /ready|First past/);
});

Deno.test("a wait that runs out is reported with its length", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const now = await place.sera(["--verbose", "--name", "n", "0", "true"]);
  assert.deepEqual({ code: now.code, stderr: now.stderr }, { code: 204, stderr: "" });
  assert.match(now.stdout, /^Settings: [^\n]+\nLock not acquired: [^\n]*not executed\.\n$/);
  const later = await place.sera(["--verbose=stderr", "--name", "n", "300ms", "true"]);
  assert.deepEqual({ code: later.code, stdout: later.stdout }, { code: 204, stdout: "" });
  assert.match(
    later.stderr,
    /^Settings: [^\n]+\nWaiting for [^\n]+\.\nLock not acquired within 300ms: [^\n]*not executed\.\n$/,
  );
});

Deno.test("errors go to stderr, wherever verbose output goes", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.sera(["--verbose", "0", "no-such-command"]);
  assert.equal(code, 203);
  assert.match(stderr, /^sera: Cannot start the command: [^\n]+\n$/);
  assert.doesNotMatch(stdout, /Cannot start/);
});
