/** `sera status` on PostgreSQL, where others take part and much is hidden from a plain role. */

import assert from "node:assert/strict";
import pg from "pg";
import { namespacedName } from "../../lib/lock/namespaced_name.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { markOf } from "../../lib/backends/sql/mark.ts";
import { POSTGRESQL } from "../../lib/backends/sql/quoting.ts";
import { keySql } from "../backends/postgres/key_sql.ts";
import { fixture, Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";
import { until } from "./wait.ts";

const postgres = new SharedPostgres();
const HOLD = fixture("hold.sh");
const HOST = Deno.hostname();

interface View {
  readonly lock: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly held: boolean;
  readonly holder: Record<string, unknown> | null;
  readonly waiters: readonly Record<string, unknown>[];
}

async function locksOf(place: Place, ...args: string[]): Promise<readonly View[]> {
  const { stdout, stderr } = await place.sera(["status", "--json", ...args]);
  assert.equal(stderr, "");
  return JSON.parse(stdout).locks;
}

/** A session of another program, by default of the plain role. Dispose of it. */
async function connect(user = postgres.server.user, application_name = "psql") {
  const { host, port, password, database } = postgres.server;
  const client = new pg.Client({ host, port, user, password, database, application_name, ssl: false });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

/** Does something while another role is there, whose password is the plain role's. */
async function withRole(role: string, action: () => Promise<void>): Promise<void> {
  const { server } = postgres;
  await server.query(`CREATE ROLE ${role} LOGIN PASSWORD '${server.password}'; GRANT ${role} TO postgres`);
  try {
    await action();
  } finally {
    await server.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
}

postgres.test("another program that has the lock, or waits for it, is shown by role, address and name", async () => {
  await using place = await Place.make(postgres.server.url());
  await using psql = await connect();
  await using other = await connect(undefined, "");
  const ask = `SELECT pg_advisory_lock(${keySql(lockName("foreign")).args})`;
  await psql.client.query(ask);
  const waiting = other.client.query(ask);
  const [seen] = await until("somebody waits", async () => {
    const views = await locksOf(place, "--name", "foreign");
    return views[0]!.waiters.length > 0 ? views : undefined;
  });
  const { holder, waiters } = seen!;
  const { host, pid, label, user, address, since_is } = holder!;
  assert.deepEqual({ host, pid, label, user, address, since_is }, {
    host: null,
    pid: null,
    label: "psql",
    user: "sera",
    address: "127.0.0.1",
    since_is: "connected",
  });
  assert.deepEqual(waiters.map(({ label, user, since_is }) => ({ label, user, since_is })), [
    { label: null, user: "sera", since_is: "waiting" },
  ]);
  // It is none of sera's as long as no sera wants it.
  assert.deepEqual(await locksOf(place), []);
  await psql.client.query(`SELECT pg_advisory_unlock_all()`);
  await waiting;

  await using sera = place.startSera(["--name", "foreign", "180", "true"]);
  const [view] = await until("sera waits", async () => {
    const views = await locksOf(place);
    return views.length > 0 ? views : undefined;
  });
  assert.deepEqual({ lock: view!.lock, held: view!.held, waiters: view!.waiters.map(({ pid }) => pid) }, {
    lock: lockName("foreign"),
    held: true,
    waiters: [sera.pid],
  });
});

postgres.test("a session waits for the lock only if its last request for it was not granted", async () => {
  await using place = await Place.make(postgres.server.url());
  const lock = lockName("asked");
  const mark = (pid: number) => markOf({ lock, host: "web1", pid, label: "made up" }).textFor(POSTGRESQL);
  const ask = `SELECT pg_try_advisory_lock(${keySql(lock).args})`;
  await using holder = await connect();
  await using waiter = await connect();
  await using looker = await connect();
  await holder.client.query(ask + mark(1));
  await waiter.client.query(ask + mark(2));
  await looker.client.query(`SELECT 1${mark(3)}`);
  for (const [view] of [await locksOf(place, "--name", "asked"), await locksOf(place)]) {
    assert.deepEqual([view!.holder!.pid, view!.waiters.map(({ pid }) => pid)], [1, [2]]);
  }
});

postgres.test("a pair of keys, as heimdall uses it, differs from a single key", async () => {
  await using place = await Place.make(postgres.server.url());
  const name = namespacedName("jobs", "n");
  await using heimdall = await connect(undefined, "");
  await heimdall.client.query(`SELECT pg_advisory_lock(${name})`);
  assert.deepEqual((await locksOf(place, "--namespace", "jobs", "--name", "n")).map(({ lock, held }) => [lock, held]), [
    [name, true],
  ]);
  assert.equal((await locksOf(place, "--name", "n"))[0]!.held, false);
  await heimdall.client.query(`SELECT pg_advisory_unlock_all()`);
  await using sera = place.startSera(["heimdall", "--database", postgres.server.url(), "--timeout=0", HOLD], {
    stdin: "open",
  });
  await sera.says("ready");
  const [view] = await locksOf(place);
  assert.deepEqual([view!.lock, view!.holder!.pid], [namespacedName("heimdall", "heimdall"), sera.pid]);
});

postgres.test("a namespace's locks are shown by their names, and alone if requested", async () => {
  await using place = await Place.make(postgres.server.url());
  const jobs = ["--namespace", "jobs", "--name", "nightly report"];
  await using holder = place.startSera([...jobs, "0", HOLD], { stdin: "open" });
  await using other = place.startSera(["--namespace", "other", "--name", "nightly report", "0", HOLD], {
    stdin: "open",
  });
  await using unnamed = place.startSera(["--namespace", "jobs", "0", HOLD, "hunter2marker"], { stdin: "open" });
  await using plain = place.startSera(["--name", "plain", "0", HOLD], { stdin: "open" });
  for (const running of [holder, other, unnamed, plain]) await running.says("ready");
  await using heimdall = await connect(undefined, "");
  await heimdall.client.query(`SELECT pg_advisory_lock(${namespacedName("jobs", "theirs")})`);

  const named = (views: readonly View[]) =>
    views.map(({ namespace, name, holder }) => [namespace, name, holder!.label]).sort();
  assert.deepEqual(named(await locksOf(place, "--namespace", "jobs")), [
    ["jobs", null, null],
    ["jobs", null, HOLD],
    ["jobs", "nightly report", "nightly report"],
  ]);
  assert.deepEqual(named(await locksOf(place)), [
    [null, null, "plain"],
    ["jobs", null, HOLD],
    ["jobs", "nightly report", "nightly report"],
    ["other", "nightly report", "nightly report"],
  ]);
  const text = (await place.sera(["status"])).stdout;
  assert.match(text, new RegExp(`^jobs/nightly report +held +${HOST} +${holder.pid} +nightly report `, "m"));
  assert.doesNotMatch(text, /hunter2marker/);
  const ids = async (...args: string[]) => (await locksOf(place, ...args)).map(({ holder }) => holder!.pid).sort();
  assert.deepEqual(await ids("--lock", "jobs/n"), [holder.pid]);
  assert.deepEqual(await ids("--lock", namespacedName("other", "nightly report")), [other.pid]);
  assert.deepEqual(await ids("--lock", lockName("plain").slice(0, 5)), [plain.pid]);
  assert.deepEqual(await ids(...jobs), [holder.pid]);
  // The name of one of them is unknown.
  assert.equal((await place.sera(["status", "--lock", "jobs/x"])).code, 202);
  const none = await place.sera(["status", "--lock", "other/x"]);
  assert.deepEqual(none, { code: 1, stdout: "Free: nobody holds a lock that begins with other/x.\n", stderr: "" });
  const empty = await place.sera(["status", "--namespace", "none"]);
  assert.deepEqual(empty, { code: 0, stdout: "No locks are held in the namespace none.\n", stderr: "" });
});

postgres.test("status says what is hidden of other roles' sessions, and of which", async () => {
  await withRole("another", async () => {
    await using place = await Place.make(postgres.server.url());
    await using holder = place.startSera(["--name", "hidden", "0", HOLD], { stdin: "open" });
    await holder.says("ready");
    const theirs = postgres.server.url().replace("sera:", "another:");
    await using waiter = place.startSera(["--server", theirs, "--name", "hidden", "180", "true"]);
    const { reason, other_sessions } = await until("somebody waits", async () => {
      const seen = JSON.parse((await place.sera(["status", "--json"])).stdout);
      return seen.complete ? undefined : seen;
    });
    assert.match(reason, /other roles' sessions wait for is hidden from this role; ask [^;]*, or grant this role/);
    assert.deepEqual(other_sessions.map(({ pid, user }: Record<string, unknown>) => [pid, user]), [
      [waiter.pid, "another"],
    ]);
    const one = await place.sera(["status", "--json", "--name", "hidden"]);
    const ofOne = JSON.parse(one.stdout);
    assert.deepEqual([one.code, ofOne.complete, ofOne.locks[0].held], [0, false, true]);
    assert.match(ofOne.reason, /^which lock other roles' sessions wait for is hidden from this role; grant this role/);
    assert.deepEqual(ofOne.other_sessions, other_sessions);
    const free = await place.sera(["status", "--json", "--name", "nobody's"]);
    assert.deepEqual([free.code, JSON.parse(free.stdout).locks[0].held], [1, false]);
    await holder.closeStdin();
    await waiter.ended;
    await using psql = await connect("another");
    await psql.client.query("SELECT pg_advisory_lock(1)");
    const all = await place.sera(["status"]);
    assert.match(
      all.stderr,
      /^sera: The list is incomplete: one advisory lock of other roles' sessions is missing[^\n]*\n$/,
    );
  });
});

postgres.test("another role's sera is shown by its application name, and the ledger adds the rest", async () => {
  const { server } = postgres;
  await withRole("another", async () => {
    await using place = await Place.make(server.url());
    const theirs = server.url().replace("sera:", "another:");
    const args = ["--label", "nightly", "--name", "theirs"];
    await using holder = place.startSera(["--server", theirs, ...args, "0", HOLD], { stdin: "open" });
    await holder.says("ready");
    for (const view of [...await locksOf(place, "--name", "theirs"), ...await locksOf(place)]) {
      const { host, pid, label, user, since, address } = view.holder!;
      assert.ok(lockName("theirs").startsWith(view.lock) && view.lock.length >= 16, view.lock);
      assert.deepEqual({ host, pid, label, user, since, address }, {
        host: HOST.slice(0, 30),
        pid: holder.pid,
        label: "nightly",
        user: "another",
        since: null,
        address: null,
      });
    }
    await holder.closeStdin();
    await holder.ended;

    await server.query("CREATE SCHEMA ops AUTHORIZATION another; GRANT USAGE ON SCHEMA ops TO sera");
    const table = ["--ledger-table", "ops.sera_runs"];
    await using recorded = place.startSera(["--server", theirs, "--ledger", ...table, ...args, "0", HOLD], {
      stdin: "open",
    });
    await recorded.says("ready");
    assert.equal((await locksOf(place, ...table))[0]!.holder!.run_id, null);
    await server.query("GRANT SELECT ON ops.sera_runs TO sera");
    const [view] = await locksOf(place, ...table);
    assert.equal(view!.lock, lockName("theirs"));
    assert.deepEqual([view!.holder!.run_id, view!.holder!.since_is, view!.holder!.pid], [1, "acquired", recorded.pid]);
    await recorded.closeStdin();
    await recorded.ended;
  });
});

postgres.test("without access to the view of sessions, held and free locks are still told apart", async () => {
  const { server } = postgres;
  await using place = await Place.make(server.url());
  await using holder = place.startSera(["--name", "n", "0", HOLD], { stdin: "open" });
  await holder.says("ready");
  await server.query("REVOKE SELECT ON pg_stat_activity FROM PUBLIC");
  try {
    const [view] = await locksOf(place, "--name", "n");
    assert.deepEqual([view!.held, view!.holder!.host], [true, null]);
    assert.equal((await locksOf(place, "--name", "other"))[0]!.held, false);
    const all = await place.sera(["status"]);
    assert.equal(all.stdout, "No locks can be seen; the list is incomplete.\n");
    assert.match(all.stderr, /^sera: The list is incomplete: the server hides pg_stat_activity [^\n]*\n$/);
  } finally {
    await server.query("GRANT SELECT ON pg_stat_activity TO PUBLIC");
  }
});

postgres.test("a lock in another database is a different lock", async () => {
  const { server } = postgres;
  await using place = await Place.make(server.url());
  await using holder = place.startSera(["--name", "n", "0", HOLD, "--server", "x"], {
    stdin: "open",
    env: { SERA_SERVER: server.url().replace(/sera$/, "postgres") },
  });
  await holder.says("ready");
  assert.equal((await locksOf(place, "--name", "n"))[0]!.held, false);
  assert.deepEqual(await locksOf(place), []);
});

postgres.test("a session's own data is never executed as SQL, and cannot control the terminal", async () => {
  await using place = await Place.make(postgres.server.url());
  await using hostile = await connect(undefined, "sera web1:4711 \u202e*/ '");
  const lock = lockName("hostile");
  const mark = JSON.stringify({
    lock: "0); DROP TABLE x; --",
    host: "\x1b[31m",
    pid: 1,
    label: "\x9b\n'",
    since: 1e300,
  });
  const other = JSON.stringify({ lock: `${lock.slice(0, 16)}x`, host: "h", pid: 1, label: "l" });
  for (const json of [mark, other]) {
    await hostile.client.query(`SELECT pg_try_advisory_lock(${keySql(lock).args}) /* sera ${json} */`);
    for (const args of [["--name", "hostile"], []]) {
      const { code, stdout, stderr } = await place.sera(["status", ...args]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, new RegExp(`^${lock.slice(0, 12)} +held `, "m"));
      assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
    }
  }
});

postgres.test("a wrong password is 202, and not shown", async () => {
  await using place = await Place.make(postgres.server.url().replace("secret", "hunter2marker"));
  for (const args of [[], ["--json"], ["--name", "n"]]) {
    const { code, stdout, stderr } = await place.sera(["status", ...args]);
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
    assert.match(stderr, /^sera: [^\n]*check user and password[^\n]*\n$/);
    assert.doesNotMatch(stderr, /hunter2marker/);
  }
});

postgres.test("a lock that --lock cannot identify by its numbers is not reported free", async () => {
  await withRole("another", async () => {
    await using place = await Place.make(postgres.server.url());
    const theirs = postgres.server.url().replace("sera:", "another:");
    const lock = ["--namespace", "a/b", "--name", "c d"];
    await using holder = place.startSera(["--server", theirs, ...lock, "--label", "x", "0", HOLD], { stdin: "open" });
    await holder.says("ready");
    const codeOf = async (...args: string[]) => (await place.sera(["status", ...args])).code;
    for (const prefix of ["a/b", "a/b/", "a/b/c d"]) assert.equal(await codeOf("--lock", prefix), 0, prefix);
    const unknown = await place.sera(["status", "--lock", "a/b/c"]);
    assert.equal(unknown.code, 202);
    assert.match(unknown.stderr, /^sera: Cannot tell whether the lock is held: [^\n]+; ask for one lock by [^\n]+\n$/);
    assert.equal(await codeOf("--lock", "0123456789ab"), 202);
    // The holder is told.
    const own = await place.sera(["status", "--server", theirs, "--lock", "zzz"]);
    assert.deepEqual([own.code, own.stdout], [1, "Free: nobody holds a lock that begins with zzz.\n"]);
    assert.equal(await codeOf("--server", theirs, "--namespace", "a/b", "--lock", "c"), 0);
  });
});
