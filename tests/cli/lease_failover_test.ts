/** Another server takes the place of the one that a lease was taken on, and the command does not notice. */
// Starts early: leases have to be renewed in it.

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { Proxy } from "../servers/proxy.ts";
import { startPrimary, startReplica } from "../servers/replica.ts";
import { linux, type Need } from "./needs.ts";
import { Together } from "../side_by_side.ts";
import { Place } from "./place.ts";
import { until } from "./wait.ts";

/** A server that takes over has 48 s, on a machine of any speed. */
const FLAGS = ["--verbose", "--lease", "--ttl", "60s", "--grace", "1s", "--name", "n", "0"];

const COMMAND = ["sh", "-c", 'echo "ready $SERA_TOKEN"; read -r _; exit 7'];

/** Two servers, the second of which can take the place of the first. */
interface Pair extends AsyncDisposable {
  /** The `server` setting, which names both. */
  readonly setting: string;
  /** Whether the second has all that the first has acknowledged. */
  caughtUp(): Promise<boolean>;
  /** Makes the first one read-only, as before a planned switchover. */
  demote(): Promise<unknown>;
  /** The first one crashes. */
  kill(): Promise<void>;
  /** Lets the second one take writes. */
  promote(): Promise<void>;
  /** The lease's row on the second one. */
  row(): Promise<Record<string, unknown> | undefined>;
}

const SELECT = `SELECT owner, fence, beat FROM sera_leases WHERE name = '${lockName("n")}'`;

async function mariaDbPair(): Promise<Pair> {
  const primary = await startPrimary();
  const replica = await startReplica(primary, { extraArgs: ["--read-only=1", "--log-bin"] });
  const position = "SELECT @@gtid_binlog_pos AS position";
  return {
    setting: `sera:secret@tcp(127.0.0.1:${primary.port},127.0.0.1:${replica.port})/sera?timeout=5s`,
    async caughtUp() {
      const [there] = await primary.query(position);
      const [here] = await replica.query("SELECT @@gtid_slave_pos AS position");
      return there?.position === here?.position;
    },
    demote: () => primary.query("SET GLOBAL read_only = 1"),
    kill: () => primary.kill(),
    async promote() {
      await replica.query("STOP SLAVE");
      await replica.query("RESET SLAVE ALL");
      await replica.query("SET GLOBAL read_only = 0");
    },
    row: async () => (await replica.query(SELECT.replace("sera_leases", "sera.sera_leases")))[0],
    async [Symbol.asyncDispose]() {
      await replica.stop();
      await primary.stop();
    },
  };
}

async function postgresPair(): Promise<Pair> {
  const primary = await startSystemPostgres();
  const standby = await startStandby(primary);
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
  return {
    setting: `postgres://sera:secret@${hosts}/sera?target_session_attrs=read-write`,
    async caughtUp() {
      const [there] = await primary.query("SELECT pg_current_wal_lsn()::text AS position");
      const [here] = await standby.query(`SELECT pg_last_wal_replay_lsn() >= '${there!.position}'::pg_lsn AS done`);
      return here!.done === true;
    },
    async demote() {
      await primary.query("ALTER SYSTEM SET default_transaction_read_only = on");
      await primary.reload();
    },
    kill: () => primary.kill(),
    promote: () => standby.promote(),
    row: async () => (await standby.query(SELECT, "sera"))[0],
    async [Symbol.asyncDispose]() {
      await standby.stop();
      await primary.stop();
    },
  };
}

const PAIRS = [
  ["MariaDB", linux ?? mariaDbUnavailable, mariaDbPair],
  ["PostgreSQL", linux ?? systemPostgresUnavailable, postgresPair],
] as const;

const together = new Together();

/** Defines a case: each has servers of its own, for which it waits most of the time. */
function test(need: Need, what: string, fn: () => Promise<void>): void {
  const name = "a holder goes on over the server that takes over";
  if (need === undefined) together.test(what, name, fn);
  else console.log(`left out: ${name}: ${what}: ${need}`);
}

for (const [name, need, start] of PAIRS) {
  for (const how of ["is demoted", "crashes"] as const) {
    test(
      need,
      `${name}, when the first one ${how}`,
      async () => {
        await using pair = await start();
        await using place = await Place.make(pair.setting);
        await using holder = place.startSera([...FLAGS, ...COMMAND], { stdin: "open" });
        await holder.says("ready 1");
        if (how === "is demoted") await pair.demote();
        // Without that the lease may be forgotten, as documented.
        await until("the second server has it", () => pair.caughtUp());
        const before = (await pair.row())!;
        if (how === "crashes") await pair.kill();
        await pair.promote();
        await until("it is renewed there", async () => Number((await pair.row())?.beat) > Number(before.beat));
        const busy = await place.sera(["--lease", "--name", "n", "0", "echo", "ran"]);
        assert.deepEqual(busy, { code: 204, stdout: "", stderr: "" });
        await holder.closeStdin();
        const { code, stdout, stderr } = await holder.ended;
        assert.deepEqual({ code, stderr }, { code: 7, stderr: "" });
        assert.equal([...stdout.matchAll(/Renewing the lease over a new connection to /g)].length, 1, stdout);
        const { owner, fence } = (await pair.row())!;
        assert.deepEqual([owner, Number(fence)], [null, 1]);
        const next = await place.sera(["--lease", "--name", "n", "0", "sh", "-c", "echo $SERA_TOKEN"]);
        assert.deepEqual(next, { code: 0, stdout: "2\n", stderr: "" });
      },
    );
  }
}

test(
  linux ?? systemPostgresUnavailable ?? pgBouncerUnavailable,
  "PgBouncer, when it is started anew",
  async () => {
    await using server = await startSystemPostgres();
    await using first = await startPgBouncer(server, "transaction");
    await using second = await startPgBouncer(server, "transaction");
    await using address = await Proxy.open(first.port);
    await using place = await Place.make(address.instead(first.url()));
    await using holder = place.startSera([...FLAGS, ...COMMAND], { stdin: "open" });
    await holder.says("ready 1");
    const beat = async () => Number((await server.query(SELECT, "sera"))[0]!.beat);
    const before = await beat();
    await first.stop();
    address.target = second.port;
    await until("it is renewed", async () => await beat() > before);
    await holder.closeStdin();
    const { code, stdout, stderr } = await holder.ended;
    assert.deepEqual({ code, stderr }, { code: 7, stderr: "" });
    assert.equal([...stdout.matchAll(/Renewing the lease over a new connection to /g)].length, 1, stdout);
  },
);
