import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

/** Each says where the lock lives, in every way that Go's flags have. */
const FORMS: ((server: string) => string[])[] = [
  (server) => ["--server", server],
  (server) => ["-server", server],
  (server) => [`--server=${server}`],
  (server) => [`-server=${server}`],
  (server) => ["--server", "file:/dev/null/x", "-server", server],
  (server) => ["--server", server, "--"],
];

for (const form of FORMS) {
  Deno.test(`a value is read from: ${form("SERVER").join(" ")}`, async () => {
    await using place = await Place.make();
    const args = [...form(place.server), "0", "echo", "ran"];
    const ended = await place.sera(args, { env: { SERA_SERVER: undefined } });
    assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
    assert.equal([...Deno.readDirSync(place.locks)].length, 1);
  });
}

const TRUE = [
  "--verbose",
  "-verbose",
  "--verbose=true",
  "-verbose=1",
  "--verbose=T",
  "--verbose=t",
  "--verbose=TRUE",
  "--verbose=True",
];
const FALSE = ["--verbose=false", "-verbose=0", "--verbose=F", "--verbose=f", "--verbose=FALSE", "--verbose=False"];

Deno.test("a boolean flag is on in all of Go's spellings", async () => {
  await using place = await Place.make();
  for (const flag of TRUE) assert.match((await place.sera([flag, "0", "true"])).stdout, /Lock acquired/, flag);
});

Deno.test("a boolean flag is off in all of Go's spellings", async () => {
  await using place = await Place.make();
  const env = { SERA_VERBOSE: "true" };
  for (const flag of FALSE) assert.equal((await place.sera([flag, "0", "true"], { env })).stdout, "", flag);
});

Deno.test("a boolean flag does not take the next word", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.sera(["--wait-and-skip", "0", "echo", "ran"]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
  assert.equal((await place.sera(["--verbose", "true", "0", "echo", "ran"])).code, 201);
});

Deno.test("flags end at the first operand: the rest belongs to the command", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.sera([
    "0",
    "echo",
    "--name",
    "x",
    "--verbose",
    "--help",
    "-h",
    "--",
    "--version",
  ]);
  assert.deepEqual({ code, stdout, stderr }, {
    code: 0,
    stdout: "--name x --verbose --help -h -- --version\n",
    stderr: "",
  });
});

Deno.test("flags end at the first --; a second one belongs to the command", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.sera(["--wait-and-skip", "--", "5", "echo", "--", "a"]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "-- a\n" });
});

const WRONG: Record<string, { args: string[]; says: RegExp }> = {
  "an unknown flag": { args: ["--nmae", "x", "0", "true"], says: /Unknown flag: --nmae;/ },
  "an unknown flag with one dash": { args: ["-x", "0", "true"], says: /Unknown flag: -x/ },
  "a negative wait, which looks like a flag": { args: ["-5", "true"], says: /Unknown flag: -5/ },
  "three dashes": { args: ["---name", "x", "0", "true"], says: /---name/ },
  "dashes without a name": { args: ["--=x", "0", "true"], says: /--=x/ },
  "a flag that lacks its value": { args: ["--name"], says: /needs a value: --name/ },
  "a server that is no value": { args: ["-server"], says: /needs a value: -server/ },
  "an empty name": { args: ["--name=", "0", "true"], says: /--name/ },
  "a value that is not a boolean": {
    args: ["--wait-and-skip=yes", "0", "true"],
    says: /--wait-and-skip: yes; it takes true or false/,
  },
  "a place that verbose does not know": {
    args: ["--verbose=loud", "0", "true"],
    says: /loud; it takes .*stdout or stderr/,
  },
  "a syslog socket that is no path": { args: ["--syslog=log", "0", "true"], says: /log; it takes .*path/ },
  "an unknown format": { args: ["--log-format=xml", "0", "true"], says: /xml; it takes text or json/ },
  "a wait and no command": { args: ["5"], says: /No command after the wait: 5/ },
};

for (const [what, { args, says }] of Object.entries(WRONG)) {
  testInProcess(`${what} is 201`, async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await inProcess(place, args);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    assert.match(stderr, /^sera: [^\n]+\n$/);
    assert.match(stderr, says);
  });
}
