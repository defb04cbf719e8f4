/** With JSON asked for, whatever goes wrong is an object a line, also before the settings are known. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

const JSON_FLAG = ["--log-format", "json"];

/** Words that are wrong before any server is asked, and what sera exits with. */
const WRONG: readonly [words: readonly string[], code: number][] = [
  [["--nope", ...JSON_FLAG, "0", "true"], 201],
  [["--nope", "value", ...JSON_FLAG, "0", "true"], 201],
  [["--nope=value", "-log-format=json", "0", "true"], 201],
  [["--=", ...JSON_FLAG, "0", "true"], 201],
  [["--log-format=jso", "0", "true"], 201],
  [["--log-format=JSON", "0", "true"], 201],
  [["--log-format=text", ...JSON_FLAG, "--ttl=never", "0", "true"], 201],
  [[...JSON_FLAG], 201],
  [[...JSON_FLAG, "0"], 201],
  [[...JSON_FLAG, "--name"], 201],
  [[...JSON_FLAG, "--verbose=loud", "0", "true"], 201],
  [["nonsense", ...JSON_FLAG], 201],
  [[...JSON_FLAG, "--config=/nonexistent", "0", "true"], 200],
  [[...JSON_FLAG, "--server=nonsense://x", "0", "true"], 200],
  [["status", ...JSON_FLAG, "--nope"], 201],
  [["status", "--nope", ...JSON_FLAG], 201],
  [["status", "--json", ...JSON_FLAG, "--server=u@tcp(127.0.0.1:1)/"], 202],
  [["status", ...JSON_FLAG, "0", "true"], 201],
  [["history", ...JSON_FLAG, "--limit=none"], 201],
  [["history", ...JSON_FLAG, "--server=u@tcp(127.0.0.1:1)/"], 200],
  [["doctor", ...JSON_FLAG, "word"], 201],
  [["doctor", ...JSON_FLAG, "--nope"], 201],
  [["heimdall", ...JSON_FLAG, "true"], 1],
];

function assertObjects(stderr: string, code: number): void {
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 0);
  for (const line of lines) assert.equal(line.level, "error");
  assert.equal(lines.at(-1)!.exit_code, code);
}

/** Cases that need the program itself. */
const IN_PROGRAM: typeof WRONG = [
  [[...JSON_FLAG, "--nope", "0", "true"], 201],
  [[...JSON_FLAG, "--server=u@tcp(127.0.0.1:1)/", "0", "true"], 202],
];

for (
  const [run, cases] of [[inProcess, WRONG], [
    (place: Place, words: readonly string[]) => place.sera(words),
    IN_PROGRAM,
  ]] as const
) {
  for (const [words, code] of cases) {
    testInProcess(`sera ${words.join(" ")} fails in JSON`, async () => {
      await using place = await Place.make();
      const ended = await run(place, words);
      assert.deepEqual([ended.code, ended.stdout], [code, ""]);
      assertObjects(ended.stderr, ended.code);
    });
  }
}

/** Errors without a flag for the format. */
const PLAIN_WORDS: readonly (readonly string[])[] = [
  ["--nope"],
  ["--ttl=never", "0", "true"],
  ["status", "--nope"],
  ["history", "--limit=none"],
  ["doctor", "word"],
];

testInProcess("the variable has the same effect as the flag, for heimdall too", async () => {
  await using place = await Place.make();
  const env = { SERA_LOG_FORMAT: "json" };
  for (const words of [...PLAIN_WORDS, ["heimdall"], ["heimdall", "--timeout=x", "true"]]) {
    const { code, stderr } = await inProcess(place, words, { env });
    assertObjects(stderr, code);
  }
  const database = ["--database=postgres://u@127.0.0.1:1/x"];
  const { code, stderr } = await place.sera(["heimdall", ...database, "true"], { env });
  assert.equal(code, 1);
  assertObjects(stderr, 1);
  for (const words of PLAIN_WORDS) assert.match((await inProcess(place, words)).stderr, /^sera: /);
});

testInProcess("without flag and variable the config file decides, even a broken one", async () => {
  await using place = await Place.make();
  const texts = ['{"Log-Format": "json", "ttl": "never"}', '{"log-format" : "json", '];
  for (const [index, text] of texts.entries()) {
    const config = await place.write(`${index}.json`, text);
    for (const words of [["--config", config, "0", "true"], ["status", "--config", config]]) {
      const { code, stderr } = await inProcess(place, words);
      assert.equal(code, 200);
      assertObjects(stderr, 200);
      const asText = await inProcess(place, words, { env: { SERA_LOG_FORMAT: "text" } });
      assert.match(asText.stderr, /^sera: /);
    }
    const { stderr } = await inProcess(place, ["--nope"], { env: { SERA_CONFIG: config } });
    assertObjects(stderr, 201);
  }
});

