/** What sera itself starts is the system's, whatever PATH says: it is often root. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** All that sera starts, and what its shell could start. */
const NAMES = [
  "sh",
  "bash",
  "dash",
  "cat",
  "logger",
  "kill",
  "printf",
  "echo",
  "read",
  "sleep",
  "test",
  "[",
  "ps",
  "env",
];

testWith([linux], "no program of a foreign PATH is started but the command", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.file("planted"));
  const seen = place.file("seen");
  for (const name of NAMES) await place.script(`planted/${name}`, `/bin/echo ${name} >>'${seen}'`);
  const env = { PATH: `${place.file("planted")}:.`, SHELL: place.file("planted/sh") };
  const options = { env, cwd: place.file("planted") };
  const nested = await place.script("nested", `exec ${place.path}/bin/sera --name n 60 /bin/true`);
  const stubborn = await place.script("stubborn", "trap '' TERM; /bin/sleep 600 & wait; wait");
  const runs: [string[], number][] = [
    [["0", "/bin/true"], 0],
    [["--syslog=/nonexistent", "0", "no-such-command"], 203],
    // Asks /proc for sera's own words.
    [["0", "/bin/true", "\ufffd"], 0],
    // Asks /proc for locks, and for who is left of a process group.
    [["status"], 0],
    [["--max-run=100ms", "--grace=100ms", "0", stubborn], 207],
    [["--ledger", "--verbose=stderr", "0", "/bin/true"], 0],
    // Finds outer sera processes in /proc.
    [["--name", "n", "0", nested], 201],
  ];
  for (const [words, code] of runs) assert.equal((await place.sera(words, options)).code, code, words.join(" "));
  assert.equal(await place.read("seen"), "");
});
