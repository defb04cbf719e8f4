/** `sera doctor --lease --schema`: the SQL of the table of leases. Nothing connects: nobody listens at the servers' ports. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

const POSTGRES = "postgres://sera:hunter2@127.0.0.1:1/jobs";
const MYSQL = "sera:hunter2@tcp(127.0.0.1:1)/jobs";

/** That the SQL makes this table, and says what to grant on it. */
function assertTable(text: string, name: string): void {
  for (const part of [`\nCREATE TABLE IF NOT EXISTS ${name} (\n`, `\n-- GRANT SELECT, INSERT, UPDATE ON ${name} TO `]) {
    assert.ok(text.includes(part), text);
  }
}

for (const [title, server, quoted] of [["PostgreSQL", POSTGRES, '"'], ["MySQL", MYSQL, "`"]] as const) {
  testInProcess(`doctor --schema prints the table of leases of ${title} without connecting`, async () => {
    await using place = await Place.make(server);
    const { code, stdout, stderr } = await inProcess(place, ["doctor", "--lease", "--schema"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assertTable(stdout, `${quoted}sera_leases${quoted}`);
    assert.match(stdout, /;\n$/);
    assert.doesNotMatch(stdout, /hunter2/);
    // The same, however lease is turned on.
    assert.equal((await inProcess(place, ["doctor", "--schema"], { env: { SERA_LEASE: "true" } })).stdout, stdout);
    const config = await place.write("sera.json", JSON.stringify({ server, lease: true }));
    const env = { SERA_SERVER: undefined, SERA_CONFIG: config };
    assert.equal((await inProcess(place, ["doctor", "--schema"], { env })).stdout, stdout);

    const named = await inProcess(place, ["doctor", "--lease", "--lease-table", "ops.locks", "--schema"]);
    assertTable(named.stdout, `${quoted}ops${quoted}.${quoted}locks${quoted}`);
    assert.doesNotMatch(named.stdout, /sera_leases/);
  });
}

const WRONG: Record<string, { args: string[]; server?: string; code: number; says: string }> = {
  "without lease": {
    args: ["--schema"],
    code: 201,
    says: "Cannot use --schema: it prints the table of leases, and leases are off; " +
      "write sera doctor --lease --schema, or sera history --schema for the ledger's table",
  },
  "with a lease that is switched off": {
    args: ["--lease=false", "--schema"],
    code: 201,
    says: "Cannot use --schema: it prints the table of leases, and leases are off; " +
      "write sera doctor --lease --schema, or sera history --schema for the ledger's table",
  },
  "with --json": {
    args: ["--lease", "--schema", "--json"],
    code: 201,
    says: "Cannot use --json with --schema: it has no effect there; leave it out",
  },
  "with a value that is none": {
    args: ["--lease", "--schema=perhaps"],
    code: 201,
    says: "Cannot use --schema: perhaps; it takes true or false",
  },
  "with a command": {
    args: ["--lease", "--schema", "echo"],
    code: 201,
    says: "Unexpected word after the flags: echo; usage: sera doctor [--json] [flags]",
  },
  "of files": {
    args: ["--lease", "--schema"],
    server: "file:",
    code: 201,
    says: "Cannot use --lease with the server in SERA_SERVER: a file: server does not support leases; leave it out",
  },
  "without a database": {
    args: ["--lease", "--schema"],
    server: "sera:hunter2@tcp(127.0.0.1:1)/",
    code: 200,
    says: "Cannot keep leases: the server setting names no database for its table; add one after the slash, " +
      "user:password@tcp(host)/DATABASE, or set --lease-table DATABASE.sera_leases",
  },
};

for (const [what, { args, server = POSTGRES, code, says }] of Object.entries(WRONG)) {
  testInProcess(`doctor --schema ${what} is ${code}, and one line`, async () => {
    await using place = await Place.make(server);
    const ended = await inProcess(place, ["doctor", ...args]);
    assert.deepEqual(ended, { code, stdout: "", stderr: `sera: ${says}\n` });
  });
}

Deno.test("doctor --schema=false runs the checks, and reports the lease", async () => {
  await using place = await Place.make(POSTGRES);
  const { code, stdout } = await place.sera(["doctor", "--lease", "--schema=false"]);
  assert.equal(code, 202);
  assert.match(stdout, /^pass {2}settings .*; ttl 30s, lease$/m);
  assert.match(stdout, /^fail {2}connection /m);
  const without = await place.sera(["doctor"]);
  assert.match(without.stdout, /^pass {2}settings .*; ttl 30s$/m);
});