testInProcess("a command's own arguments do not set sera's format", async () => {
  await using place = await Place.make();
  const { code, stderr } = await inProcess(place, ["--ttl=never", "0", "cmd", ...JSON_FLAG]);
  assert.equal(code, 201);
  assert.match(stderr, /^sera: /);
  const after = await inProcess(place, ["--ttl=never", "--", "0", "cmd", ...JSON_FLAG]);
  assert.match(after.stderr, /^sera: /);
});

/** Arguments with an invalid format, the variable, and the setting that the message has to name. */
const NOT_UNDERSTOOD: readonly (readonly string[])[] = [
  ["--log-format", "xml", "0", "true"],
  ["--log-format=", "0", "true"],
  ["--log-format", "--nope"],
  ["--log-format", "0", "true"],
  ["--log-format", "xml", "--server", "file:", "0", "true"],
  ["status", "--log-format", "xml"],
];

for (const words of NOT_UNDERSTOOD) {
  Deno.test(`sera ${words.join(" ")} names log-format, and the variable decides about its own format`, async () => {
    await using place = await Place.make();
    const [config, empty] = [await place.write("c.json", '{"log-format": "json"}'), await place.write("e.json", "{}")];
    const ways: readonly [Record<string, string | undefined>, boolean][] = [
      [{ SERA_LOG_FORMAT: "json", SERA_CONFIG: empty }, true],
      [{ SERA_LOG_FORMAT: "text", SERA_CONFIG: config }, false],
      [{ SERA_CONFIG: config }, true],
      [{ SERA_CONFIG: empty }, false],
    ];
    for (const [env, isJson] of ways) {
      const { code, stdout, stderr } = await place.sera(words, { env: { ...env, SERA_SERVER: undefined } });
      assert.deepEqual([code, stdout], [201, ""]);
      assert.match(stderr, /Cannot use --log-format: /);
      if (isJson) assertObjects(stderr, 201);
      else assert.match(stderr, /^sera: [^\n]+\n$/);
    }
  });
}

Deno.test("an invalid value is reported before a missing one", async () => {
  await using place = await Place.make();
  const env = { SERA_SERVER: undefined, SERA_CONFIG: undefined };
  const cases: readonly [readonly string[], RegExp][] = [
    [["--ttl", "never", "0", "true"], /^sera: Cannot use --ttl: never; /],
    [["--verbose=loud", "0", "true"], /^sera: Cannot use --verbose: loud; /],
    [["--ttl", "--wait-and-skip", "true"], /^sera: Cannot use --ttl: --wait-and-skip; /],
    [["--max-run", "--verbose"], /^sera: Cannot use --max-run: --verbose; /],
    [["--name", "n"], /^sera: Nothing to run; /],
    [["--ttl", "30", "true"], /^sera: Not a valid wait: true; /],
  ];
  for (const [words, line] of cases) {
    const { code, stderr } = await place.sera(words, { env });
    assert.equal(code, 201);
    assert.match(stderr, line);
  }
  const { code, stderr } = await place.sera(["0", "true"], { env: { ...env, SERA_TTL: "never" } });
  assert.equal(code, 200);
  assert.match(stderr, /^sera: Cannot use SERA_TTL: never; /);
});

Deno.test("what is wrong with sera hold --json is an object, as all its lines are", async () => {
  await using place = await Place.make();
  const none = await place.write("none.json", "{}");
  const wrong: readonly [number, readonly string[]][] = [
    [201, ["hold", "--json", "n"]],
    [201, ["hold", "n", "--json=true", "--for", "soon"]],
    // The name of a lock may look like a wait.
    [201, ["hold", "5", "--for", "soon", "--json"]],
    [201, ["hold", "--for", "1h", "5", "--json"]],
    [201, ["hold", "--json", "--for", "1h", "--colour", "n"]],
    [200, ["hold", "--json", "--for", "1h", "--config", none, "n"]],
  ];
  for (const [exitCode, words] of wrong) {
    const { code, stdout, stderr } = await place.sera(words, { env: { SERA_SERVER: undefined } });
    assert.deepEqual([code, stdout], [exitCode, ""], stderr);
    assertObjects(stderr, exitCode);
  }
  for (const words of [["hold", "n"], ["hold", "--json=false", "n"], ["status", "--json", "--for", "1h"]]) {
    assert.match((await place.sera(words)).stderr, /^sera: /);
  }
});
