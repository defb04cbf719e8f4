import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { anotherUser, asNobody, isRoot, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** The environment of a sera that gets its server from the config file. */
const NO_SERVER = { SERA_SERVER: undefined };

/** Would show if a part of the config file were quoted. */
const PASSWORD = "hunter2marker";

Deno.test("the config file gives server and verbose", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, verbose: true, syslog: false }));
  const { code, stdout, stderr } = await place.sera(["--config", path, "0", "echo", "ran"], { env: NO_SERVER });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /Lock acquired[^]*ran\n[^]*exit code 0/);
  assert.equal([...Deno.readDirSync(place.locks)].length, 1);
});

Deno.test("SERA_CONFIG names the config file, and --config wins over it", async () => {
  await using place = await Place.make();
  const good = await place.write("good.json", JSON.stringify({ server: place.server }));
  const env = { ...NO_SERVER, SERA_CONFIG: good };
  assert.equal((await place.sera(["0", "true"], { env })).code, 0);
  const { code, stderr } = await place.sera(["--config", place.file("none.json"), "0", "true"], { env });
  assert.equal(code, 200);
  assert.match(stderr, /none\.json/);
});

Deno.test("keys are matched without regard to case, and the last of two wins", async () => {
  await using place = await Place.make();
  const path = await place.write(
    "sera.json",
    `{"SERVER": "file:/dev/null/x", "Server": "${place.server}", "vErBoSe": true}`,
  );
  const { code, stdout, stderr } = await place.sera(["--config", path, "0", "true"], { env: NO_SERVER });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /Lock acquired/);
  assert.doesNotMatch(stdout, /Unknown key/);
});

Deno.test("an unknown key is reported only when verbose, and has no effect", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, colour: 1 }));
  const silent = { code: 0, stdout: "", stderr: "" };
  assert.deepEqual(await place.sera(["--config", path, "0", "true"], { env: NO_SERVER }), silent);
  const { code, stdout } = await place.sera(["--config", path, "--verbose", "0", "true"], { env: NO_SERVER });
  assert.equal(code, 0);
  assert.match(stdout, /^Unknown key in .*sera\.json: colour; correct or remove it$/m);
});

Deno.test("without a server, a mistyped key or variable is reported", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ sever: `sera:${PASSWORD}@tcp(db)/` }));
  const inFile = await place.sera(["--config", path, "0", "true"], { env: NO_SERVER });
  assert.equal(inFile.stderr, `sera: No server: unknown key in ${path}: sever; did you mean server?\n`);
  const env = { ...NO_SERVER, SERA_CONFIG: undefined, SERA_SERVR: `sera:${PASSWORD}@tcp(db)/` };
  const outside = await place.sera(["0", "true"], { env });
  assert.equal(outside.stderr, "sera: No server: unknown variable: SERA_SERVR; did you mean SERA_SERVER?\n");
  assert.deepEqual([inFile.code, outside.code], [200, 200]);
  assert.match((await place.sera(["doctor"], { env })).stdout, /^fail +config .*did you mean SERA_SERVER\?$/m);
});

Deno.test("null leaves a setting as it is", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, verbose: null, syslog: null }));
  const silent = { code: 0, stdout: "", stderr: "" };
  assert.deepEqual(await place.sera(["--config", path, "0", "true"], { env: NO_SERVER }), silent);
});

/** Config files that cannot be used, what sera says of them, and at which line. */
const BROKEN: Record<string, { text: string; says: RegExp }> = {
  "an empty file": { text: "", says: /not valid JSON at line 1;/ },
  "a file of blank lines": { text: "\n\n", says: /not valid JSON at line 1;/ },
  "words": { text: "server = x\n", says: /not valid JSON at line 1;/ },
  "a value without quotes": {
    text: `{\n  "server": ${PASSWORD},\n  "verbose": true\n}\n`,
    says: /not valid JSON at line 2;/,
  },
  "a key without quotes": {
    text: `{\n  "server": "u:${PASSWORD}@/",\n  verbose: true\n}\n`,
    says: /not valid JSON at line 3;/,
  },
  "a comma too many": { text: `{\n  "server": "u:${PASSWORD}@/",\n}\n`, says: /not valid JSON at line 3;/ },
  "a comma too few": {
    text: `{\n  "server": "u:${PASSWORD}@/"\n  "verbose": true\n}\n`,
    says: /not valid JSON at line 3;/,
  },
  "a quote too few": {
    text: `{\n  "server": "u:${PASSWORD}@/,\n  "verbose": true\n}\n`,
    says: /not valid JSON at line 2;/,
  },
  "a brace too few": { text: `{\n  "server": "u:${PASSWORD}@/"\n`, says: /not valid JSON at line 2;/ },
  "something after the end": { text: `{\n  "server": "u:${PASSWORD}@/"\n}\n\n}\n`, says: /not valid JSON at line 5;/ },
  "a comment": { text: `{\n  // "u:${PASSWORD}@/"\n  "server": "file:"\n}\n`, says: /not valid JSON at line 2;/ },
  "Windows line ends": { text: `{\r\n  "verbose": true,\r\n  "server": '${PASSWORD}'\r\n}\r\n`, says: /at line 3;/ },
  "a word that speaks of positions": {
    text: `{\n\n\n  "verbose": x, "at position 1": "${PASSWORD}"\n}`,
    says: /not valid JSON at line 4;/,
  },
  "a long file": {
    text: `{\n${'  "x": "filler",\n'.repeat(200)}  "server": ${PASSWORD}\n}\n`,
    says: /not valid JSON at line 202;/,
  },
  "a list": { text: `["${PASSWORD}"]`, says: /not a JSON object/ },
  "a text": { text: `"${PASSWORD}"`, says: /not a JSON object/ },
  "null": { text: "null", says: /not a JSON object/ },
};

