/** Words in the place of the wait, and flags that are none: what they were meant to be. */

import assert from "node:assert/strict";
import { flagSpecs } from "../../lib/args/flag.ts";
import { withSuggestion } from "../../lib/args/unknown_flag.ts";
import { type FlagSpec, parseGoFlags, UnknownFlagError } from "../../lib/args/go_flags.ts";
import { readOperands } from "../../lib/args/operands.ts";
import { RUN_FLAGS } from "../../lib/args/run_help.ts";
import { STATUS } from "../../lib/args/status_help.ts";
import { COMMANDS } from "../../lib/commands/table.ts";
import { UsageError } from "../../lib/errors.ts";

const SPECS = flagSpecs(RUN_FLAGS);

const loadSubcommands = () => Promise.resolve(COMMANDS);

const HIDDEN = "(not shown, since it may contain a server)";
const VALUE = "a flag with an optional value needs an =";
const EXPECTED = "expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help";

/** The arguments, and sera's message. */
const WAITS: [words: string, says: string][] = [
  // A word that may contain a server is not repeated, but the hint is given.
  ["--server file:/x statsu", `Not a valid wait: ${HIDDEN}; did you mean sera status? See sera --help`],
  ["--server file:/x Status", `Not a valid wait: ${HIDDEN}; did you mean sera status? See sera --help`],
  ["--server file:/x forevr", `Not a valid wait: ${HIDDEN}; did you mean forever? See sera --help`],
  ["--server file:/x hunter2", `Not a valid wait: ${HIDDEN}; ${EXPECTED}`],
  ["--server file:/x help", "Not a valid wait: help; write sera --help"],
  ["--server file:/x version", "Not a valid wait: version; write sera --version"],
  ["--server file:/x --verbose true 0 x", `Not a valid wait: true; ${VALUE}: --verbose=true`],
  ["forevr true", "Not a valid wait: forevr; did you mean forever? See sera --help"],
  ["Forever true", "Not a valid wait: Forever; did you mean forever? See sera --help"],
  ["infinity true", "Not a valid wait: infinity; write forever"],
  ["help status", "Not a valid wait: help; write sera status --help"],
  ["help backup", "Not a valid wait: help; write sera --help"],
  ["--syslog /dev/log 0 true", `Not a valid wait: /dev/log; ${VALUE}: --syslog=/dev/log`],
  ["--verbose true", `Not a valid wait: true; ${VALUE}: --verbose=true`],
  ["--wait-and-skip true", `Not a valid wait: true; ${VALUE}: --wait-and-skip=true`],
  ["--ledger false", `Not a valid wait: false; ${VALUE}: --ledger=false`],
  ["--ledger yes", `Not a valid wait: yes; ${VALUE}: --ledger=true`],
  ["--ledger off 0 true", `Not a valid wait: off; ${VALUE}: --ledger=false`],
  // Not the value of a flag that has one.
  ["--name x true", `Not a valid wait: true; ${EXPECTED}`],
  [
    "--once x --every 9m ./sync",
    "Not a valid wait: ./sync; 9m is the value of --every; write a wait before the command, as in sera --every 9m 0 " +
    "<command>",
  ],
  [
    "--once-per 9m ./sync",
    "Not a valid wait: ./sync; 9m is the value of --once-per; write a wait before the command, as in sera --once-per 9m " +
    "0 <command>",
  ],
  [
    "--every 0 true",
    "Not a valid wait: true; 0 is the value of --every; write a wait before the command, as in " +
    "sera --every 0 0 <command>",
  ],
  [
    "--once 0 true",
    "Not a valid wait: true; 0 is the value of --once; write a wait before the command, as in sera --once 0 0 <command>",
  ],
  ["--server 0 true", `Not a valid wait: ${HIDDEN}; ${EXPECTED}`],
  ["--every 9m --verbose ./sync", `Not a valid wait: ./sync; ${EXPECTED}`],
  ["true", `Not a valid wait: true; ${EXPECTED}`],
  ["1:30 true", `Not a valid wait: 1:30; ${EXPECTED}`],
  ["/usr/bin/backup -x", `Not a valid wait: /usr/bin/backup; ${EXPECTED}`],
  ["u:hunter2@tcp(h)/ 0 x", `Not a valid wait: ${HIDDEN}; ${EXPECTED}`],
];

for (const [words, says] of WAITS) {
  Deno.test(`sera ${words}: ${says}`, async () => {
    const { flags, operands } = parseGoFlags(words.split(" "), SPECS);
    await assert.rejects(readOperands(operands, flags, loadSubcommands), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.message, says);
      return true;
    });
  });
}

Deno.test("a subcommand behind flags or -- is refused, with a hint what stands before it", async () => {
  for (const [words, before] of [[["--", "status"], "--"], [["--verbose", "status"], "flags"]] as const) {
    const { flags, operands } = parseGoFlags(words, SPECS);
    await assert.rejects(readOperands(operands, flags, loadSubcommands), {
      message: `Cannot use ${before} before status; write sera status [--json] [flags] [-- command ...]`,
    });
  }
});

/** Negated flags, and the messages. */
const DENIED: [flag: string, says: string][] = [
  ["--no-ledger", "write --ledger=false, or leave it out"],
  ["--no-verbose", "write --verbose=false, or leave it out"],
  ["--no-syslog", "write --syslog=false, or leave it out"],
  ["--noledger", "write --ledger=false, or leave it out"],
  ["--no_ledgr", "write --ledger=false, or leave it out"],
  ["--without-ledger", "write --ledger=false, or leave it out"],
  ["--no-wait-and-skp", "write --wait-and-skip=false, or leave it out"],
  ["--no-name", "to go without name, leave --name out"],
  ["--no-lost", "did you mean --on-lost? See sera --help"],
  ["--nonce", "did you mean --once? See sera --help"],
];

for (const [flag, says] of DENIED) {
  Deno.test(`${flag}: ${says}`, () => assert.equal(ofUnknown(flag, SPECS), `Unknown flag: ${flag}; ${says}`));
}

Deno.test("a subcommand's unknown flags are refused in the same way", () => {
  const says = "Unknown flag: --no-json; write --json=false, or leave it out";
  assert.equal(ofUnknown("--no-json", flagSpecs(STATUS.flags), "status"), says);
});

function ofUnknown(flag: string, specs: readonly FlagSpec[], subcommand?: string): string {
  try {
    parseGoFlags([flag], specs);
  } catch (error) {
    if (error instanceof UnknownFlagError) return withSuggestion(error, specs, COMMANDS, subcommand).message;
    throw error;
  }
  return "known";
}
