/** What `sera doctor` tells of leases. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { doctor, read, type Told } from "./doctor_report.ts";
import { type LeaseTarget, type StartedLeases, useLeaseTargets } from "./lease_targets.ts";
import { Together } from "../side_by_side.ts";
import { linux } from "./needs.ts";
import { fixture } from "./place.ts";

const HOLD = fixture("hold.sh");

/** A server that is none of the places'. */
const stranger = forThisFile<MySqlServer>(linux ?? mariaDbUnavailable, () => startMariaDb());

async function told({ place }: StartedLeases, ...flags: string[]): Promise<Told> {
  return read(await place.sera(["doctor", ...flags]));
}

function rows({ query, table }: StartedLeases): Promise<Record<string, unknown>[]> {
  return query(`SELECT name, owner FROM ${table} ORDER BY name`);
}

const together = new Together();

/** Defines a test of leases in a table of its own. */
function testOn(kind: LeaseTarget, name: string, fn: (started: StartedLeases) => Promise<void>): void {
  kind.test(together, name, async () => {
    await using started = await kind.start();
    await fn(started);
  });
}

for (const kind of useLeaseTargets()) {
  testOn(
    kind,
    "the ledger is tried in a session as a lease has it, also where no plain lock is allowed",
    async (started) => {
      const { place } = started;
      for (
        const found of ["there is no table yet; the first run creates it", "it can be read and written; its last run"]
      ) {
        const { code, checks, stdout } = await told(started, "--ledger");
        assert.equal(code, 0, stdout);
        assert.ok(checks.get("ledger")!.startsWith(`pass ${found}`), stdout);
        assert.equal((await place.sera(["--ledger", "--name", "job", "0", "true"])).code, 0);
      }
    },
  );

  testOn(kind, "a lease is tried from end to end, and what is there stays as it was", async (started) => {
    const { place } = started;
    // The first one makes the table.
    for (let time = 0; time < 3; time++) {
      const { code, checks, stdout } = await told(started);
      assert.equal(code, 0, stdout);
      assert.match(
        checks.get("lease")!,
        /^pass test lease claimed in \S+, second owner refused, renewed, released; its token grows$/,
      );
      assert.match(checks.get("clock")!, /^pass the clocks? of the server and of this machine agree within 1s$/);
      assert.match(checks.get("plain-locks")!, /^pass /);
      const isMySql = "socket" in kind.view.server;
      if (isMySql) assert.equal(checks.get("privileges"), "pass leases need only those on their table");
      assert.equal(checks.has("lock"), kind.hasSessionLocks);
      assert.match(
        checks.get("topology")!,
        kind.hasSessionLocks ? /^pass (?!.*leases)/ : /^pass .*: there leases count/,
      );
    }
    assert.deepEqual(await rows(started), []);
    await place.sera(["--name", "job", "0", "true"]);
    const before = await rows(started);
    await told(started);
    assert.deepEqual(await rows(started), before);
  });

  testOn(kind, "a table that does not do is a failure, with what to do", async (started) => {
    const { query, table } = started;
    await query(`CREATE TABLE ${table} (a integer)`);
    const { code, checks } = await told(started);
    assert.equal(code, 202);
    assert.match(
      checks.get("lease")!,
      /^fail Cannot use the leases in \S*leases_\d+: .*; define it as in sera doctor --lease/,
    );
    assert.match(checks.get("plain-locks")!, /^skip /);
  });

  testOn(kind, "settings by which a server forgets are told with what follows", async (started) => {
    const { checks } = await told(started);
    // The servers of the tests are set so.
    assert.match(
      checks.get("durability")!,
      /^warn a crash of \S+( \S+)* may forget who holds a lease \((\w+=\w+)\); set \w+ ?= ?\w+$/,
    );
  });

  if (/MariaDB|Galera/.test(kind.name)) plainLocks(kind);
  if (kind.name === "MariaDB") testReducedRights(kind);
  if (kind.name === "MariaDB") otherSessions(kind);
  if (kind.name === "Galera") clocks(kind);
}

