import assert from "node:assert/strict";
import { COMMANDS } from "../../lib/commands/table.ts";
import { SETTINGS } from "../../lib/settings/table.ts";
import { run } from "../../lib/cli.ts";

/** Runs sera in this process, without any environment. */
async function sera(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = "";
  const code = await run(argv, { env: () => undefined, out: (text) => void (out += text), err: () => undefined });
  return { code, out };
}

for (const { name, flags, settings } of COMMANDS) {
  const own = new Set([...flags, ...settings].map(({ name }) => name));
  const others = [...SETTINGS, ...COMMANDS.flatMap(({ flags }) => flags)].filter((flag) => !own.has(flag.name));

  Deno.test(`sera ${name} accepts the flags of its table, and no others`, async () => {
    for (const flag of own) {
      assert.equal((await sera(name, `--${flag}=true`, "--help")).code, 0, flag);
    }
    for (const flag of [...others, { name: "version" }]) {
      assert.notEqual((await sera(name, `--${flag.name}=true`, "--help")).code, 0, flag.name);
    }
  });

  for (const help of ["--help", "-h"]) {
    Deno.test(`sera ${name} ${help} prints its own help`, async () => {
      assert.match((await sera(name, help)).out, new RegExp(`^Usage: sera ${name} `));
    });
  }
}

Deno.test("flags before a subcommand are refused with the correct order", async () => {
  let said = "";
  for (const { name, usage } of COMMANDS) {
    const io = { env: () => undefined, out: () => undefined, err: (text: string) => void (said = text) };
    assert.equal(await run(["--verbose", name], io), 201);
    assert.ok(said.includes(`sera ${name} ${usage}`), said);
  }
});
