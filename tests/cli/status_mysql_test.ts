/** `sera status` on servers of the MySQL family, which differ in what they show of an idle session. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { lockName } from "../../lib/lock/lock_name.ts";
import { SharedServer } from "../backends/shared_server.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../servers/mysql56.ts";
import { connectMySql } from "../servers/mysql_client.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { readExposition } from "../text/read_exposition.ts";
import { linux } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { until } from "./wait.ts";

const HOLD = fixture("hold.sh");
const HOST = Deno.hostname();

const KINDS = [
  ["MariaDB", linux ?? mariaDbUnavailable, startMariaDb],
  ["MySQL 5.6", linux ?? mysql56Unavailable, startMySql56],
] as const;

interface View {
  readonly held: boolean;
  readonly holder: Record<string, unknown> | null;
  readonly waiters: readonly Record<string, unknown>[];
}

/** What status tells of the lock of a key; and that it says nothing else. */
async function statusOf(place: Place, key: string, ...args: string[]): Promise<View> {
  const { stdout, stderr } = await place.sera(["status", "--json", ...args, "--name", key]);
  assert.equal(stderr, "");
  return JSON.parse(stdout).locks[0];
}

/** Starts a sera that holds a lock until it is disposed of. */
async function hold(place: Place, key: string, ...args: string[]) {
  const holder = place.startSera([...args, "--name", key, "--label", "nightly", "0", HOLD], { stdin: "open" });
  await holder.says("ready");
  return holder;
}

/** A session of another program. Dispose of it. */
async function connect({ host, port, user, password }: MySqlServer, connectAttributes: Record<string, string> = {}) {
  const connection = await connectMySql({ host, port, user, password, connectAttributes });
  return { connection, [Symbol.asyncDispose]: () => connection.end() };
}

/** A user who may come from any host. */
const USER = "roaming";

/** The `server` setting for that user; over the socket it comes from `localhost` and so from another host. */
function serverOf({ port, socket }: MySqlServer, way: "tcp" | "socket" = "tcp"): string {
  return `${USER}:secret@${way === "tcp" ? `tcp(127.0.0.1:${port})` : `unix(${socket})`}/`;
}

