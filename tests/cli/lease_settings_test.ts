/** The values that `ttl`, `grace`, `max-run`, `on-lost` and `allow-unsafe-server` take, wherever they are given. */

import assert from "node:assert/strict";
import { environmentName } from "../../lib/settings/table.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { fixture, Place } from "./place.ts";

/** Values by setting, as words and as JSON. */
const RIGHT: Record<string, unknown[]> = {
  ttl: [3, 3.5, "3", "3s", "1m30s", "24h", 86400],
  grace: [0, 0.2, 5, "0", "200ms", "0s", "1h"],
  "max-run": [0.5, 5, "20", "30m"],
  "on-lost": ["terminate", "warn"],
  "allow-unsafe-server": [true, false],
};
const WRONG: Record<string, unknown[]> = {
  ttl: [0, 2, 2.999, 86401, -5, "2s", "25h", "forever", "soon", "", true, {}, null],
  grace: [-1, "-1s", "forever", "soon", "1.5", "", true, []],
  "max-run": [0, -1, "0", "0s", "-1s", "forever", "soon", "1.5", "", true, [1]],
  "on-lost": ["stop", "", "Warn", true, 1],
  "allow-unsafe-server": ["perhaps", 2, "true"],
};

/** How a value is written as flag or variable; undefined for what only JSON can say, or says otherwise. */
function asWord(value: unknown, setting: string): string | undefined {
  if (typeof value === "string") return setting === "allow-unsafe-server" && value === "true" ? undefined : value;
  if (typeof value === "boolean") return setting === "allow-unsafe-server" ? `${value}` : undefined;
  if (typeof value !== "number") return undefined;
  // A word takes a unit where JSON takes a fraction.
  return Number.isInteger(value) ? `${value}` : `${value}s`;
}

const expected = (setting: string) =>
  setting === "on-lost"
    ? /; it takes terminate or warn\n$/
    : setting === "allow-unsafe-server"
    ? /; it takes true or false\n$/
    : /; it takes (whole )?seconds, or a duration such as 1m30s(, from 1ms|, from 3s to 24h)?\n$/;

for (const [setting, values] of Object.entries(RIGHT)) {
  Deno.test(`${setting} accepts the documented values, as flag, variable and config key`, async () => {
    await using place = await Place.make();
    for (const value of values) {
      const config = await place.write("sera.json", JSON.stringify({ server: place.server, [setting]: value }));
      const word = asWord(value, setting);
      const plain = { code: 0, stdout: "ran\n", stderr: "" };
      const env = { SERA_SERVER: undefined, SERA_CONFIG: config };
      assert.deepEqual(await place.sera(["0", "echo", "ran"], { env }), plain, `file: ${value}`);
      if (word === undefined) continue;
      assert.deepEqual(await place.sera([`--${setting}=${word}`, "0", "echo", "ran"]), plain, `flag: ${word}`);
    }
    const last = asWord(values.at(-1), setting);
    const { code } = await place.sera(["0", "true"], { env: { [environmentName(setting)]: last } });
    assert.equal(code, 0);
  });
}

/** The message for an empty word, as from an unset shell variable. */
const EMPTY = /: it is empty; check the variable it comes from, or leave it out\n$/;

for (const [setting, values] of Object.entries(WRONG)) {
  testInProcess(`${setting} refuses other values: 201 as flag, 200 as variable and config key`, async () => {
    await using place = await Place.make();
    for (const value of values) {
      const config = await place.write("sera.json", JSON.stringify({ server: place.server, [setting]: value }));
      const env = { SERA_SERVER: undefined, SERA_CONFIG: config };
      if (value !== null) {
        const { code, stdout, stderr } = await inProcess(place, ["0", "echo", "ran"], { env });
        assert.deepEqual({ code, stdout }, { code: 200, stdout: "" }, `file: ${JSON.stringify(value)}`);
        assert.match(stderr, expected(setting));
        assert.ok(stderr.startsWith(`sera: Cannot use ${setting} in ${config}`), stderr);
      }
      const word = asWord(value, setting);
      if (word === undefined) continue;
      const { code, stdout, stderr } = await inProcess(place, [`--${setting}=${word}`, "0", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, { code: 201, stdout: "" }, `flag: ${word}`);
      if (setting !== "allow-unsafe-server") assert.match(stderr, word === "" ? EMPTY : expected(setting));
    }
    const word = asWord(values[0], setting)!;
    const variable = environmentName(setting);
    const { code, stderr } = await place.sera(["0", "echo", "ran"], { env: { [variable]: word } });
    assert.equal(code, 200);
    assert.ok(stderr.startsWith(`sera: Cannot use ${variable}: ${word}; it takes `), stderr);
  });
}

Deno.test("a flag wins over the variable, and the variable over the file", async () => {
  await using place = await Place.make();
  const config = await place.write("sera.json", JSON.stringify({ server: place.server, "max-run": 0.1 }));
  const env = { SERA_SERVER: undefined, SERA_CONFIG: config };
  assert.equal((await place.sera(["0", "sleep", "600"], { env })).code, 207);
  const both = { ...env, SERA_MAX_RUN: "1h" };
  await using run = place.startSera(["0", fixture("hold.sh")], { env: both, stdin: "open" });
  await run.says("ready");
  // Longer than the file's time.
  assert.equal((await place.sera(["--max-run", "100ms", "0", "sleep", "600"], { env: both })).code, 207);
  await run.closeStdin();
  assert.equal((await run.ended).code, 0);
});
