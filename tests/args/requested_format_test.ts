/** The log format that is gone by before the settings are read, or where they cannot be. */

import assert from "node:assert/strict";
import { requestedFormat } from "../../lib/args/requested_format.ts";
import type { FlagSpec } from "../../lib/args/go_flags.ts";

/** Flags of a run. */
const SPECS: readonly FlagSpec[] = [
  { name: "config", boolean: false },
  { name: "log-format", boolean: false },
  { name: "ttl", boolean: false },
  { name: "verbose", boolean: true },
];

/** Words, and whether they ask for JSON. */
const WORDS: readonly (readonly [words: string, isJson: boolean])[] = [
  ["0 true", false],
  ["--log-format json 0 true", true],
  ["-log-format=json 0 true", true],
  // Also next to wrong arguments.
  ["--nope --log-format json 0 true", true],
  ["--nope value --log-format json 0 true", true],
  ["--ttl --log-format=text --log-format json", true],
  ["--verbose --log-format json", true],
  ["nonsense --log-format json", true],
  // The last one counts.
  ["--log-format text --log-format json 0 true", true],
  ["--log-format json --log-format text 0 true", false],
  // Misspelled, and neither of the two.
  ["--log-format JSON 0 true", true],
  ["--log-format jsonl 0 true", true],
  ["--log-format ndjson 0 true", true],
  ["--log-format xml 0 true", false],
  // The command's own words.
  ["0 cmd --log-format json", false],
  ["-- 0 cmd --log-format json", false],
  ["--log-format", false],
];

const config = await Deno.makeTempFile({ prefix: "sera-format-" });
Deno.test.afterAll(() => Deno.remove(config));

/** The requested format with these variables and this config file. */
async function asked(words: string, env: Record<string, string> = {}, file = "{}"): Promise<string> {
  await Deno.writeTextFile(config, file);
  return await requestedFormat(words.split(" "), SPECS, (name) => ({ SERA_CONFIG: config, ...env })[name]);
}

for (const [words, isJson] of WORDS) {
  Deno.test(`sera ${words}: ${isJson ? "json" : "text"}`, async () => {
    assert.equal(await asked(words), isJson ? "json" : "text");
    // A flag decides before a variable, and that before the file.
    if (isJson) assert.equal(await asked(words, { SERA_LOG_FORMAT: "text" }, '{"log-format": "text"}'), "json");
    else if (!/format (text|xml)/.test(words)) assert.equal(await asked(words, { SERA_LOG_FORMAT: "json" }), "json");
  });
}

Deno.test("the config file decides last, even if it is broken", async () => {
  assert.equal(await asked("0 true", {}, '{"log-format": "json"}'), "json");
  assert.equal(await asked("0 true", {}, '{"Log-Format" : "json", "ttl": '), "json");
  assert.equal(await asked("0 true", {}, '{"log-format": "text", "log-format": "json"}'), "json");
  assert.equal(await asked("0 true", { SERA_LOG_FORMAT: "text" }, '{"log-format": "json"}'), "text");
  assert.equal(await asked("0 true", { SERA_CONFIG: "/nonexistent" }, '{"log-format": "json"}'), "text");
  assert.equal(
    await asked(`--config ${config} 0 true`, { SERA_CONFIG: "/nonexistent" }, '{"log-format": "json"}'),
    "json",
  );
});

Deno.test("a subcommand that takes no config file does not read one", async () => {
  await Deno.writeTextFile(config, '{"log-format": "json"}');
  const env = (name: string) => name === "SERA_CONFIG" ? config : undefined;
  assert.equal(await requestedFormat(["0"], [], env), "text");
  assert.equal(await requestedFormat(["0"], SPECS, env), "json");
});

Deno.test("a variable that is not UTF-8 counts as unset", async () => {
  const env = (name: string): string | undefined => {
    if (name === "SERA_LOG_FORMAT") throw new Error("not UTF-8");
    return "/nonexistent";
  };
  assert.equal(await requestedFormat(["0", "true"], SPECS, env), "text");
});
