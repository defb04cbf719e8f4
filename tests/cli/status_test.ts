/** `sera status`: who holds a lock and who waits for it, wherever locks may live. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { PERMISSIONS } from "../../scripts/permissions.ts";
import { seraInProcess, testInProcess } from "./in_process.ts";
import { fixture, Place } from "./place.ts";
import { fromSource, isCompiled, MAIN, sera } from "./program.ts";
import type { Ended } from "./running.ts";
import { testOn, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

/** Must not appear: only a command's first word may be shown. */
const SECRET = "hunter2marker";

const HOLD = [fixture("hold.sh"), SECRET];
const HOST = Deno.hostname();

/** Of idle sessions it shows a plain user nothing but where they come from. */
const SECRETIVE = "MySQL 5.6";

/** One element of `locks` in the JSON. */
interface LockView {
  readonly lock: string;
  readonly held: boolean;
  readonly holder: Record<string, unknown> | null;
  readonly waiters: readonly Record<string, unknown>[];
}

/** The locks that `status --json` tells of. */
function locksOf({ stdout }: Ended): readonly LockView[] {
  assert.doesNotMatch(stdout, new RegExp(SECRET));
  assert.match(stdout, /^[^\n]+\n$/);
  return JSON.parse(stdout).locks;
}

/** In this process's life. */
function assertRecent(time: unknown): void {
  const at = Date.parse(String(time));
  assert.ok(at >= Math.floor(performance.timeOrigin) && at <= Date.now(), String(time));
}

Deno.test("status --help lists its exit codes, in 80 columns", async () => {
  const { code, stdout, stderr } = await sera(["status", "--help"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^Usage: sera status \[--json \| --watch\] \[flags\][^]*\n {2}--json[^]*\n {2}1 [^]*\n {2}202 /);
  assert.deepEqual(stdout.split("\n").filter((line) => line.length > 80), []);
  assert.match((await sera(["--help"])).stdout, /^ +sera status .*sera status --help/m);
});

testInProcess("wrong arguments of status are 201, in one line on stderr only", async () => {
  for (
    const [args, told, env] of [
      [["--nonsense"], /--nonsense/],
      [["--name", "n", "--", "command"], /name/],
      [["command"], /both by SERA_NAME and by command/, { SERA_NAME: "n" }],
      [["0", "command"], /looks like a wait.*--name/],
      [["--", "1m30s", "command"], /looks like a wait/],
    ] as const
  ) {
    const { code, stdout, stderr } = await seraInProcess(["status", "--server=file:", ...args], { env });
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" }, args.join(" "));
    assert.match(stderr, /^sera: [^\n]+; [^\n]+\n$/);
    assert.match(stderr, told);
  }
  assert.match((await sera(["--server=file:", "status"])).stderr, /write sera status/);
  // The format is known only once the settings have been read.
  const { code, stdout, stderr } = await sera(["status", "--server=file:", "--json=maybe"]);
  assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
  assert.match(stderr, /^sera: [^\n]*--json[^\n]*; [^\n]+\n$/);
});

testInProcess("an unusable server is 200 or 202, as in a run", async () => {
  await using place = await Place.make();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const noFolder = await place.write("file", "");
  for (
    const [server, code, says] of [
      [
        `sera:${SECRET}@tcp(127.0.0.1:${port})/`,
        202,
        /^sera: Cannot ask MySQL at tcp\([^)]+\): connection refused; check/,
      ],
      [`postgres://sera:${SECRET}@127.0.0.1:${port}/sera`, 202, /^sera: Cannot ask PostgreSQL at tcp\([^)]+\): con/],
      [`file:${noFolder}`, 202, /^sera: Cannot use the folder: /],
      [`sera:${SECRET}@nowhere/`, 200, /^sera: Cannot use the server in --server: /],
    ] as const
  ) {
    for (const args of [[], ["--json"], ["--name", "n"]]) {
      const ended = await seraInProcess(["status", "--server", server, ...args]);
      assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
      assert.match(ended.stderr, /^sera: [^\n]+\n$/);
      assert.match(ended.stderr, says);
      assert.doesNotMatch(ended.stderr, new RegExp(SECRET));
    }
  }
});

