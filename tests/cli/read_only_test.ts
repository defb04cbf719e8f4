/** `sera status` and `sera history` only read: a server that takes no writes, or that follows another one, will do. */

import assert from "node:assert/strict";
import { SharedServer } from "../backends/shared_server.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startPrimary, startReplica } from "../servers/replica.ts";
import { history } from "./ledger_view.ts";
import { linux } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";
import { until } from "./wait.ts";

const HOLD = fixture("hold.sh");
const TABLE = ["--ledger-table", "sera.sera_runs"];
const ELSEWHERE = /the primary's locks cannot be seen there; name the primary$/;

/** That a lock is not called free where it may be held on another server. */
async function assertCannotTell(place: Place, ...args: string[]): Promise<void> {
  const text = await place.sera(["status", "--name", "n", ...args]);
  assert.deepEqual({ code: text.code, stdout: text.stdout }, { code: 202, stdout: "" });
  assert.match(text.stderr, /^sera: Cannot tell whether the lock is held: [^\n]+ name the primary\n$/);
  const json = await place.sera(["status", "--name", "n", "--json", ...args]);
  const { complete, reason, locks } = JSON.parse(json.stdout);
  assert.deepEqual([json.code, complete, locks[0].held], [202, false, null]);
  assert.match(reason, ELSEWHERE);
  const all = await place.sera(["status", ...args]);
  assert.equal(all.code, 0);
  assert.match(all.stderr, /^sera: The list is incomplete: [^\n]+\n$/);
}

const mariaDb = new SharedServer<MySqlServer>("MariaDB", linux ?? mariaDbUnavailable, startPrimary);

for (const variable of ["GLOBAL read_only = 1", "GLOBAL transaction_read_only = 1"]) {
  mariaDb.test(`${variable}: locks and runs are shown, and nothing is created`, async (server) => {
    await using place = await Place.make(server.dsn());
    const name = variable.replaceAll(" ", "-");
    // It would notice with its next renewal, and end.
    const flags = ["--ttl", "10m", "--ledger", ...TABLE, "--name", name];
    await using holder = place.startSera([...flags, "0", HOLD], { stdin: "open" });
    await holder.says("ready");
    await server.query(`SET ${variable.replace("transaction_", "tx_")}`);
    try {
      assert.equal((await place.sera(["status", "--name", name, ...TABLE])).code, 0);
      assert.deepEqual(await place.sera(["status", "--name", "free"]), {
        code: 1,
        stdout: "Free: nobody holds it.\n",
        stderr: "",
      });
      const [run] = await history(place, ...TABLE, "--name", name);
      assert.equal(run!.outcome, "running");
      const none = await place.sera(["history", "--ledger-table", "sera.none"]);
      assert.deepEqual(none, { code: 0, stdout: "No run has been recorded.\n", stderr: "" });
      const { code, stderr } = await place.sera(
        ["--allow-unsafe-server", "--ledger", "--ledger-table", "sera.none", "0", "true"],
      );
      assert.equal(code, 202);
      assert.match(stderr, /^sera: Cannot use the ledger [^\n]*read[- ]only[^\n]*\n$/i);
      assert.doesNotMatch(stderr, /grant/);
    } finally {
      await server.query(`SET ${variable.replace("transaction_", "tx_").replace("1", "0")}`);
    }
    await holder.closeStdin();
    await holder.ended;
  });
}

mariaDb.test("on a replica the primary's runs are shown, and no lock is reported free", async (server) => {
  const replica = await startReplica(server, { extraArgs: ["--read-only=1"] });
  try {
    await using place = await Place.make(replica.dsn());
    await using holder = place.startSera(
      ["--server", server.dsn(), "--ledger", "--ledger-table", "sera.replicated", "--name", "n", "0", HOLD],
      { stdin: "open" },
    );
    await holder.says("ready");
    const table = ["--ledger-table", "sera.replicated"];
    const [run] = await until("the run has come", async () => {
      const runs = await history(place, ...table);
      return runs.length > 0 ? runs : undefined;
    });
    // Its holder's session is the primary's.
    assert.equal(run!.outcome, "running");
    await assertCannotTell(place);
    await replica.query("SET GLOBAL read_only = 0");
    const { code, stdout } = await place.sera(["doctor"]);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^warn +topology +the server accepts writes, but replicates from another one: .*; name the primary/m,
    );
  } finally {
    await replica.stop();
  }
});

const postgres = new SharedPostgres();

postgres.test("a role that may only read, in sessions that are read-only", async () => {
  const { server } = postgres;
  await using place = await Place.make(server.url());
  await using holder = place.startSera(["--ledger", "--name", "n", "0", HOLD], { stdin: "open" });
  await holder.says("ready");
  await server.query(
    `CREATE ROLE reader LOGIN PASSWORD '${server.password}'; ALTER ROLE reader SET default_transaction_read_only = on;
     GRANT SELECT ON sera_runs TO reader; CREATE SCHEMA closed`,
  );
  try {
    for (const more of ["", "?target_session_attrs=read-write"]) {
      const reader = ["--server", server.url().replace("sera:", "reader:") + more];
      assert.equal((await place.sera(["status", "--name", "n", ...reader])).code, 0);
      assert.equal((await place.sera(["status", "--name", "free", ...reader])).code, 1);
      assert.equal((await history(place, ...reader))[0]!.outcome, "running");
      const none = await place.sera(["history", "--ledger-table", "nowhere.sera_runs", ...reader]);
      assert.deepEqual(none, { code: 0, stdout: "No run has been recorded.\n", stderr: "" });
      const closed = await place.sera(["history", "--ledger-table", "closed.sera_runs", ...reader]);
      assert.equal(closed.code, 202);
      assert.match(closed.stderr, /; grant the role SELECT on it, and USAGE on its schema\n$/);
    }
    const server_ = ["--server", server.url().replace("sera:", "reader:")];
    const { code, stderr } = await place.sera(["--ledger", ...server_, "0", "true"]);
    assert.equal(code, 202);
    assert.match(
      stderr,
      /; connect to the primary, or find out what makes it read-only \(default_transaction_read_only\)\n$/,
    );
  } finally {
    await server.query("DROP OWNED BY reader; DROP ROLE reader; DROP SCHEMA closed");
  }
});

postgres.test("on a standby the primary's runs are shown, and no lock is reported free", async () => {
  const { server } = postgres;
  const standby = await startStandby(server);
  try {
    await using place = await Place.make(standby.url());
    const table = ["--ledger-table", "replicated"];
    await using holder = place.startSera(
      ["--server", server.url(), "--ledger", ...table, "--name", "n", "0", HOLD],
      { stdin: "open" },
    );
    await holder.says("ready");
    const [run] = await until("the run has come", async () => {
      const runs = await history(place, ...table);
      return runs.length > 0 ? runs : undefined;
    });
    assert.equal(run!.outcome, "running");
    await assertCannotTell(place);
    // Of several hosts the primary is asked.
    const both = server.url().replace("@", `@${standby.host}:${standby.port},`);
    assert.equal((await place.sera(["status", "--name", "n", "--server", both])).code, 0);
    // Who locks there all the same has locks of its own there.
    assert.equal((await place.sera(["status", "--name", "n", "--allow-unsafe-server"])).code, 1);
  } finally {
    await standby.stop();
  }
});
