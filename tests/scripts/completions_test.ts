import assert from "node:assert/strict";
import { needsNoValue } from "../../lib/args/flag.ts";
import { RUN_FLAGS } from "../../lib/args/run_help.ts";
import { COMMANDS } from "../../lib/commands/table.ts";
import { helpText, subcommandHelp } from "../../lib/args/usage.ts";
import { COMPLETIONS } from "../../scripts/completions.ts";
import { terminal, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { COMMAND, needOf, SHELLS, typeInto } from "./shells.ts";

/** Typed text, and the words that sera gets. */
const TYPED: readonly (readonly [line: string, words: string])[] = [
  ["sera sta\t--js\t", "status --json"],
  ["sera --on-l\tw\t0 x", "--on-lost warn 0 x"],
  ["sera --on-lost=w\t0 x", "--on-lost=warn 0 x"],
  ["sera --verbose=stde\t0 x", "--verbose=stderr 0 x"],
  ["sera --config sett\t0 x", "--config settings.json 0 x"],
  ["sera --config=sett\t0 x", "--config=settings.json 0 x"],
  ["sera --server file:/a=b --name --once 0 frobn\t", "--server file:/a=b --name --once 0 frobnicate"],
  ["sera --verbose -- 1m30s frobn\t", "--verbose -- 1m30s frobnicate"],
  ["sera heimdall --deb\t--database host=db frobn\t", "heimdall --debug --database host=db frobnicate"],
  ["sera 0 frobnicate --on-l\t", "0 frobnicate --on-l"],
  ["sera completion fi\t", "completion fish"],
  ["sera status frobnicate --js\t", "status frobnicate --js"],
];

for (const shell of Object.keys(SHELLS)) {
  testWith([terminal, needOf(shell)], `${shell} completes a command line of sera at a terminal`, async () => {
    const own = shell === "bash" ? ["sett", "settings.json"] : ["thor", COMMAND.word];
    const all = [...TYPED, [`sera 5 frobnicate x ${own[0]}\t`, `5 frobnicate x ${own[1]}`]] as const;
    const got = await typeInto(shell, all.map(([line]) => line));
    assert.deepEqual(got.map((words) => words.join(" ")), all.map(([, words]) => words));
  });
}

const names = (flags: readonly { readonly name: string }[]) => flags.map(({ name }) => `--${name}`).join(" ");

/** Text for bash to complete, and its suggestions. */
const OFFERED: readonly (readonly [line: string, offered: string])[] = [
  ["sera ", "status history unlock hold forget doctor metrics completion heimdall forever"],
  ["sera h", "history hold heimdall"],
  ["sera --ledger ", "forever"],
  ["sera -w", "-wait-and-skip"],
  ["sera --", names(RUN_FLAGS)],
  ["sera heimdall -", names(COMMANDS.find(({ name }) => name === "heimdall")!.flags)],
  ["sera history --s", "--server --server-file --since --succeeded-within --schema"],
  ["sera forget --o", "--once"],
  ["sera metrics --l", "--ledger --ledger-table --lease --lease-table --log-format --limit"],
  ["sera doctor ", ""],
  ["sera hold --for ", ""],
  ["sera hold --for 2h frobn", COMMAND.name],
  ["sera completion ", "bash zsh fish"],
  ["sera completion b", "bash"],
  ["sera completion bash ", ""],
  ["sera doctor --sc", "--schema"],
  ["sera --leas", "--lease --lease-table"],
  ["sera --lease ", "forever"],
  ["sera -on-lost ", "terminate warn"],
  ["sera --log-format=", "text json"],
  ["sera --verbose=", "stdout stderr true false"],
  ["sera --ledger=t", "true"],
  ["sera --name ", ""],
  ["sera --name=a --tls-ca=sett", "settings.json"],
  ["sera -- --", ""],
  ["sera 0 --on", ""],
  ["sera 1m", ""],
  ["sera 0 frobn", COMMAND.name],
  ["sera --server=postgres://u:p@h/d?a=b 0 frobn", COMMAND.name],
  ["sera --server file:  -- 0 frobn", COMMAND.name],
  ["sera status -- frobn", COMMAND.name],
  ["sera heimdall frobn", COMMAND.name],
];

testWith([tool("bash", "-c", "true")], "bash offers what may follow, and nothing else", async () => {
  await using place = await Place.make();
  await place.script(`bin/${COMMAND.name}`, "");
  await place.write("settings.json", "");
  const calls = OFFERED.map(([line]) => `offer ${quote(line)} ${wordsOf(line).map(quote).join(" ")}`);
  const { stdout, stderr } = await place.run(["bash", "--norc", "-c", `${BASH_SCRIPT}\n${calls.join("\n")}`], {
    cwd: place.path,
  });
  assert.equal(stderr, "");
  const offered = stdout.trimEnd().split("\n").map((line) => line.trim());
  assert.deepEqual(OFFERED.map(([line], index) => [line, offered[index]]), OFFERED);
});

/** Asks as bash itself does at a terminal. */
const BASH_SCRIPT = `${COMPLETIONS.bash!()}
compopt() { return 1; }
offer() {
  COMP_LINE=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  local typing=\${!#}
  [[ $typing != [=:]* ]] || typing=
  _sera sera "$typing" ""
  echo "\${COMPREPLY[*]}"
}`;

/** The words of a line as bash parts them, the one at the cursor included. */
function wordsOf(line: string): readonly string[] {
  return line.split(" ").flatMap((word, index, all) =>
    word === "" && index < all.length - 1 ? [] : word === "" ? [""] : word.match(/[=:]+|[^=:]+/g) ?? []
  );
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

Deno.test("the completions know every flag of the help texts", () => {
  for (const help of [helpText(COMMANDS), ...COMMANDS.map(subcommandHelp)]) {
    for (const [, name] of help.matchAll(/^ {2}--([a-z-]+)/gm)) {
      assert.match(COMPLETIONS.bash!(), new RegExp(` ${name}[ ]`));
      assert.match(COMPLETIONS.zsh!(), new RegExp(`'--${name}:`));
      assert.match(COMPLETIONS.fish!(), new RegExp(` -l ${name} `));
    }
  }
});

Deno.test("a flag takes a value in all subcommands or in none", () => {
  const all = [...RUN_FLAGS, ...COMMANDS.flatMap(({ flags }) => flags)];
  for (const flag of all) {
    for (const other of all) {
      if (flag.name === other.name) assert.equal(needsNoValue(flag), needsNoValue(other), flag.name);
    }
  }
});
