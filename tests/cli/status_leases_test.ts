/** What `sera status` and those who wait tell of leases. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { AS_IF_APART, fixture } from "./place.ts";
import { type LeaseTarget, type StartedLeases, useLeaseTargets } from "./lease_targets.ts";
import { Together } from "../side_by_side.ts";
import { startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";

const HOLD = fixture("hold.sh");
const HOST = Deno.hostname();

const ALL_SEEN = "";
const WAITERS_HIDDEN =
  "sera: The list is incomplete: waiters for a lease leave no trace here, so they cannot be shown\n";

interface View {
  readonly lock: string;
  readonly held: boolean;
  readonly holder: { readonly [field: string]: unknown; readonly lease: Record<string, number> } | null;
  readonly waiters: readonly Record<string, unknown>[];
}

async function locksOf({ place }: StartedLeases, ...args: string[]): Promise<readonly View[]> {
  const { stdout, stderr } = await place.sera(["status", "--json", ...args]);
  assert.equal(stderr, "");
  return JSON.parse(stdout).locks;
}

async function hold({ place }: StartedLeases, key: string, ...args: string[]) {
  const holder = place.startSera([...args, "--name", key, "--label", "nightly", "0", HOLD], { stdin: "open" });
  await holder.says("ready");
  return holder;
}

/** Makes the row of a holder that is gone: of a lease of an hour that expires in so many seconds. */
async function leave({ place, query, table, inSeconds }: StartedLeases, key: string, left: number) {
  const made = await place.sera(["--name", key, "0", "true"]);
  assert.equal(made.code, 0, made.stderr);
  await query(
    `UPDATE ${table} SET owner = '${"a".repeat(32)}', host = 'web9', pid = 4711, label = 'backup', ttl_ms = 3600000,
     since = ${inSeconds(-200)}, expires = ${inSeconds(left)} WHERE name = '${lockName(key)}'`,
  );
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
  testOn(kind, "without a table there are no leases, and to look makes none", async (started) => {
    const { place, query, table } = started;
    assert.deepEqual(await place.sera(["status"]), { code: 0, stdout: "No locks are held.\n", stderr: "" });
    const one = await place.sera(["status", "--name", "none"]);
    assert.deepEqual(one, { code: 1, stdout: "Free: nobody holds it.\n", stderr: "" });
    const tables = await query(
      `SELECT 1 FROM information_schema.tables WHERE table_name = '${table.split(".").at(-1)}'`,
    );
    assert.deepEqual(tables, []);
  });

  testOn(kind, "a holder is shown with its lease, and by the other way in too", async (started) => {
    await using holder = await hold(started, "job");
    const [view, ...others] = await locksOf(started);
    assert.deepEqual(others, []);
    const { host, pid, label, since_is, lease } = view!.holder!;
    assert.deepEqual({ lock: view!.lock, host, pid, label, since_is }, {
      lock: lockName("job"),
      host: HOST,
      pid: holder.pid,
      label: "nightly",
      since_is: "acquired",
    });
    assert.equal(lease.token, 1);
    // That of the moment, so only what any machine keeps to.
    assert.ok(lease.expires_in_ms! > 0 && lease.expires_in_ms! <= 30_000, JSON.stringify(lease));
    assert.equal(lease.expires_in_ms! + lease.silent_ms!, 30_000);
    assert.equal(lease.free_in_ms! - lease.expires_in_ms!, kind.hasSessionLocks ? 5000 : 35_000);
    const there = await started.other.sera(["status"]);
    assert.match(there.stdout, /^LOCK +STATE +HOST +PID +LABEL +TOKEN +EXPIRES +SINCE\n/);
    assert.match(
      there.stdout,
      new RegExp(`\n${lockName("job").slice(0, 12)} +held +\\S+ +${holder.pid} +nightly +1 +in \\d+s +[^~\n]+\n$`),
    );
    assert.equal(there.stderr, kind.hasSessionLocks ? ALL_SEEN : WAITERS_HIDDEN);
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    assert.deepEqual((await started.place.sera(["status", "--name", "job"])).code, 1);
  });

  testOn(kind, "status tells silent holders from live ones, and when they may be taken over", async (started) => {
    const { place } = started;
    await leave(started, "job", 1800);
    const lines = async (...args: string[]) => (await place.sera(["status", ...args])).stdout;
    assert.match(await lines(), / web9 +4711 +backup +1 +silent 30m\S* +/);
    const busy = await place.sera(["--verbose", "--name", "job", "0", "echo", "ran"]);
    assert.equal(busy.code, 204);
    assert.match(
      busy.stdout,
      /somebody else holds it \(web9:4711 backup, since [^;]+; silent for 30m\d*s?, free in \d+h?\d+m\S* at the latest\) - /,
    );
    const json = await place.sera(["--log-format", "json", "--verbose", "--name", "job", "0", "echo", "ran"]);
    const { holder } = JSON.parse(json.stdout.trim().split("\n").at(-1)!);
    assert.equal(holder.token, "1");
    assert.ok(holder.silent_ms >= 1800_000 && holder.free_in_ms <= (kind.hasSessionLocks ? 2400_000 : 6000_000));

    // After the TTL, but not yet after the margin.
    await leave(started, "late", -10);
    assert.match(await lines("--name", "late"), / web9 +4711 +backup +1 +\S+ ago +/);
    // After every timeout.
    await leave(started, "gone", -10_000);
    const [view] = await locksOf(started, "--name", "gone");
    assert.deepEqual([view!.held, view!.holder], [false, null]);
    assert.doesNotMatch(await lines(), new RegExp(lockName("gone").slice(0, 12)));
    assert.equal((await place.sera(["--name", "gone", "0", "echo", "ran"])).stdout, "ran\n");
  });

  testOn(kind, "a waiter for a dead holder is told the maximum remaining time", async (started) => {
    const { place } = started;
    await leave(started, "job", 1800);
    await using waiter = place.startSera(["--verbose", "--name", "job", "forever", "true"]);
    await until(
      "it says for whom it waits",
      () => /Waiting for .*\n/.test(waiter.stdout),
    );
    const [, free] = /; silent for 30m\S*, free in (\S+) at the latest\.\n/.exec(waiter.stdout) ??
      assert.fail(waiter.stdout);
    // By its own clock, which begins now: the TTL, and the margin.
    assert.equal(free, "1h10m");
    if (!kind.hasSessionLocks) return;
    // It has the session's lock.
    const [view] = await until("it is seen", async () => {
      const views = await locksOf(started, "--name", "job");
      return views[0]!.waiters.length > 0 ? views : undefined;
    });
    assert.deepEqual([view!.holder!.host, view!.waiters.map(({ pid, lease }) => ({ pid, lease }))], [
      "web9",
      // Without access to a session's attributes only its number is known.
      [{ pid: kind.name === "MySQL 5.6" ? null : waiter.pid, lease: null }],
    ]);
  });

  testOn(kind, "an invalid row is an error for its lock, and the list says so", async (started) => {
    const { place, query, table } = started;
    await leave(started, "good", 1800);
    await leave(started, "bad", 1800);
    await query(`UPDATE ${table} SET fence = -1 WHERE name = '${lockName("bad")}'`);
    const why = `he lease of ${lockName("bad")} in ${table} is invalid \\(fence -1\\); set it to [^\n]+\n$`;
    const one = await place.sera(["status", "--name", "bad"]);
    assert.deepEqual([one.code, one.stdout], [202, ""]);
    assert.match(one.stderr, new RegExp(`^sera: T${why}`));
    const all = await place.sera(["status"]);
    assert.match(all.stdout, / web9 +4711 +backup +1 +silent /);
    assert.match(all.stderr, new RegExp(`^sera: The list is incomplete: t${why}`, "i"));
    // A part of a name may be that of the other lock.
    assert.equal((await place.sera(["status", "--lock", "0123"])).code, 202);
  });

  testOn(kind, "another program's table is said to be one", async ({ place, query, table }) => {
    await query(`CREATE TABLE ${table} (a integer)`);
    for (const args of [[], ["--name", "job"]]) {
      const { code, stdout, stderr } = await place.sera(["status", ...args]);
      assert.deepEqual([code, stdout], [202, ""]);
      assert.match(
        stderr,
        /^sera: Cannot use the leases in \S*leases_\d+: [^\n]+; define it as in sera doctor --lease --schema/,
      );
    }
  });

  testOn(kind, "a sera inside its own lock is refused, over the other way in too", async ({ place, other }) => {
    for (const { server: inner } of [place, other]) {
      for (const wait of ["0", "forever"]) {
        // A server with a password is taken out of the environment.
        const script = 'SERA_SERVER=$INNER exec sera --name n "$1" echo ran';
        const ended = await place.run(["sera", "--name", "n", "0", "sh", "-c", script, "sh", wait], {
          env: { INNER: inner },
        });
        assert.deepEqual([ended.code, ended.stdout], [201, ""], ended.stderr);
        assert.match(ended.stderr, /^sera: Cannot wait for the lock of n: the outer sera \(process \d+\) /);
      }
    }
  });

  if (kind.hasSessionLocks) {
    testOn(kind, "a sera inside its own lock is refused after that has moved to another session", async (started) => {
      const { place } = started;
      const script = "echo ready; read -r _; SERA_SERVER=$INNER exec sera --name n 0 echo ran";
      await using outer = place.start([
        "sera",
        "--ttl",
        "6s",
        "--grace",
        "1s",
        "--name",
        "n",
        "180",
        "sh",
        "-c",
        script,
      ], {
        env: { INNER: place.server },
        stdin: "open",
      });
      await outer.says("ready");
      const session = async () => (await locksOf(started, "--name", "n"))[0]!.holder!.session;
      const before = await until("its session is seen", session);
      await started.cutAll();
      await until("it has another one", async () => ![before, null, undefined].includes(await session() as number));
      await outer.closeStdin();
      const { code, stdout, stderr } = await outer.ended;
      assert.deepEqual([code, stdout], [201, "ready\n"], stderr);
      assert.match(stderr, /^sera: Cannot wait for the lock of n: the outer sera \(process \d+\) /);
    });
  }

  testOn(kind, "one of another host, or who is no sera above, is waited for", async (started) => {
    const { place } = started;
    await leave(started, "n", 1800);
    const env = { INNER: place.server };
    const asInner = ["sh", "-c", 'SERA_SERVER=$INNER exec "$@"', "sh"];
    const inner = await place.run(["sera", "--name", "m", "0", ...asInner, "sera", "--name", "n", "0", "echo", "ran"], {
      env,
    });
    assert.deepEqual([inner.code, inner.stdout], [204, ""]);
    await using _ = await hold(started, "o");
    const apart = await place.run(
      ["sera", "--name", "p", "0", ...AS_IF_APART, ...asInner, "sera", "--name", "o", "0", "true"],
      { env },
    );
    assert.equal(apart.code, 204);
  });

  if (/Postgre|Pg/.test(kind.name)) namespaces(kind);
  if (kind.name === "MariaDB") terminal(kind);
}

function namespaces(kind: LeaseTarget): void {
  testOn(kind, "leases of a namespace are shown by the names that are known", async (started) => {
    const { place } = started;
    await using _ = await hold(started, "nightly", "--namespace", "jobs");
    assert.match((await place.sera(["status"])).stdout, /\n(jobs|-\d+)\/nightly +held .* 1 +in \d+s /);
    assert.match((await place.sera(["status", "--namespace", "jobs"])).stdout, /\njobs\/nightly +held .* 1 +in \d+s /);
    const other = await place.sera(["status", "--namespace", "others"]);
    assert.equal(other.stdout, "No locks are held in the namespace others.\n");
  });
}

function terminal(kind: LeaseTarget): void {
  testOn(kind, "a terminal of 80 columns has room for it", async (started) => {
    await leave(started, "job", 1800);
    await using shown = startInTerminal(started.place, "stty cols 80; sera status");
    await shown.closeStdin();
    const { stdout } = await shown.ended;
    const lines = stdout.trimEnd().split("\r\n");
    assert.deepEqual(lines.filter((line) => line.length > 80), []);
    assert.match(lines[1]!, /^[0-9a-f]{12} +held +web9 +4711 +backup +1 +silent 30m\S* +\S/);
  });
}