for (const [what, { text, says }] of Object.entries(BROKEN)) {
  testInProcess(`${what} as config file is 200, with the line and both ways to fix it`, async () => {
    await using place = await Place.make();
    const path = await place.write("sera.json", text);
    const { code, stdout, stderr } = await inProcess(place, ["--config", path, "0", "echo", "ran"], { env: NO_SERVER });
    assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
    assertWaysOn(stderr, path);
    assert.match(stderr, says);
    assert.ok(!stderr.includes(PASSWORD), stderr);
  });
}

Deno.test("a missing config file is 200, with its path and both ways to fix it", async () => {
  await using place = await Place.make();
  const path = place.file("none.json");
  const { code, stdout, stderr } = await place.sera(["--config", path, "0", "echo", "ran"], { env: NO_SERVER });
  assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
  assert.match(stderr, /No config file/);
  assertWaysOn(stderr, path);
});

testInProcess("a server given as config file is 200, and its password is not repeated", async () => {
  await using place = await Place.make();
  for (const server of [`postgres://sera:${PASSWORD}@h/d`, `sera:${PASSWORD}@tcp(h)/`]) {
    const { code, stdout, stderr } = await inProcess(place, ["--config", server, "0", "echo", "ran"], {
      env: NO_SERVER,
    });
    assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
    assert.equal(
      stderr,
      "sera: No config file: the path given looks like a server; to name a server, use --server\n",
    );
  }
});

testInProcess("a folder as config file is 200, with its path and both ways to fix it", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await inProcess(place, ["--config", place.path, "0", "echo", "ran"], {
    env: NO_SERVER,
  });
  assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
  assert.match(stderr, /[Ii]s a directory/);
  assertWaysOn(stderr, place.path);
});

Deno.test("a config file without a server is 200, with both ways to fix it", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ verbose: true }));
  const { code, stdout, stderr } = await place.sera(["--config", path, "0", "echo", "ran"], { env: NO_SERVER });
  assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
  assert.match(stderr, /No server/);
  assertWaysOn(stderr, path);
});

testWith([isRoot ? anotherUser : undefined], "a config file that may not be read is 200, and says so", async () => {
  await using place = await Place.make();
  await Deno.chmod(place.path, 0o755);
  const path = await place.write("sera.json", JSON.stringify({ server: place.server }));
  await Deno.chmod(path, 0o000);
  const words = ["sera", "--config", path, "0", "echo", "ran"];
  const { code, stderr } = await place.run(isRoot ? ["setpriv", ...asNobody(words)] : words, { env: NO_SERVER });
  assert.equal(code, 200);
  assert.ok(stderr.includes(path) && /permission denied/.test(stderr), stderr);
});

const WRONG_VALUES: Record<string, unknown> = {
  server: [1, true, { user: PASSWORD }, [PASSWORD]],
  verbose: ["true", "loud", 1, "", {}],
  syslog: ["true", "log", 1, ""],
  "log-format": ["xml", true, ""],
  "tls-ca": [true, ""],
};

for (const [key, values] of Object.entries(WRONG_VALUES)) {
  testInProcess(`invalid values of ${key} in the config file are 200`, async () => {
    await using place = await Place.make();
    for (const value of values as unknown[]) {
      const path = await place.write("sera.json", JSON.stringify({ server: place.server, [key]: value }));
      const { code, stdout, stderr } = await inProcess(place, ["--config", path, "0", "echo", "ran"], {
        env: NO_SERVER,
      });
      assert.deepEqual({ code, stdout }, { code: 200, stdout: "" }, JSON.stringify(value));
      assert.match(stderr, /^sera: [^\n]+; it takes [^\n]+\n$/);
      assert.ok(stderr.includes(key) && stderr.includes(path) && !stderr.includes(PASSWORD), stderr);
    }
  });
}

function assertWaysOn(stderr: string, path: string): void {
  assert.match(stderr, /^sera: [^\n]+\n$/);
  assert.ok(stderr.includes(path), stderr);
  assert.match(stderr, /"server": "user:password@tcp\(/);
  assert.match(stderr, /--server file:/);
}

for (const parameters of ["", "?tls=skip-verify", "?tls=preferred"]) {
  testInProcess(`tls-ca with a server that checks no certificate, ${parameters || "without tls"}, is 200`, async () => {
    await using place = await Place.make();
    const server = `u:${PASSWORD}@tcp(127.0.0.1:1)/${parameters}`;
    const path = await place.write("sera.json", JSON.stringify({ server, "tls-ca": place.file("ca.pem") }));
    const { code, stderr } = await inProcess(place, ["--config", path, "0", "echo", "ran"], { env: NO_SERVER });
    assert.equal(code, 200);
    assert.match(stderr, /^sera: Cannot use tls-ca in [^\n]* with the server in [^\n]*add tls=true\n$/);
    assert.ok(!stderr.includes(PASSWORD), stderr);
  });
}

testInProcess("a byte order mark before the config file is ignored", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", `\ufeff${JSON.stringify({ server: place.server, ttl: "1s" })}`);
  const { code, stderr } = await inProcess(place, ["--config", path, "0", "true"], { env: NO_SERVER });
  assert.equal(code, 200);
  assert.equal(
    stderr,
    `sera: Cannot use ttl in ${path}: "1s"; it takes seconds, or a duration such as 1m30s, from 3s to 24h\n`,
  );
});

testInProcess("a number that is too large for any program is not shown as null", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", '{"ttl": 1e999}');
  const { code, stderr } = await inProcess(place, ["--config", path, "0", "true"]);
  assert.equal(code, 200);
  assert.match(stderr, /^sera: Cannot use ttl in \S+: Infinity; it takes seconds/);
});
