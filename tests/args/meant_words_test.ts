/** Words in the place of the wait, and flags that are none: what they were meant to be. */

import assert from "node:assert/strict";
import { flagSpecs } from "../../lib/args/flag.ts";
import { withSuggestion } from "../../lib/args/meant_flag.ts";
import { type FlagSpec, parseGoFlags, UnknownFlagError } from "../../lib/args/go_flags.ts";
import { readOperands } from "../../lib/args/operands.ts";
import { RUN_FLAGS } from "../../lib/args/run_help.ts";
import { STATUS } from "../../lib/args/status_help.ts";
import { COMMANDS } from "../../lib/commands/table.ts";
import { UsageError } from "../../lib/errors.ts";

const SPECS = flagSpecs(RUN_FLAGS);

const loadSubcommands = () => Promise.resolve(COMMANDS);

const HIDDEN = "(not shown, since a server may stand there)";
const VALUE = "a flag's value that may be left out needs a =";
const EXPECTED = "expected whole seconds, a duration such as 1m30s, or forever, then the command; see sera --help";

/** What is written, and what sera says. */
const WAITS: [words: string, says: string][] = [
  // What a server may be a part of is not repeated, but what is meant is told all the same.
  ["--server file:/x statsu", `Cannot use as a wait: ${HIDDEN}; did you mean sera status? See sera --help`],
  ["--server file:/x Status", `Cannot use as a wait: ${HIDDEN}; did you mean sera status? See sera --help`],
  ["--server file:/x forevr", `Cannot use as a wait: ${HIDDEN}; did you mean forever? See sera --help`],
  ["--server file:/x hunter2", `Cannot use as a wait: ${HIDDEN}; ${EXPECTED}`],
  ["--server file:/x help", "Cannot use as a wait: help; write sera --help"],
  ["--server file:/x version", "Cannot use as a wait: version; write sera --version"],
  ["--server file:/x --verbose true 0 x", `Cannot use as a wait: true; ${VALUE}: --verbose=true`],
  ["forevr true", "Cannot use as a wait: forevr; did you mean forever? See sera --help"],
  ["Forever true", "Cannot use as a wait: Forever; did you mean forever? See sera --help"],
  ["infinity true", "Cannot use as a wait: infinity; write forever"],
  ["help status", "Cannot use as a wait: help; write sera status --help"],
  ["help backup", "Cannot use as a wait: help; write sera --help"],
  ["--syslog /dev/log 0 true", `Cannot use as a wait: /dev/log; ${VALUE}: --syslog=/dev/log`],
  ["--verbose true", `Cannot use as a wait: true; ${VALUE}: --verbose=true`],
  ["--wait-and-skip true", `Cannot use as a wait: true; ${VALUE}: --wait-and-skip=true`],
  ["--ledger false", `Cannot use as a wait: false; ${VALUE}: --ledger=false`],
  ["--ledger yes", `Cannot use as a wait: yes; ${VALUE}: --ledger=true`],
  ["--ledger off 0 true", `Cannot use as a wait: off; ${VALUE}: --ledger=false`],
  // Not the value of a flag that has one.
  ["--name x true", `Cannot use as a wait: true; ${EXPECTED}`],
  ["true", `Cannot use as a wait: true; ${EXPECTED}`],
  ["1:30 true", `Cannot use as a wait: 1:30; ${EXPECTED}`],
  ["/usr/bin/backup -x", `Cannot use as a wait: /usr/bin/backup; ${EXPECTED}`],
  ["u:hunter2@tcp(h)/ 0 x", `Cannot use as a wait: ${HIDDEN}; ${EXPECTED}`],
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

Deno.test("a subcommand behind flags or -- is told what stands before it", async () => {
  for (const [words, before] of [[["--", "status"], "--"], [["--verbose", "status"], "flags"]] as const) {
    const { flags, operands } = parseGoFlags(words, SPECS);
    await assert.rejects(readOperands(operands, flags, loadSubcommands), {
      message: `Cannot use ${before} before status; write sera status [--json] [flags] [-- command ...]`,
    });
  }
});

/** Flags that say no, and what is said of them. */
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

Deno.test("a subcommand's flags are denied in the same way", () => {
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
