/** A setting by its other name, and flags that are given twice. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

testWith([linux], "SERA_ONCE_PER is SERA_EVERY, and no unknown variable", async () => {
  await using place = await Place.make();
  const options = { env: { SERA_ONCE_PER: "1h" } };
  assert.deepEqual(await place.sera(["0", "echo", "ran"], options), { code: 0, stdout: "ran\n", stderr: "" });
  const { code, stdout } = await place.sera(["--verbose", "0", "echo", "ran"], options);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^Settings: server from SERA_SERVER, every from SERA_ONCE_PER, [^\n]+\nDone within the last 1h: /,
  );
  assert.doesNotMatch(stdout, /ran|Unknown/);
  const doctor = await place.sera(["doctor"], { env: { SERA_ONCE_PER: "soon" } });
  assert.equal(doctor.code, 200);
  assert.match(doctor.stdout, /^fail {2}settings {5}Cannot use SERA_ONCE_PER: soon; /m);
});

testInProcess("an error with --once-per uses that name", async () => {
  await using place = await Place.make();
  for (const flag of ["--once-per", "-once-per"]) {
    const { code, stderr } = await inProcess(place, [flag, "soon", "0", "true"]);
    assert.equal(code, 201);
    assert.match(stderr, /^sera: Cannot use --once-per: soon; it takes whole seconds, [^\n]+\n$/);
  }
  const off = await inProcess(place, ["--once-per=1h", "--ledger=false", "0", "true"]);
  assert.equal(off.code, 201);
  assert.match(
    off.stderr,
    /^sera: Cannot use --once-per: the ledger is turned off by --ledger=false; [^\n]+ leave --once-per out\n$/,
  );
  const { stderr } = await inProcess(place, ["--every=soon", "0", "true"]);
  assert.match(stderr, /^sera: Cannot use --every: soon; /);
});

testWith([linux], "a misspelled SERA_ONCE_PER is told of", async () => {
  await using place = await Place.make();
  const { stdout } = await place.sera(["--verbose", "0", "true"], { env: { SERA_ONCEPER: "1h" } });
  assert.match(stdout, /^Unknown variable: SERA_ONCEPER; did you mean SERA_ONCE_PER\?$/m);
});

Deno.test("a setting under two names is an error with two values, but not with the same value", async () => {
  await using place = await Place.make();
  const one = { env: { SERA_EVERY: "1h", SERA_ONCE_PER: "1h" } };
  assert.equal((await place.sera(["0", "true"], one)).code, 0);
  assert.equal((await place.sera(["--every", "1h", "--once-per=1h", "0", "true"])).code, 0);
  const two = { env: { SERA_EVERY: "2h", SERA_ONCE_PER: "1h" } };
  const variables = await place.sera(["0", "true"], two);
  assert.deepEqual(variables, {
    code: 200,
    stdout: "",
    stderr:
      "sera: Cannot use SERA_EVERY and SERA_ONCE_PER together: they are the same setting, with two values; remove one\n",
  });
  // A flag wins over both.
  assert.equal((await place.sera(["--every=3h", "0", "true"], two)).code, 0);
  const flags = await place.sera(["--once-per", "1h", "--every", "1ms", "0", "echo", "ran"]);
  assert.deepEqual(flags, {
    code: 201,
    stdout: "",
    stderr:
      "sera: Cannot use --once-per and --every together: they are the same flag, with two values; leave out one of them\n",
  });
});

Deno.test("of a repeated flag the last value counts, which is reported when verbose, and by doctor", async () => {
  await using place = await Place.make();
  const says = "Flag given twice with different values: --label; the last one counts; remove the others";
  const twice = ["--label", "a", "--label", "b"];
  assert.deepEqual(await place.sera([...twice, "0", "true"]), { code: 0, stdout: "", stderr: "" });
  assert.ok((await place.sera(["--verbose", ...twice, "0", "true"])).stdout.split("\n").includes(says));
  const { code, stdout } = await place.sera(["doctor", ...twice]);
  assert.equal(code, 0);
  assert.ok(stdout.split("\n").includes(`warn  settings     ${says}`), stdout);
  const same = await place.sera(["--verbose", "--label", "a", "--label=a", "0", "true"]);
  assert.doesNotMatch(same.stdout, /given twice/);
  const servers = ["--server", "u:hunter2@tcp(127.0.0.1:1)/", "--server", place.server];
  const told = await place.sera(["--verbose", ...servers, "0", "true"]);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /^Flag given twice with different values: --server; /m);
  assert.doesNotMatch(told.stdout, /hunter2/);
});

Deno.test("an empty value is reported as empty", async () => {
  await using place = await Place.make();
  for (const name of ["name", "config", "label", "ttl", "log-format", "syslog"]) {
    const { code, stderr } = await place.sera([`--${name}=`, "0", "true"]);
    assert.equal(code, 201);
    const says = `sera: Cannot use --${name}: it is empty; check the variable it comes from, or leave it out`;
    assert.equal(stderr, `${says}\n`);
  }
});

Deno.test("keep-history with --ledger=false does not advise to add --ledger", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.sera(["--ledger=false", "--keep-history", "3d", "0", "true"]);
  assert.equal(code, 201);
  assert.match(stderr, /: it has no effect, since the ledger is off; leave it out, or remove --ledger=false\n$/);
});

Deno.test("the word help behind a subcommand is 201, and behind -- belongs to the command", async () => {
  await using place = await Place.make();
  for (const name of ["status", "history"]) {
    const { code, stdout, stderr } = await place.sera([name, "help"]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    const cure = `write sera ${name} --help, or sera ${name} -- help for a command of that name`;
    assert.equal(stderr, `sera: Cannot tell whether help is a command or asks for the help text; ${cure}\n`);
    assert.notEqual((await place.sera([name, "--", "help"])).code, 201);
    assert.notEqual((await place.sera([name, "help", "me"])).code, 201);
  }
  const doctor = await place.sera(["doctor", "help"]);
  assert.equal(
    doctor.stderr,
    "sera: Cannot tell whether help is a command or asks for the help text; write sera doctor --help\n",
  );
  const heimdall = await place.sera(["heimdall", "help"]);
  assert.equal(heimdall.code, 1);
  assert.match(
    heimdall.stderr,
    /^sera: Cannot tell whether help is a command or asks for the help text; write sera heimdall --help, or [^\n]+\n$/,
  );
});

testInProcess("a subcommand refuses what it can use once only, and takes the same value twice", async () => {
  await using place = await Place.make();
  const twice: readonly (readonly string[])[] = [
    ["status", "--lock", "a", "--lock", "b"],
    ["unlock", "--yes", "--name", "n", "--slot", "1", "--slot", "2"],
    ["history", "--host", "a", "--host", "b"],
    ["history", "--once", "a", "--once", "b"],
    ["forget", "--yes", "--name", "n", "--once", "a", "--once", "b"],
    ["forget", "--yes", "--name", "n", "--every", "1h", "--every", "2h"],
  ];
  for (const words of twice) {
    const [flag] = words.slice(-2);
    const says = `sera: Cannot use ${flag} twice here, with different values; give one, see sera ${words[0]} --help\n`;
    assert.deepEqual(await inProcess(place, words), { code: 201, stdout: "", stderr: says });
  }
  const same = await inProcess(place, ["status", "--lock", "a", "--lock", "a"]);
  assert.deepEqual([same.code, same.stderr], [1, ""]);
});
