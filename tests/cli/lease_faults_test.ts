/** Tables of leases that cannot be used: one line, the command does not run, and nothing is left behind. */

import assert from "node:assert/strict";
import { DURABLE_BEATS_PER_TTL } from "../../lib/lock/lease.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { mariaDbTarget, postgresTarget, SHORT } from "./lease_targets.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

const together = new Together();

/** A fault, how an administrator causes it, and the message. */
const FAULTS: readonly (readonly [what: string, sql: (table: string) => readonly string[], said: RegExp])[] = [
  [
    "lacks a column",
    (table) => [`ALTER TABLE ${table} DROP COLUMN beat`],
    /define it as in sera doctor --lease --schema/,
  ],
  [
    "is another program's",
    (table) => [`DROP TABLE ${table}`, `CREATE TABLE ${table} (name varchar(200) PRIMARY KEY, price int)`],
    /define it as in sera doctor --lease --schema, or if it belongs to another program, name another one with --lease-table/,
  ],
  [
    "has an impossible token",
    (table) => [`UPDATE ${table} SET fence = -5`],
    /is invalid \(fence -5\); set it to the last SERA_TOKEN that was given: UPDATE /,
  ],
  [
    "has an owner of another form",
    (table) => [`UPDATE ${table} SET owner = 'me'`],
    /is invalid \(owner 'me'\); when its command has ended, free it: UPDATE /,
  ],
  [
    "has a lease that lasts for years",
    (table) => [`UPDATE ${table} SET owner = '${"e".repeat(32)}', ttl_ms = 100000000000`],
    /is invalid \(ttl_ms 100000000000\); when its command has ended, free it: UPDATE /,
  ],
];

for (const target of [mariaDbTarget(), postgresTarget()]) {
  const test = (name: string, fn: () => Promise<void>) => target.test(together, name, fn);
  const flags = ["--name", "n"];

  for (const [what, statements, said] of FAULTS) {
    for (const wait of ["0", "30"]) {
      test(`a table of leases that ${what} ends sera at once, with a wait of ${wait}`, async () => {
        await using started = await target.start();
        const { place } = started;
        // Makes the table, and the row.
        assert.equal((await place.sera([...flags, "0", "true"])).code, 0);
        for (const statement of statements(started.table)) await started.query(statement);
        const { code, stdout, stderr } = await place.sera([...flags, wait, "echo", "ran"]);
        assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, stderr);
        assert.match(stderr, /^sera: [^\n]+\n$/);
        assert.match(stderr, said);
        assert.doesNotMatch(stderr, /secret/);
        // Not even the session's lock.
        const without = { env: { SERA_LEASE: undefined, SERA_LEASE_TABLE: undefined } };
        const locked = await place.sera(["--name", "n", "0", "echo", "ran"], without);
        assert.deepEqual(locked, { code: 0, stdout: "ran\n", stderr: "" });
      });
    }
  }

  test("a table of leases that may not be created is reported, with the missing rights", async () => {
    await using started = await target.start();
    const { place } = started;
    const isMySql = target.name === "MariaDB";
    await started.query(isMySql ? "CREATE DATABASE others" : "CREATE SCHEMA others");
    const table = ["--lease-table", "others.leases"];
    const { code, stdout, stderr } = await place.sera([...flags, ...table, "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: Cannot use the leases in [^\n]+: [^\n]+; [^\n]*grant [^\n]+\n$/i);
    await started.query(isMySql ? "DROP DATABASE others" : "DROP SCHEMA others");
  });

  test("while a holder's table is missing nobody recreates it, and if it comes back the run goes on", async () => {
    await using started = await target.start();
    const { place, table } = started;
    // Long enough not to run out meanwhile on a slow machine.
    const ttl = 30_000;
    const lasting = ["--name", "n", "--ttl", `${ttl}ms`, "--grace", "1s"];
    const run = ["--verbose", ...lasting, "0", "sh", "-c", "echo ready; read -r _; exit 7"];
    await using holder = place.startSera(run, { stdin: "open" });
    await holder.says("ready");
    const { beat } = (await started.row("n"))!;
    await started.query(`ALTER TABLE ${table} RENAME TO ${table}_away`);
    // Until a renewal has failed.
    for (const end = performance.now() + ttl / DURABLE_BEATS_PER_TTL + 1000; performance.now() < end;) {
      assert.equal((await place.sera([...lasting, "500ms", "echo", "ran"])).stdout, "");
    }
    await started.query(`ALTER TABLE ${table}_away RENAME TO ${table}`);
    await until("it is renewed again", async () => (await started.row("n"))?.beat !== beat);
    await holder.closeStdin();
    const { code, stdout, stderr } = await holder.ended;
    assert.deepEqual({ code, stderr }, { code: 7, stderr: "" });
    assert.doesNotMatch(stdout, /new connection/);
  });

  test("a run that the ledger refuses leaves no lease behind", async () => {
    await using started = await target.start();
    const { place } = started;
    await started.query(`CREATE TABLE ${started.ledger.table} (name varchar(200) PRIMARY KEY, price int)`);
    const { code, stdout, stderr } = await place.sera([...flags, "--ledger", "0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: Cannot use the ledger [^\n]+\n$/);
    assert.deepEqual(await started.row("n"), { owner: null, fence: "1", beat: "2" });
  });

  test("a holder whose table disappears says so when the lease is given up, after its command has ended", async () => {
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera([...flags, ...SHORT, "180", "sh", "-c", "echo ready; exec sleep 1000"]);
    await holder.says("ready");
    await started.query(`DROP TABLE ${started.table}`);
    const { code, stderr } = await holder.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: [^\n]*leases_\d+[^\n]* for \d[^\n]*\n/);
    assert.equal((await started.query(`SELECT '${lockName("n")}' AS name`)).length, 1);
  });
}
