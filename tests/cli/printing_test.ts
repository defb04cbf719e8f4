/** Requested output that cannot be written is an error; a closed pipe is not. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

const PRINTS = [
  "--help",
  "--version",
  "status",
  "status --json",
  "status --help",
  "history",
  "history --json",
  "history --help",
  "history --server u@tcp(127.0.0.1:1)/x --schema",
  "doctor",
  "doctor --json",
  "doctor --help",
  "metrics",
  "completion bash",
  "hold --for 10ms maintenance",
];

for (const words of PRINTS) {
  testWith([linux], `sera ${words} that cannot be written is 209, and one line`, async () => {
    await using place = await Place.make();
    const quoted = words.replace(/u@.*x/, "'$&'");
    const { code, stderr } = await place.shell(`sera ${quoted} >/dev/full`);
    assert.equal(code, 209);
    const cure = "free some space there, or write to another place";
    assert.equal(stderr, `sera: Cannot write to stdout: No space left on device; ${cure}\n`);
  });

  testWith([linux], `sera ${words} into a pipe that nobody reads ends quietly, as SIGPIPE ends others`, async () => {
    await using place = await Place.make();
    const quoted = words.replace(/u@.*x/, "'$&'");
    // It begins when the reader has gone.
    const script =
      `{ until [ -e gone ]; do :; done; sera ${quoted}; echo $? >code; } | { exec <&-; : >gone; }; cat code`;
    const { stdout, stderr } = await place.shell(script, { cwd: place.path });
    assert.deepEqual({ stdout, stderr }, { stdout: "141\n", stderr: "" });
  });
}

testWith([linux], "heimdall's help that cannot be written is its own error", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.shell("sera heimdall --help >/dev/full");
  assert.equal(code, 1);
  assert.match(stderr, /^sera: Cannot write to stdout: [^\n]+\n$/);
});

testWith([linux], "what a run says decides nothing, whether it can be written or not", async () => {
  await using place = await Place.make();
  assert.equal((await place.shell("sera --verbose 0 sh -c 'exit 7' >/dev/full")).code, 7);
  assert.equal((await place.shell("{ sera --verbose 0 sh -c 'exit 7'; echo $? >&2; } | exec true")).stderr, "7\n");
});
