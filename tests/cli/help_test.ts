import assert from "node:assert/strict";
import { COMMANDS } from "../../lib/commands/table.ts";
import { SETTINGS } from "../../lib/settings/table.ts";
import { ExitCode } from "../../lib/exit_codes.ts";
import config from "../../deno.json" with { type: "json" };
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

const SUBCOMMANDS = COMMANDS.map(({ name }) => name);

for (const flag of ["--help", "-help", "-h", "--h"]) {
  Deno.test(`${flag} prints the help on stdout and exits with 0`, async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await place.sera([flag], { env: { SERA_SERVER: undefined } });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const heading of ["Usage: sera [flags] [--] <wait> <command>", "Flags", "Exit status:", "Examples:"]) {
      assert.ok(stdout.includes(heading), heading);
    }
  });
}

testInProcess("the help lists every setting and every exit code", async () => {
  await using place = await Place.make();
  const { stdout } = await inProcess(place, ["--help"]);
  for (const { name } of SETTINGS) assert.match(stdout, new RegExp(`^  --${name}\\b`, "m"));
  for (const code of Object.values(ExitCode)) if (code !== 0) assert.match(stdout, new RegExp(`^  ${code} `, "m"));
  for (const { name, inConfig } of SETTINGS) {
    if (inConfig) assert.match(stdout, new RegExp(`keys:\\s[^.]*\\b${name}\\b`, "s"));
  }
});

for (const words of [["--help"], ...SUBCOMMANDS.map((name) => [name, "--help"])]) {
  testInProcess(`the help of sera ${words.join(" ")} fits into 80 columns`, async () => {
    await using place = await Place.make();
    const { stdout } = await inProcess(place, words);
    assert.deepEqual(stdout.split("\n").filter((line) => line.length > 80), []);
  });
}

for (const flag of ["--help", "-help", "-h", "--h"]) {
  testInProcess(
    `heimdall ${flag} prints heimdall's help on stdout and exits with 0, whatever the other arguments`,
    async () => {
      await using place = await Place.make();
      for (const words of [[flag], ["--timeout=soon", flag, "nonsense"]]) {
        const { code, stdout, stderr } = await inProcess(place, ["heimdall", ...words]);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        assert.match(stdout, /^Usage: sera heimdall \[flags\] PROGRAM \[argument \.\.\.\]\n/);
        for (const name of ["database", "namespace", "name", "timeout", "debug", "help"]) {
          assert.match(stdout, new RegExp(`^  --${name}\\b`, "m"));
        }
        for (const code of ["1", "143"]) assert.match(stdout, new RegExp(`^  ${code} `, "m"));
      }
    },
  );
}

testInProcess("the help lists the subcommands, and where their help is", async () => {
  await using place = await Place.make();
  const { stdout } = await inProcess(place, ["--help"]);
  for (const name of SUBCOMMANDS) {
    assert.match(stdout, new RegExp(`^ +sera ${name} .*\\(sera ${name} --help\\)$`, "m"));
  }
});

testInProcess(
  "sera history --help lists its flags, outcomes and exit codes, whatever the other arguments",
  async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await inProcess(place, ["history", "--limit=none", "--help"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^Usage: sera history /);
    for (const name of ["limit", "json", "schema", "help"]) assert.match(stdout, new RegExp(`^  --${name}\\b`, "m"));
    for (const outcome of ["running", "succeeded", "failed", "abandoned", "unstarted", "skipped"]) {
      assert.match(stdout, new RegExp(`^  ${outcome} `, "m"));
    }
    for (const code of [0, 200, 201, 202]) assert.match(stdout, new RegExp(`^  ${code} `, "m"));
  },
);

testInProcess("the help is printed even after wrong words, and without a config file", async () => {
  await using place = await Place.make();
  const { code, stdout } = await inProcess(place, ["--verbose=loud", "--help", "nonsense"], {
    env: { SERA_CONFIG: "/nonexistent" },
  });
  assert.equal(code, 0);
  assert.match(stdout, /^Usage:/);
});

for (const flag of ["--version", "-version"]) {
  Deno.test(`${flag} prints the version`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await place.sera([flag]), { code: 0, stdout: `sera ${config.version}\n`, stderr: "" });
  });
}