for (const [name, missing, start] of KINDS) {
  const shared = new SharedServer<MySqlServer>(name, missing, async () => {
    const server = await start();
    await server.query(`CREATE USER '${USER}'@'%' IDENTIFIED BY 'secret'`);
    await server.query(`GRANT ALL ON sera.* TO '${USER}'@'%'`);
    return server;
  });

  shared.test("a holder on another host is shown with its address, and in full if the user may see it", async (server) => {
    await using place = await Place.make(serverOf(server));
    await using holder = await hold(place, "elsewhere", "--server", serverOf(server, "socket"));
    const { holder: seen } = await statusOf(place, "elsewhere");
    const { host, pid, label, user, address } = seen!;
    assert.deepEqual({ host, pid, label, user, address }, {
      host: null,
      pid: null,
      label: null,
      user: USER,
      address: "localhost",
    });
    const all = await place.sera(["status"]);
    assert.equal(all.code, 0);
    assert.match(
      all.stderr,
      /^sera: The list is incomplete: [^;\n]* are missing unless the ledger has their runs; ask [^;\n]*--name[^;\n]* grant [^\n]*\n$/,
    );
    assert.doesNotMatch(all.stdout, new RegExp(lockName("elsewhere").slice(0, 12)));
    const json = JSON.parse((await place.sera(["status", "--json"])).stdout);
    assert.equal(json.complete, false);
    assert.ok(all.stderr.includes(json.reason));
    // Where it comes from, and the number by which an administrator ends it.
    const other = json.other_sessions.find(({ session }: Record<string, unknown>) => session === seen!.session);
    assert.deepEqual({ user: other.user, address: other.address }, { user: USER, address: "localhost" });
    assert.match(all.stdout, new RegExp(`^SESSION +USER .*\\n(?:.*\\n)*${seen!.session} +${USER} +localhost`, "m"));
    assert.match((await place.sera(["status", "--name", "elsewhere"])).stdout, / held +localhost +- +- /);

    const right = "SELECT ON performance_schema.session_connect_attrs";
    await server.query(`GRANT ${right} TO '${USER}'@'%'`);
    try {
      const { holder: seen } = await statusOf(place, "elsewhere");
      const { host, pid, label, since_is } = seen!;
      assert.deepEqual({ host, pid, label, since_is }, {
        host: HOST,
        pid: holder.pid,
        label: "nightly",
        since_is: "connected",
      });
      const all = await place.sera(["status"]);
      assert.equal(all.stderr, "");
      assert.match(
        all.stdout,
        new RegExp(`^${lockName("elsewhere").slice(0, 12)} +held +${HOST} +${holder.pid} `, "m"),
      );
    } finally {
      await server.query(`REVOKE ${right} FROM '${USER}'@'%'`);
    }
  });

  shared.test("the ledger adds what the server hides about a holder", async (server) => {
    await using place = await Place.make(serverOf(server));
    const table = ["--ledger-table", "sera.sera_runs"];
    const elsewhere = ["--server", serverOf(server, "socket")];
    // The server's times may be whole seconds.
    const began = Date.now() - 1000;
    await using holder = await hold(place, "recorded", "--ledger", ...table, ...elsewhere);
    const { holder: seen } = await statusOf(place, "recorded", ...table);
    const { host, pid, label, since_is, run_id } = seen!;
    assert.deepEqual({ host, pid, label, since_is }, {
      host: HOST,
      pid: holder.pid,
      label: "nightly",
      since_is: "acquired",
    });
    assert.ok(Number(run_id) > 0);
    const since = Date.parse(String(seen!.since));
    assert.ok(since >= began && since <= Date.now(), String(seen!.since));
    // In a database that the user has not, or without one, there is no table to read.
    for (const other of ["mysql.user", "sera_runs", "none.sera_runs"]) {
      assert.equal((await statusOf(place, "recorded", "--ledger-table", other)).holder!.run_id, null);
    }
    const all = await place.sera(["status", "--ledger", ...table]);
    assert.match(all.stdout, new RegExp(` held +${HOST} +${holder.pid} +nightly +20`));
  });

  shared.test("metrics show the ledger's locks, and say that others may be missing", async (server) => {
    await using place = await Place.make(`${serverOf(server)}sera`, { SERA_LEDGER_TABLE: "metrics_runs" });
    await using holder = await hold(place, "seen", "--ledger");
    assert.equal((await place.sera(["--ledger", "--name", "free", "0", "true"])).code, 0);
    await using _ = await hold(place, "unrecorded");
    const { code, stdout, stderr } = await place.sera(["metrics"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const metrics = readExposition(stdout);
    const held = new Map([...metrics.get("sera_lock_held")!].map(([key, value]) => [JSON.parse(key).lock, value]));
    assert.equal(held.get(lockName("free").slice(0, 12)), 0);
    assert.equal(held.get(lockName("seen").slice(0, 12)), 1);
    const { complete } = JSON.parse((await place.sera(["status", "--json"])).stdout);
    assert.equal(metrics.get("sera_locks_complete")!.get("{}"), Number(complete));
    if (name === "MySQL 5.6") assert.equal(complete, false);
    holder.kill("SIGKILL");
    await holder.ended;
    const outcomes = async () => {
      const { stdout } = await place.sera(["metrics"]);
      return [...readExposition(stdout).get("sera_runs")!].flatMap(([labels, count]) => {
        const { lock, outcome } = JSON.parse(labels);
        return count > 0 && lock === lockName("seen").slice(0, 12) ? [outcome] : [];
      });
    };
    await until("its run is abandoned", async () => (await outcomes()).join() === "abandoned");
  });

  shared.test("a run that the ledger wrongly has as running is not shown", async (server) => {
    await using place = await Place.make(server.dsn());
    const table = ["--ledger-table", "sera.sera_runs"];
    {
      await using _ = await hold(place, "killed", "--ledger", ...table);
    }
    await until("the lock is free", async () => !(await statusOf(place, "killed", ...table)).held);
    await until("nobody is seen", async () => {
      const { stdout } = await place.sera(["status", ...table]);
      assert.doesNotMatch(stdout, /^LOCK/);
      return stdout === "No locks are held.\n";
    });
    await using other = await connect(server);
    await other.connection.query(`SELECT GET_LOCK('${lockName("killed")}', 0)`);
    const { holder } = await statusOf(place, "killed", ...table);
    assert.deepEqual({ run: holder!.run_id, host: holder!.host }, { run: null, host: null });
  });

  shared.test("other programs are shown as holder and waiter, by user and address", async (server) => {
    await using place = await Place.make(server.dsn());
    await using one = await connect(server);
    await using other = await connect(server);
    const ask = (key: string) => `SELECT GET_LOCK('${lockName(key)}', 20)`;
    await one.connection.query(ask("foreign"));
    const waiting = other.connection.query(ask("foreign"));
    await using third = await connect(server);
    await using fourth = await connect(server);
    await third.connection.query(ask("another lock"));
    const waitingToo = fourth.connection.query(ask("another lock"));
    await until("somebody waits", async () => (await statusOf(place, "another lock")).waiters.length > 0);
    const { holder, waiters } = await until("somebody waits", async () => {
      const view = await statusOf(place, "foreign");
      return view.waiters.length > 0 ? view : undefined;
    });
    for (const { host, pid, label, user, address } of [holder!, ...waiters]) {
      assert.deepEqual({ host, pid, label, user, address }, {
        host: null,
        pid: null,
        label: null,
        user: "sera",
        address: "127.0.0.1",
      });
    }
    assert.equal(waiters.length, 1);
    assert.match((await place.sera(["status", "--name", "foreign"])).stdout, /^LOCK .*\n.* held .*\n.* waiting .*\n$/);
    await one.connection.query(`DO RELEASE_LOCK('${lockName("foreign")}')`);
    await third.connection.query(`DO RELEASE_LOCK('${lockName("another lock")}')`);
    await Promise.all([waiting, waitingToo]);
  });

  shared.test("a session's own data is never executed as SQL, and cannot control the terminal", async (server) => {
    await using place = await Place.make(server.dsn());
    const right = "SELECT ON performance_schema.session_connect_attrs";
    await server.query(`GRANT ${right} TO 'sera'@'127.0.0.1'`);
    const told = { sera_host: "\x1b[31mevil", sera_pid: "1e9", sera_connected: "x", sera_label: "\x9b\u202e\n'" };
    const locks = ["x'), SLEEP(60), ('", lockName("hostile"), "\u202e", "F".repeat(32)];
    for (const sera_lock of locks) {
      await using one = await connect(server, { ...told, sera_lock });
      await one.connection.query(`SELECT GET_LOCK('${lockName("hostile")}', 0)`);
      const { code, stdout, stderr } = await place.sera(["status", "--name", "hostile"]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, / held +\S*evil +- /);
      const all = await place.sera(["status"]);
      assert.deepEqual({ code: all.code, stderr: all.stderr }, { code: 0, stderr: "" });
      assert.equal(/ held +\S*evil/.test(all.stdout), sera_lock === lockName("hostile"), all.stdout);
      for (const text of [stdout, all.stdout]) assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
    }
    await server.query(`REVOKE ${right} FROM 'sera'@'127.0.0.1'`);
  });

  shared.test("a wrong password is 202, and not shown", async ({ port }) => {
    await using place = await Place.make(`sera:hunter2marker@tcp(127.0.0.1:${port})/`);
    for (const args of [[], ["--json"], ["--name", "n"]]) {
      const { code, stdout, stderr } = await place.sera(["status", ...args]);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
      assert.match(stderr, /^sera: [^\n]*check user and password[^\n]*\n$/);
      assert.doesNotMatch(stderr, /hunter2marker/);
    }
  });

  const silent = new SharedServer<MySqlServer>(
    `${name} without performance_schema`,
    missing,
    () => start({ extraArgs: ["--performance-schema=OFF"] }),
  );

  silent.test("the list is marked incomplete; waiters are shown, and the holder by user, address and session", async (server) => {
    await using place = await Place.make(server.dsn());
    await using holder = await hold(place, "quiet");
    const { held, holder: seen } = await statusOf(place, "quiet");
    assert.deepEqual({ held, address: seen!.address, host: seen!.host }, {
      held: true,
      address: "127.0.0.1",
      host: null,
    });
    assert.match(
      (await place.sera(["status", "--name", "quiet"])).stdout,
      new RegExp(`^LOCK .* USER +SESSION .*\\n.* held .* sera +${seen!.session} `),
    );
    const all = await place.sera(["status"]);
    assert.equal(all.code, 0);
    assert.match(
      all.stderr,
      /^sera: The list is incomplete: performance_schema is off, [^;\n]*; ask [^;\n]*--name[^;\n]*\n$/,
    );
    assert.match(all.stderr, name === "MariaDB" ? /INSTALL SONAME 'metadata_lock_info'/ : /performance_schema=ON/);
    assert.match(all.stdout, /^No locks can be seen; the list is incomplete\.\n/);
    assert.match(all.stdout, new RegExp(`^${seen!.session} +sera +127\\.0\\.0\\.1`, "m"));
    const { complete, reason, locks, other_sessions } = JSON.parse((await place.sera(["status", "--json"])).stdout);
    assert.deepEqual({ complete, locks }, { complete: false, locks: [] });
    assert.ok(all.stderr.includes(reason));
    assert.ok(other_sessions.some(({ session }: Record<string, unknown>) => session === seen!.session));
    // What cannot be seen is not free.
    const prefix = await place.sera(["status", "--lock", lockName("quiet").slice(0, 12)]);
    assert.deepEqual({ code: prefix.code, stdout: prefix.stdout.includes("Free") }, { code: 202, stdout: false });
    assert.match(prefix.stderr, /^sera: Cannot tell whether the lock is held: [^\n]+\n$/);
    const whole = await place.sera(["status", "--lock", lockName("quiet")]);
    assert.equal(whole.code, 0);
    assert.match(
      whole.stderr,
      /^sera: The host, process and label of a holder are not shown, [^;\n]* performance_schema is off; set performance_schema=ON [^;\n]*\n$/,
    );
    await using waiter = place.startSera(["--name", "quiet", "180", "true"]);
    const views = await until("somebody waits", async () => {
      const { locks } = JSON.parse((await place.sera(["status", "--json"])).stdout);
      return locks.length > 0 ? locks : undefined;
    });
    assert.equal(views.length, 1);
    const [first] = views[0].waiters;
    assert.deepEqual([views[0].held, first.pid, first.label, first.since_is], [true, waiter.pid, "quiet", "waiting"]);
    await holder.closeStdin();
  });
}

const listing = new SharedServer<MySqlServer>(
  "MariaDB that lists locks",
  linux ?? mariaDbUnavailable,
  () =>
    startMariaDb({
      extraArgs: ["--performance-schema=ON", "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON"],
    }),
);

listing.test("with access to the server's list of locks, those of other programs are shown, too", async (server) => {
  await using place = await Place.make(server.dsn());
  await using other = await connect(server);
  await other.connection.query(`SELECT GET_LOCK('${lockName("listed")}', 0)`);
  const rights = ["metadata_locks", "setup_instruments", "session_connect_attrs"];
  for (const table of rights) await server.query(`GRANT SELECT ON performance_schema.${table} TO 'sera'@'127.0.0.1'`);
  const { complete, reason, locks } = JSON.parse((await place.sera(["status", "--json"])).stdout);
  assert.deepEqual({ complete, reason }, { complete: true, reason: null });
  assert.deepEqual(locks.map(({ lock, held }: { lock: string; held: boolean }) => [lock, held]), [
    [lockName("listed"), true],
  ]);
});

const plugin = "/usr/lib/mysql/plugin/metadata_lock_info.so";
const withPlugin = new SharedServer<MySqlServer>(
  "MariaDB with metadata_lock_info",
  linux ?? mariaDbUnavailable ?? (existsSync(plugin) ? undefined : `${plugin} was not found: mariadb-server has it`),
  () =>
    startMariaDb({
      extraArgs: [
        "--performance-schema=OFF",
        `--plugin-dir=${dirname(plugin)}`,
        "--plugin-load-add=metadata_lock_info",
      ],
    }),
);

withPlugin.test("without performance_schema all locks are listed, and doctor says what is not shown", async (server) => {
  await using place = await Place.make(server.dsn());
  await using holder = await hold(place, "listed");
  const { code, stdout, stderr } = await place.sera(["status"]);
  assert.equal(code, 0);
  assert.match(stdout, /^LOCK .*\n[0-9a-f]{12} +held +127\.0\.0\.1 .*\n$/);
  assert.match(stderr, /^sera: The host, process and label of a holder are not shown, .*\n$/);
  const doctor = await place.sera(["doctor"]);
  assert.match(doctor.stdout, /^pass {2}visibility +sera status can list all locks; host, process and label of a/m);
  await holder.closeStdin();
});