for (const target of useTargets()) {
  testOn(target, `a lock shows its holder and waiters on ${target.name}`, async () => {
    await using started = await target.start();
    const { place } = started;
    const name = `status ${crypto.randomUUID()}`;
    const status = (...args: string[]) => place.sera(["status", ...args]);
    const one = async (...args: string[]) => (await status("--json", "--name", name, ...args));

    const free = await status("--name", name);
    assert.deepEqual(free, { code: 1, stdout: "Free: nobody holds it.\n", stderr: "" });
    const freeJson = await one();
    assert.equal(freeJson.code, 1);
    assert.deepEqual(locksOf(freeJson), [
      {
        lock: lockName(name),
        namespace: null,
        name: null,
        slots: null,
        held: false,
        holder: null,
        holders: [],
        waiters: [],
      },
    ]);

    await using holder = place.startSera(["--name", name, "--label", "nightly\tjob", "0", ...HOLD], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--name", name, "180", ...HOLD]);
    await until("somebody waits", async () => await started.waiters(name) === 1);

    const seen = await one();
    assert.deepEqual({ code: seen.code, stderr: seen.stderr }, { code: 0, stderr: "" });
    const [view] = locksOf(seen);
    assert.deepEqual({ lock: view!.lock, held: view!.held }, { lock: lockName(name), held: true });
    const { host, pid, label, since, since_is, address } = view!.holder!;
    const open = target.name !== SECRETIVE;
    if (open) {
      assert.deepEqual({ host, pid, label, since_is }, {
        host: HOST,
        pid: holder.pid,
        label: "nightly\tjob",
        // These two know only since when it has asked for it.
        since_is: ["MariaDB", "etcd"].includes(target.name) ? "connected" : "acquired",
      });
      assertRecent(since);
    } else {
      assert.deepEqual({ host, pid, label, since, address }, {
        host: null,
        pid: null,
        label: null,
        since: null,
        address: "127.0.0.1",
      });
    }
    assert.deepEqual(view!.waiters.map(({ host, pid }) => ({ host, pid })), [{ host: HOST, pid: waiter.pid }]);
    // A folder has no sessions whose labels could be seen.
    if (target.name !== "file") assert.equal(view!.waiters[0]!.label, name);

    const text = await status("--name", name);
    assert.equal(text.code, 0);
    const [header, held, waiting, ...rest] = text.stdout.split("\n");
    const isLease = target.name === "etcd";
    const columns = isLease ? "TOKEN +EXPIRES +SINCE" : "SINCE";
    assert.match(
      header!,
      open ? new RegExp(`^LOCK +STATE +HOST +PID +LABEL +${columns}$`) : /^LOCK .* LABEL +USER +SESSION +SINCE$/,
    );
    const short = lockName(name).slice(0, 12);
    const known = `${HOST} +${holder.pid} +nightly job +${isLease ? "\\d+ +in \\d+s +" : ""}~?20\\d\\d-\\S+ \\S+Z \\(`;
    assert.match(held!, new RegExp(`^${short} +held +${open ? known : "127.0.0.1 +- +- +sera +\\d+ +-$"}`));
    assert.match(waiting!, new RegExp(`^${short} +waiting +${HOST} +${waiter.pid} `));
    assert.deepEqual(rest, [""]);
    assert.doesNotMatch(text.stdout, new RegExp(SECRET));

    const all = locksOf(await status("--json")).find(({ lock }) => lock === lockName(name));
    assert.deepEqual({ holder: all?.holder?.pid, waiters: all?.waiters.length }, { holder: pid, waiters: 1 });

    waiter.kill("SIGTERM");
    await waiter.ended;
    await holder.closeStdin();
    await holder.ended;
    assert.equal((await one()).code, 1);
    const none = await status();
    assert.equal(none.code, 0);
    assert.equal(none.stdout.includes(short), false);
  });

  testOn(target, `a command's words name its lock on ${target.name}, and only the first one is shown`, async () => {
    await using started = await target.start();
    const { place } = started;
    // So that this lock is no other test's.
    const words = [...HOLD, crypto.randomUUID()];
    await using holder = place.startSera(["0", ...words], { stdin: "open" });
    await holder.says("ready");
    for (const args of [words, ["--", ...words]]) {
      const ended = await place.sera(["status", "--json", ...args]);
      assert.equal(ended.code, 0);
      const [view] = locksOf(ended);
      assert.equal(view!.lock, lockName(words.join(" ")));
      assert.equal(view!.holder!.label, target.name === SECRETIVE ? null : words[0]);
    }
    assert.equal((await place.sera(["status", ...words, "more"])).code, 1);
    const all = await place.sera(["status"]);
    if (target.name !== SECRETIVE) {
      assert.match(all.stdout, new RegExp(` held +${HOST} +${holder.pid} +${fixture("hold.sh")} `));
    }
    assert.doesNotMatch(all.stdout, new RegExp(SECRET));
  });

  testOn(target, `status needs no more permissions than the binary has on ${target.name}`, async () => {
    if (isCompiled) return;
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera(["--name", "permitted", "0", ...HOLD], { stdin: "open" });
    await holder.says("ready");
    const ended = await place.run([...fromSource(MAIN, PERMISSIONS), "status", "--name", "permitted"]);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(
      ended.stderr,
      target.name === SECRETIVE ? /^sera: The host, process and label .* not shown, .*\n$/ : /^$/,
    );
    assert.match(ended.stdout, target.name === SECRETIVE ? / held / : new RegExp(` held .* ${holder.pid} `));
  });
}
