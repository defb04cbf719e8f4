/** Settings without effect: errors as flags; only reported in places that many commands share. */

import assert from "node:assert/strict";
import { environmentName } from "../../lib/settings/table.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

/** Settings and why they have no effect with a file: server, where nothing else is set. */
const IDLE: Record<string, { value: string; why: string }> = {
  "count-failures": { value: "true", why: "neither --once nor --every is set" },
  "keep-history": { value: "1d", why: "the ledger is off" },
  "lease-table": { value: "t", why: "a file: server does not support leases" },
  "tls-ca": { value: "/no/ca.pem", why: "the server is not reached over a network, so there is no TLS" },
};

for (const [name, { value, why }] of Object.entries(IDLE)) {
  testInProcess(`--${name} without the setting that it needs is 201, for doctor too`, async () => {
    await using place = await Place.make();
    const flag = `--${name}=${value}`;
    const { code, stdout, stderr } = await inProcess(place, [flag, "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    const says = `sera: Cannot use --${name}: it has no effect, since ${why}; `;
    assert.ok(stderr.startsWith(says) && /^[^\n]+leave it out\n$/.test(stderr), stderr);
    const doctor = await place.sera(["doctor", flag]);
    assert.deepEqual(doctor, { code: 201, stdout: "", stderr });
  });

  Deno.test(`${environmentName(name)} without the setting that it needs is reported when verbose, and by doctor`, async () => {
    await using place = await Place.make();
    const options = { env: { [environmentName(name)]: value } };
    assert.deepEqual(await place.sera(["0", "echo", "ran"], options), { code: 0, stdout: "ran\n", stderr: "" });
    const says = `${environmentName(name)} has no effect here, since ${why}`;
    const told = await place.sera(["--verbose", "0", "true"], options);
    assert.equal(told.code, 0);
    assert.ok(told.stdout.split("\n").includes(says), told.stdout);
    const doctor = await place.sera(["doctor"], options);
    assert.equal(doctor.code, 0);
    assert.ok(doctor.stdout.split("\n").includes(`pass  settings     ${says}`), doctor.stdout);
  });
}

/** Flags that have what they need, or ask for nothing. */
const FINE: string[][] = [
  ["--count-failures=false"],
  ["--count-failures", "--once", "k"],
  ["--count-failures", "--once-per", "1h"],
  ["--keep-history", "1d", "--ledger"],
  ["--keep-history", "1d", "--record-skips"],
  ["--grace", "1s", "--on-lost", "warn"],
  ["--ttl", "10s"],
  ["--lease=false"],
  // The Go program took it with every run.
  ["--detailed-exit-codes"],
  ["--allow-unsafe-server"],
];

for (const flags of FINE) {
  Deno.test(`${flags.join(" ")} is taken`, async () => {
    await using place = await Place.make();
    const ended = await place.sera([...flags, "0", "echo", "ran"]);
    assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
  });
}

testInProcess("flags that contradict each other are 201", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.sera(["--record-skips", "--ledger=false", "0", "true"]);
  assert.equal(code, 201);
  assert.match(stderr, /^sera: Cannot use --record-skips: it has no effect, since the ledger is off; [^\n]+\n$/);
  const server = ["--server", "postgres://u:p@127.0.0.1:1/d"];
  const leases = await inProcess(place, [...server, "--lease-table", "t", "0", "true"]);
  const idle = "sera: Cannot use --lease-table: it has no effect, since leases are off; ";
  assert.deepEqual([leases.code, leases.stderr], [201, `${idle}add --lease, or leave it out\n`]);
  const off = await inProcess(place, [...server, "--lease=false", "--lease-table", "t", "0", "true"]);
  assert.deepEqual([off.code, off.stderr], [201, `${idle}leave it out, or remove --lease=false\n`]);
  const table = [...server, "--ledger-table", "t", "0", "true"];
  const { code: tableCode, stderr: said } = await inProcess(place, table);
  assert.equal(tableCode, 201);
  assert.match(said, /^sera: Cannot use --ledger-table: it has no effect, since the ledger is off; [^\n]+\n$/);
});

testInProcess("--tls-ca with a PostgreSQL socket of this machine is 201, as TLS is not used there", async () => {
  await using place = await Place.make();
  for (const parameters of ["", "&sslmode=verify-full"]) {
    const server = `postgres:///d?host=${place.path}${parameters}`;
    const { code, stderr } = await inProcess(place, ["--server", server, "--tls-ca", "/no/ca.pem", "0", "true"]);
    assert.equal(code, 201, stderr);
    assert.match(
      stderr,
      /^sera: Cannot use --tls-ca: it has no effect, since the server is not reached over a network/,
    );
  }
});

testInProcess("--tls-ca with a server setting that verifies no certificate is 200", async () => {
  await using place = await Place.make();
  const flags = ["--server", "u:p@tcp(127.0.0.1:1)/", "--tls-ca", "/no/ca.pem"];
  const { code, stderr } = await inProcess(place, [...flags, "0", "true"]);
  assert.equal(code, 200);
  assert.match(
    stderr,
    /^sera: Cannot use --tls-ca with the server in --server: its TLS setting verifies no certificate; add tls=true\n$/,
  );
});

Deno.test("--detailed-exit-codes where nothing can be skipped is reported when verbose", async () => {
  await using place = await Place.make();
  const idle = /^--detailed-exit-codes has no effect here, since nothing is skipped without /m;
  assert.match((await place.sera(["--verbose", "--detailed-exit-codes", "0", "true"])).stdout, idle);
  const skips = ["--verbose", "--detailed-exit-codes", "--wait-and-skip", "0", "true"];
  assert.doesNotMatch((await place.sera(skips)).stdout, idle);
});
