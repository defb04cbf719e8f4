/** Keys of the config file that users mistake for others. */

import assert from "node:assert/strict";
import { Place } from "./place.ts";

/** The environment of a sera that gets its server from the config file. */
const NO_SERVER = { SERA_SERVER: undefined };

/** Keys, and the message after the file's path. */
const ODD: Record<string, string> = {
  min_hold: "Unknown key in PATH: min_hold; did you mean min-hold?",
  tlsCa: "Unknown key in PATH: tlsCa; did you mean tls-ca?",
  SERA_GRACE: "Unknown key in PATH: SERA_GRACE; did you mean grace?",
  "--on-lost": "Unknown key in PATH: --on-lost; did you mean on-lost?",
  nmae: "Unknown key in PATH: nmae; did you mean the flag --name?",
  colour: "Unknown key in PATH: colour; correct or remove it",
  name: "Key not allowed in PATH: name; remove it; set it with the flag --name or the variable SERA_NAME",
  Once: "Key not allowed in PATH: Once; remove it; set it with the flag --once or the variable SERA_ONCE",
  "once-per": "Key not allowed in PATH: once-per; remove it; set it with the flag --every or the variable SERA_EVERY",
};

for (const [key, says] of Object.entries(ODD)) {
  Deno.test(`the key ${key} is reported when verbose and by doctor, and has no effect`, async () => {
    await using place = await Place.make();
    const path = await place.write("sera.json", JSON.stringify({ server: place.server, [key]: "x" }));
    const line = says.replace("PATH", path);
    const silent = await place.sera(["--config", path, "0", "true"], { env: NO_SERVER });
    assert.deepEqual(silent, { code: 0, stdout: "", stderr: "" });
    const told = await place.sera(["--config", path, "--verbose", "0", "true"], { env: NO_SERVER });
    assert.equal(told.code, 0);
    assert.ok(told.stdout.split("\n").includes(line), told.stdout);
    const doctor = await place.sera(["doctor", "--config", path], { env: NO_SERVER });
    assert.equal(doctor.code, 0);
    assert.ok(doctor.stdout.split("\n").includes(`warn  settings     ${line}`), doctor.stdout);
  });
}

Deno.test("a key that is given twice is reported, and the last one counts", async () => {
  await using place = await Place.make();
  for (
    const [text, both] of [
      [`"ttl": "30s", "nested": {"ttl": 1, "ttl": 2}, "ttl": "32s"`, "ttl"],
      [`"ttl": "30s", "TTL": "32s"`, "ttl and TTL"],
      [`"ttl": "30s", "TTL": "31s", "ttl": "32s"`, "TTL and ttl"],
      [`"ttl": "30s", "TTL": "32s", "ttl": null`, "ttl and TTL"],
    ]
  ) {
    const path = await place.write("sera.json", `{"server": "${place.server}", ${text}}`);
    const { code, stdout } = await place.sera(["doctor", "--config", path], { env: NO_SERVER });
    assert.equal(code, 0);
    assert.match(stdout, /^pass {2}settings .*; ttl 32s$/m);
    const says = `Key given twice in ${path}: ${both}; the last one counts; remove the others`;
    assert.ok(stdout.includes(`warn  settings     ${says}\n`), stdout);
    const told = await place.sera(["--verbose", "--config", path, "0", "true"], { env: NO_SERVER });
    assert.ok(told.stdout.includes(`${says}\n`), told.stdout);
  }
});

Deno.test("a key that may be a password is not repeated", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, "u:hunter2@tcp(h)/": 1 }));
  const { stdout } = await place.sera(["doctor", "--config", path], { env: NO_SERVER });
  assert.match(stdout, /Unknown key in [^:]+: \(not shown, since it may hold a password\); correct or remove it/);
  assert.doesNotMatch(stdout, /hunter2/);
});
