/** Variables that users set by mistake, and the sources of settings. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** Variables, and the messages. */
const ODD: Record<string, string> = {
  SERA_NMAE: "Unknown variable: SERA_NMAE; did you mean SERA_NAME?",
  SERA_MINHOLD: "Unknown variable: SERA_MINHOLD; did you mean SERA_MIN_HOLD?",
  sera_ttl: "Unknown variable: sera_ttl; did you mean SERA_TTL?",
  SERA_TIMEOUT: "Unknown variable: SERA_TIMEOUT; no setting of sera has this name",
};

for (const [name, says] of Object.entries(ODD)) {
  testWith([linux], `the variable ${name} is told of when verbose and by doctor, and harmless`, async () => {
    await using place = await Place.make();
    const options = { env: { [name]: "x" } };
    assert.deepEqual(await place.sera(["0", "true"], options), { code: 0, stdout: "", stderr: "" });
    const told = await place.sera(["--verbose", "0", "true"], options);
    assert.equal(told.code, 0);
    assert.ok(told.stdout.split("\n").includes(says), told.stdout);
    const doctor = await place.sera(["doctor"], options);
    assert.equal(doctor.code, 0);
    assert.ok(doctor.stdout.split("\n").includes(`warn  settings     ${says}`), doctor.stdout);
  });
}

testWith([linux], "variables of links, and of a sera around this one, are no settings", async () => {
  await using place = await Place.make();
  const env = {
    SERA_PORT: "tcp://172.17.0.5:5432",
    SERA_PORT_5432_TCP_ADDR: "172.17.0.5",
    SERA_ENV_PGDATA: "/data",
    SERA_DB_PORT_5432_TCP: "tcp://172.17.0.5:5432",
    SERA_DB_SERVICE_PORT_SQL: "5432",
    SERA_SERVICE_HOST: "10.0.0.1",
    SERA_SERVICE_PORT: "80",
  };
  const { code, stdout } = await place.sera(["--verbose", "0", "sera", "--verbose", "1", "true"], { env });
  assert.notEqual(code, 0);
  assert.doesNotMatch(stdout, /Unknown variable/);
  const words = ["sera", "--slots", "1", "0", "sera", "--verbose", "--name", "n", "0", "true"];
  const { code: inner, stdout: said } = await place.run(words, { env });
  assert.equal(inner, 0);
  assert.match(said, /^Settings: server from SERA_SERVER, name from --name, /);
  assert.doesNotMatch(said, /Unknown variable/);
});

testWith([linux], "quotes that a file of variables has kept are told of", async () => {
  await using place = await Place.make();
  const { stdout } = await place.sera(["--verbose", "0", "true"], { env: { SERA_NAME: '"x"' } });
  assert.match(stdout, /^SERA_NAME begins and ends with a quote, which is part of its value; leave the quotes out$/m);
  const refused = await inProcess(place, ["0", "true"], { env: { SERA_TTL: '"30s"' } });
  assert.equal(refused.code, 200);
  assert.match(refused.stderr, /SERA_TTL: "30s"; it takes .*, without quotes, which are part of the value\n$/);
});

testInProcess("a quoted server is reported without its password", async () => {
  await using place = await Place.make();
  for (const server of [`"postgres://u:hunter2@h/d"`, `'u:hunter2@tcp(h)/'`, `"file:"`, `"postgres://u:hunter2@h/d`]) {
    const { code, stderr } = await inProcess(place, ["0", "true"], { env: { SERA_SERVER: server } });
    assert.equal(code, 200);
    assert.equal(
      stderr,
      "sera: Cannot use the server in SERA_SERVER: the quotes around it are part of it; leave them out\n",
    );
  }
});

testInProcess("an empty --server, as from an unset variable, is 201 and does not mean local MySQL", async () => {
  await using place = await Place.make();
  for (const flag of [["--server", ""], ["--server="]]) {
    const { code, stderr } = await inProcess(place, [...flag, "0", "true"]);
    assert.equal(code, 201);
    assert.match(
      stderr,
      /^sera: Cannot use the server in --server: it is empty; check the variable it comes from, [^\n]+\n$/,
    );
  }
});

testInProcess("a SERA_NAME set by a container link is 200, unless --name is given", async () => {
  await using place = await Place.make();
  const says = "Cannot use SERA_NAME: /web/sera looks like what Docker sets for a link to a container named sera";
  const options = { env: { SERA_NAME: "/web/sera" } };
  for (const words of [["0", "echo", "ran"], ["status"], ["history"]]) {
    const { code, stdout, stderr } = await inProcess(place, words, options);
    assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
    assert.match(stderr, /^sera: [^\n]+; unset SERA_NAME, or set --name\n$|would rename the lock/);
    assert.ok(stderr.startsWith(`sera: ${says}`), stderr);
  }
  const doctor = await place.sera(["doctor"], options);
  assert.equal(doctor.code, 200);
  assert.ok(doctor.stdout.includes(`fail  settings     ${says}`), doctor.stdout);
  const meant = await place.sera(["--name", "/web/sera", "0", "echo", "ran"], options);
  assert.deepEqual(meant, { code: 0, stdout: "ran\n", stderr: "" });
  for (const name of ["/web/db", "web/sera", "/opt/web/sera"]) {
    assert.equal((await place.sera(["0", "true"], { env: { SERA_NAME: name } })).code, 0, name);
  }
});

Deno.test("verbose and doctor show where each setting comes from, but no value", async () => {
  await using place = await Place.make();
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, grace: "5s", TTL: 10 }));
  const env = { SERA_SERVER: undefined, SERA_CONFIG: path, SERA_NAME: "hunter2" };
  const sources = (verbose: string) =>
    `config from SERA_CONFIG, server from ${path}, name from SERA_NAME, ttl from ${path}, grace from ${path}, ` +
    `max-run from --max-run, ${verbose}the others by default`;
  const { stdout } = await place.sera(["--verbose", "--max-run", "1h", "0", "true"], { env });
  assert.equal(stdout.split("\n")[0], `Settings: ${sources("verbose from --verbose, ")}.`);
  const doctor = await place.sera(["doctor", "--max-run", "1h"], { env });
  assert.ok(doctor.stdout.includes(`pass  sources      ${sources("")}\n`), doctor.stdout);
  assert.doesNotMatch(stdout + doctor.stdout, /hunter2/);
});

testInProcess("a command beside a name from a variable is refused with the variable's name", async () => {
  await using place = await Place.make();
  const env = { SERA_NAME: "nightly" };
  for (const subcommand of ["status", "history", "unlock"]) {
    const { code, stderr } = await inProcess(place, [subcommand, "--", "echo"], { env });
    assert.deepEqual([code, stderr], [
      201,
      "sera: Cannot choose a lock both by SERA_NAME and by command; leave out the command, or unset SERA_NAME\n",
    ]);
    const prefix = await inProcess(place, [subcommand, "--lock", "5"], { env });
    assert.match(prefix.stderr, /both by --lock and by SERA_NAME; leave out --lock, or unset SERA_NAME$/m);
  }
});
