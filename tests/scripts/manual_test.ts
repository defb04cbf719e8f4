import assert from "node:assert/strict";
import { environmentName, SETTINGS } from "../../lib/settings/table.ts";
import { COMMANDS } from "../../lib/commands/table.ts";
import { helpText, subcommandHelp } from "../../lib/args/usage.ts";
import { lockVariables } from "../../lib/commands/run/variables.ts";
import { ExitCode } from "../../lib/exit_codes.ts";
import { VERSION } from "../../lib/version.ts";
import { manual } from "../../scripts/manual.ts";
import { testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";

const PAGE = manual(new Date(0));

const man = tool("man", "--version");
const mandoc = tool("mandoc", "-Tascii", "/dev/null");

/** The page as man(1) shows it. */
async function render(place: Place): Promise<{ readonly text: string; readonly warnings: string }> {
  const page = await place.write("sera.1", PAGE);
  const { code, stdout, stderr } = await place.run(["man", "--warnings=w", "--local-file", page], {
    env: { MANWIDTH: "80", MANPAGER: "cat" },
  });
  assert.equal(code, 0, stderr);
  return { text: stdout, warnings: stderr };
}

testWith([man], "man shows the page without a warning, within 80 columns", async () => {
  await using place = await Place.make();
  const { text, warnings } = await render(place);
  assert.equal(warnings, "");
  assert.deepEqual(text.split("\n").filter((line) => line.length > 80), []);
  assert.match(text, new RegExp(`sera ${VERSION} +1970-01-01 +SERA\\(1\\)\\s*$`));
});

testWith([man], "man stretches no usage line", async () => {
  await using place = await Place.make();
  const usages = (await render(place)).text.split("\n").filter((line) => line.startsWith("       sera "));
  assert.ok(usages.length > 2 * COMMANDS.length, usages.join("\n"));
  assert.deepEqual(usages.filter((line) => /\S {2}/.test(line)), []);
});

testWith([man], "man shows what can be typed as it has to be typed", async () => {
  await using place = await Place.make();
  const { text } = await render(place);
  for (const words of ["sera --wait-and-skip 300 migrate", '{"server": "sera:secret@tcp(db.example.com:3306)/"']) {
    assert.ok(text.includes(words), words);
  }
  // Debian's man prints a hyphen as the keyboard has it in any case; others do not.
  assert.doesNotMatch(PAGE, /(?<!\\)--/);
});

testWith([mandoc], "mandoc finds nothing wrong with the page", async () => {
  await using place = await Place.make();
  const page = await place.write("sera.1", PAGE);
  const { code, stdout } = await place.run(["mandoc", "-Tlint", "-Wwarning", page]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
});

Deno.test("the manual page lists every flag, variable and exit status", () => {
  const page = PAGE.replaceAll("\\-", "-");
  for (const help of [helpText(COMMANDS), ...COMMANDS.map(subcommandHelp)]) {
    for (const [, flag] of help.matchAll(/^ {2}(--[a-z-]+)/gm)) {
      assert.match(page, new RegExp(`^\\.TP\n\\\\fB${flag}\\\\fR`, "m"));
    }
  }
  for (const name of ["TOKEN", ...SETTINGS.map(({ name }) => name)]) {
    assert.ok(page.includes(environmentName(name)), name);
  }
  for (const { name, inConfig = false } of SETTINGS) {
    assert.equal(page.includes(`key \\fB${name}\\fR of the config file`), inConfig, name);
  }
  for (
    const name of Object.keys(
      lockVariables({ name: "", key: "", host: "", server: { identity: "" }, inheritedLocks: undefined }),
    )
  ) {
    assert.ok(page.includes(`.TP\n\\fB${name}\\fR`), name);
  }
  for (const code of Object.values(ExitCode)) assert.ok(page.includes(`.TP\n\\fB${code}\\fR`), `${code}`);
});

Deno.test("the page's date is that of SOURCE_DATE_EPOCH", async () => {
  await using place = await Place.make();
  const script = `${import.meta.dirname}/../../scripts/manual.ts`;
  const { code, stderr } = await place.run([Deno.execPath(), "run", "-A", script, place.file("sera.1")], {
    env: { SOURCE_DATE_EPOCH: "86400" },
  });
  assert.equal(code, 0, stderr);
  assert.equal(await place.read("sera.1"), manual(new Date(86_400_000)));
});
