/** Primaries that are demoted while runs wait for a lock there, or hold one, as in a planned switchover. */
// Starts early: a wait has to run out in it.

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../backends/shared_server.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { fixture, Place } from "./place.ts";
import type { Running } from "./running.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

const KEY = "demoted";

/** Long enough for any machine; the tests end much earlier. */
const WAIT = "120";

/** Makes a server read-only and writable again. */
type Demote<S> = (server: S, isReadOnly: boolean) => Promise<unknown>;

const demoteMySql: Demote<MySqlServer> = (server, isReadOnly) =>
  server.query(`SET GLOBAL read_only = ${isReadOnly ? 1 : 0}`);

/** PostgreSQL has no such switch but for new transactions, which only those are held to who ask for a server to write to. */
const demotePostgres: Demote<PostgresServer> = async (server, isReadOnly) => {
  await server.query(`ALTER SYSTEM SET default_transaction_read_only = ${isReadOnly ? "on" : "off"}`);
  await server.reload();
};

/** A client other than sera that keeps the lock whatever happens to the server. */
async function foreignHolder({ host, port, user, password }: MySqlServer): Promise<AsyncDisposable> {
  const connection = await connectMySql({ host, port, user, password });
  const [rows] = await connection.query(`SELECT GET_LOCK('${lockName(KEY)}', 0) AS got`);
  assert.deepEqual(rows, [{ got: 1 }]);
  return { [Symbol.asyncDispose]: () => connection.end() };
}

async function untilWaiting(server: MySqlServer, count: number): Promise<void> {
  await until(`${count} wait for the lock`, async () => {
    const found = await server.query("SELECT id FROM information_schema.processlist WHERE state = 'User lock'");
    return found.length === count;
  });
}

const READ_ONLY = /the server is read-only, most likely a replica, [^\n]+; name the primary/;
const WAITS_ON = new RegExp(
  `^sera: Cannot lock on [^\n]+: ${READ_ONLY.source}[^\n]+; retrying until the wait is over`,
);

const together = new Together();

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.testTogether(
    together,
    "those who wait take no lock from a server that became read-only, but wait for the primary",
    async (server) => {
      await using place = await Place.make(server.dsn());
      const start = (...flags: string[]) => place.startSera([...flags, "--name", KEY, WAIT, "echo", "ran"]);
      const runs: Running[] = [];
      await using stack = new AsyncDisposableStack();
      try {
        {
          await using _holder = await foreignHolder(server);
          for (const flags of [[], [], ["--wait-and-skip"]]) runs.push(stack.use(start(...flags)));
          await untilWaiting(server, runs.length);
          await demoteMySql(server, true);
        }
        for (const run of runs) await run.says(WAITS_ON);
        assert.deepEqual(runs.map(({ over }) => over), runs.map(() => false));
        // Who comes now has seen no server that would do.
        const late = await place.sera(["--name", KEY, WAIT, "echo", "ran"]);
        assert.deepEqual({ code: late.code, stdout: late.stdout }, { code: 202, stdout: "" });
      } finally {
        await demoteMySql(server, false);
      }
      const ended = await Promise.all(runs.map((run) => run.ended));
      assert.deepEqual(ended.map(({ code }) => code), [0, 0, 0]);
      assert.deepEqual(ended.map(({ stdout }) => stdout), ["ran\n", "ran\n", ""]);
    },
  );

  shared.testTogether(
    together,
    "a waiter whose server stays read-only is 202 when the wait is over, and runs nothing",
    async (server) => {
      await using place = await Place.make(server.dsn());
      try {
        const holder = await foreignHolder(server);
        await using run = place.startSera(["--name", KEY, "10", "echo", "ran"]);
        await untilWaiting(server, 1);
        await demoteMySql(server, true);
        await holder[Symbol.asyncDispose]();
        const { code, stdout, stderr } = await run.ended;
        assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
        assert.match(stderr, WAITS_ON);
        assert.match(
          stderr.trim().split("\n").at(-1)!,
          new RegExp(`^sera: Cannot lock on [^\n]+: ${READ_ONLY.source}`),
        );
      } finally {
        await demoteMySql(server, false);
      }
    },
  );

  shared.testTogether(
    together,
    "a holder loses its lock at the next look when its server becomes read-only",
    async (server) => {
      await using place = await Place.make(server.dsn());
      try {
        const start = (...flags: string[]) =>
          place.startSera([...flags, "--ttl", "6s", "--grace", "1s", "0", fixture("hold.sh")], { stdin: "open" });
        await using run = start("--name", KEY);
        await using unsafe = start("--name", `${KEY}-unsafe`, "--allow-unsafe-server");
        await using warned = start("--name", `${KEY}-warn`, "--on-lost=warn");
        for (const one of [run, unsafe, warned]) await one.says("ready");
        await demoteMySql(server, true);
        const { code, stderr } = await run.ended;
        assert.equal(code, 206);
        assert.match(stderr, new RegExp(`^sera: Lock lost: MySQL at \\S+ has changed: ${READ_ONLY.source}`));
        await warned.says(/Lock lost: MySQL at \S+ has changed: /);
        assert.deepEqual([unsafe.over, warned.over], [false, false]);
        await unsafe.closeStdin();
        assert.equal((await unsafe.ended).code, 0);
      } finally {
        await demoteMySql(server, false);
      }
    },
  );
}

const postgres = sharedPostgres();

postgres.test("with a writable server required, a server that turns read-only makes waiters wait and holders lose the lock", async (server) => {
  const picky = `${server.url()}?target_session_attrs=read-write`;
  await using place = await Place.make(picky);
  const changed =
    /PostgreSQL at \S+ has changed: the session is read-only, and target_session_attrs=read-write asks for/;
  const hold = (key: string, url: string) =>
    place.startSera(["--server", url, "--ttl", "6s", "--grace", "1s", "--name", key, "0", fixture("hold.sh")], {
      stdin: "open",
    });
  await using holder = hold(KEY, server.url());
  await using other = hold(`${KEY}-other`, picky);
  for (const one of [holder, other]) await one.says("ready");
  await using waiter = place.startSera(["--verbose", "--name", KEY, WAIT, "echo", "ran"]);
  await waiter.says(/waiting/i);
  try {
    await demotePostgres(server, true);
    const { code, stderr } = await other.ended;
    assert.equal(code, 206);
    assert.match(stderr, changed);
    // Who takes any server has a lock that keeps everybody out who can get one.
    assert.equal(holder.over, false);
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    await waiter.says(/the session is read-only, [^\n]+; retrying until the wait is over/);
    assert.equal(waiter.over, false);
  } finally {
    await demotePostgres(server, false);
  }
  const { code, stdout } = await waiter.ended;
  assert.equal(code, 0);
  assert.match(stdout, /^ran$/m);
});
