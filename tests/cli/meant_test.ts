/** Mistaken words and flags: sera gives a hint only where it can be sure. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

/** The arguments, and sera's message after the colon. */
const MEANT: [string[], string][] = [
  [["help"], "Not a valid wait: help; write sera --help"],
  [["version"], "Not a valid wait: version; write sera --version"],
  [["statsu"], "Not a valid wait: statsu; did you mean sera status? See sera --help"],
  [["Doctor"], "Not a valid wait: Doctor; did you mean sera doctor? See sera --help"],
  [["histroy", "--limit", "5"], "Not a valid wait: histroy; did you mean sera history? See sera --help"],
  [["hlep"], "Not a valid wait: hlep; did you mean sera --help? See sera --help"],
  [['"5"', "true"], 'Not a valid wait: "5"; the quotes are part of the word; leave them out'],
  [
    ["--verbose", "stderr", "0", "true"],
    "Not a valid wait: stderr; a flag with an optional value needs an =: --verbose=stderr",
  ],
  [["--verbos", "0", "true"], "Unknown flag: --verbos; did you mean --verbose? See sera --help"],
  [["-nmae", "x", "0", "true"], "Unknown flag: -nmae; did you mean --name? See sera --help"],
  [["--min_hold=3", "0", "true"], "Unknown flag: --min_hold; did you mean --min-hold? See sera --help"],
  [["--SERVER", "x", "0", "true"], "Unknown flag: --SERVER; did you mean --server? See sera --help"],
  [["-5", "true"], "Unknown flag: -5; a wait is never negative: 0 tries once, forever never gives up"],
  [
    ["--limit", "5", "0", "true"],
    "Unknown flag: --limit; it is a flag of sera history and sera metrics, not of a run",
  ],
  [
    ["doctor", "--limit", "5"],
    "Unknown flag: --limit; it is a flag of sera history and sera metrics, not of sera doctor",
  ],
  [["status", "--josn"], "Unknown flag: --josn; did you mean --json? See sera status --help"],
  [["status", "--version"], "Unknown flag: --version; write sera --version"],
  [
    ["10", "--name", "x", "true"],
    "Cannot run --name: flags belong before the wait; write sera --name ... 10 <command>",
  ],
  [["10", "-name=x", "true"], "Cannot run --name: flags belong before the wait; write sera --name ... 10 <command>"],
  [["10", "--help"], "Cannot run --help: flags belong before the wait; write sera --help"],
  [["--wait", "5", "true"], "Unknown flag: --wait; the wait is the word before the command: sera 30 <command>"],
  // It is unknown what these were meant to be.
  [["--timeout", "5", "true"], "Unknown flag: --timeout; see sera --help"],
  [["-v", "0", "true"], "Unknown flag: -v; see sera --help"],
  [["-psecret", "0", "true"], "Unknown flag: -p...; see sera --help"],
  [
    ["backup", "status"],
    "Not a valid wait: backup; expected whole seconds, a duration such as 1m30s, or forever, then the command; " +
    "see sera --help",
  ],
];

for (const [words, says] of MEANT) {
  testInProcess(`sera ${words.join(" ")}: ${says}`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await inProcess(place, words), { code: 201, stdout: "", stderr: `sera: ${says}\n` });
  });
}

Deno.test("a command named almost like a subcommand, or like an unknown flag, is a command", async () => {
  await using place = await Place.make();
  for (const name of ["statsu", "status", "help", "-x"]) await place.script(`bin/${name}`, 'echo "$0 ran"');
  for (const name of ["statsu", "status", "help", "-x"]) {
    const { code, stdout } = await place.run(["sera", "0", name]);
    assert.equal(code, 0);
    assert.match(stdout, / ran\n$/);
  }
});

for (const name of ["wait-and-skip", "detailed-exit-codes", "every", "count-failures", "min-hold", "label"]) {
  testInProcess(`--${name} with status and history is 201: it is for runs only`, async () => {
    await using place = await Place.make();
    for (const subcommand of ["status", "history"]) {
      const { code, stdout, stderr } = await inProcess(place, [subcommand, `--${name}=1`]);
      assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
      const says = `Cannot use --${name} with sera ${subcommand}: it is a flag of a run, and has no effect here`;
      assert.equal(stderr, `sera: ${says}; leave it out\n`);
    }
  });
}

for (
  const [words, flag] of [
    [["status", "n", "--json"], "--json"],
    [["history", "--limit", "3", "n", "-x", "-json"], "-json"],
    [["unlock", "--yes", "n", "--slot=1"], "--slot"],
    [["forget", "--once", "k", "n", "--yes"], "--yes"],
    [["status", "n", "--server=u:hunter2@tcp(h)/d"], "--server"],
  ] as const
) {
  testInProcess(
    `sera ${words[0]} with ${flag} behind the command's first word is 201, unless -- precedes it`,
    async () => {
      await using place = await Place.make();
      const { code, stdout, stderr } = await inProcess(place, words);
      assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
      const says = `Cannot tell whether ${flag} is a flag of sera ${words[0]} or a word of the command`;
      assert.equal(stderr, `sera: ${says}; write the flags first, or -- before a command\n`);
    },
  );
}

testInProcess("flags of a command behind -- are its words", async () => {
  await using place = await Place.make();
  assert.equal((await place.sera(["status", "--", "n", "--json"])).stdout, "Free: nobody holds it.\n");
  assert.equal((await place.sera(["status", "n", "-x"])).stdout, "Free: nobody holds it.\n");
});

testInProcess("flags without effect beside history --schema are 201", async () => {
  await using place = await Place.make("postgres://127.0.0.1:1/d");
  for (const words of [["--json"], ["--limit", "3"], ["--name", "x"]]) {
    const { code, stderr } = await inProcess(place, ["history", "--schema", ...words]);
    assert.equal(code, 201);
    assert.equal(stderr, `sera: Cannot use ${words[0]} with --schema: it has no effect there; leave it out\n`);
  }
  assert.equal((await place.sera(["history", "--schema", "--", "job"])).code, 201);
  const { code, stdout } = await place.sera(["history", "--schema"]);
  assert.equal(code, 0);
  assert.match(stdout, /CREATE TABLE/i);
});