function plainLocks(kind: LeaseTarget): void {
  testOn(kind, "a holder without a lease is reported where others use leases", async (started) => {
    const { place } = started;
    await place.sera(["--name", "job", "0", "true"]);
    const plain = { SERA_LEASE: "false", SERA_LEASE_TABLE: undefined };
    await using holder = place.startSera(["--allow-unsafe-server", "--name", "job", "0", HOLD], {
      env: plain,
      stdin: "open",
    });
    await holder.says("ready");
    const { code, checks } = await told(started);
    assert.equal(code, 0);
    const why = kind.hasSessionLocks
      ? "only while its connection lasts"
      : "it excludes nobody here, so two may run at once";
    assert.match(
      checks.get("plain-locks")!,
      new RegExp(
        `^warn ${lockName("job").slice(0, 12)}, which others .* by \\S+:${holder.pid} .*${why}; set "lease": true on`,
      ),
    );
    await holder.closeStdin();
    await holder.ended;
    assert.match((await told(started)).checks.get("plain-locks")!, /^pass /);
  });
}

function otherSessions(kind: LeaseTarget): void {
  testOn(kind, "servers that keep leases of their own each are told", async (started) => {
    const { port } = stranger();
    const both = started.place.server.replace(/tcp\((\S+?)\)/, `tcp($1,127.0.0.1:${port})`);
    const { code, checks } = await told(started, "--server", both);
    assert.equal(code, 0);
    assert.match(
      checks.get("lease")!,
      new RegExp(
        `^warn .*; but it was not seen on MySQL at tcp\\(127.0.0.1:${port}\\), .*; name servers that replicate`,
      ),
    );
  });
}

function testReducedRights(kind: LeaseTarget): void {
  testOn(kind, "without the right to delete doctor leaves a single shared row", async (started) => {
    const { query, table, place } = started;
    await place.sera(["--name", "job", "0", "true"]);
    const few = table.replace("sera.leases", "few");
    await query(`CREATE USER ${few}@'127.0.0.1' IDENTIFIED BY 'secret'`);
    try {
      await query(`GRANT SELECT, INSERT, UPDATE ON ${table} TO ${few}@'127.0.0.1'`);
      const flags = ["--lease", "--lease-table", table, "--server", place.server.replace(/^[^@]+/, `${few}:secret`)];
      for (let time = 0; time < 2; time++) {
        const { checks, stdout } = await doctor(flags);
        assert.match(checks.get("lease") ?? stdout, /^pass /);
      }
      assert.deepEqual(
        (await rows(started)).map(({ name }) => name).sort(),
        ["job", "sera doctor"].map(lockName).sort(),
      );
      // Without the right to insert there is an error, although the row exists.
      await query(`REVOKE INSERT ON ${table} FROM ${few}@'127.0.0.1'`);
      const { checks } = await doctor(flags);
      assert.match(
        checks.get("lease")!,
        /^fail Cannot use the leases in .*INSERT command denied.*; grant the user SELECT/,
      );
    } finally {
      await query(`DROP USER ${few}@'127.0.0.1'`);
    }
  });
}

function clocks(kind: LeaseTarget): void {
  testOn(kind, "the clocks of all servers of the setting are compared", async (started) => {
    const port = (server: string) => /tcp\((\S+)\)/.exec(server)![1]!;
    const [server, other] = [started.place.server, started.other.server];
    const both = server.replace(port(server), `${port(server)},${port(other)}`);
    const { checks } = await told(started, "--server", both);
    assert.match(checks.get("lease")!, /^pass .*; its token grows$/);
    assert.match(checks.get("clock")!, /^pass the clocks of 2 servers and of this machine agree within 1s$/);
    const gone = server.replace(port(server), `${port(server)},127.0.0.1:1`);
    const { checks: then } = await told(started, "--server", gone);
    assert.match(
      then.get("clock")!,
      /^warn .* agree within 1s \(not asked: .*127\.0\.0\.1:1.*\); check the address, and /,
    );
  });
}
