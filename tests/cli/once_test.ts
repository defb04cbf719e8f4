import assert from "node:assert/strict";
import { history, outcomes } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import { FILE, testOn, useTargets, withTables } from "./targets.ts";
import { until } from "./wait.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };
const SKIPPED = { code: 205, stdout: "", stderr: "" };

const DAY = 24 * 3600 * 1000;

const targets = useTargets();

for (const target of targets) {
  testOn(
    target,
    `--once on ${target.name}: the first one runs it, and whoever comes later skips, however late`,
    async () => {
      await using started = await target.start();
      const { place, ledger } = started;
      const once = (key: string, ...words: string[]) =>
        place.sera(["--detailed-exit-codes", "--once", key, "0", ...words]);
      assert.deepEqual(await once("release 7", "echo", "ran"), RAN);
      const [{ run_id, host, pid } = assert.fail()] = await history(place);
      assert.deepEqual(await once("release 7", "echo", "ran"), SKIPPED);
      await ledger.age(1000 * DAY);
      // Each run deletes old runs.
      assert.deepEqual(await once("release 8", "echo", "ran"), RAN);
      assert.deepEqual(await once("release 7", "echo", "ran"), SKIPPED);
      assert.deepEqual(await once("release 7", "printf", "ran\\n"), RAN);
      const { code, stdout } = await place.sera(["--verbose", "--once", "release 7", "0", "echo", "ran"]);
      assert.equal(code, 0);
      const [, done = ""] = stdout.split("\n");
      assert.match(done, /^Already done for this key: run \d+ by \S+ at 20\d\d-\S+ \S+Z succeeded - skipped the/);
      assert.ok(done.includes(` run ${run_id} by ${host}:${pid} at `), done);
    },
  );

  testOn(target, `--once on ${target.name}: what a holder began that was killed is to be done again`, async () => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--detailed-exit-codes", "--name", "n", "--once", "k"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await underWatch(holder);
    holder.kill("SIGKILL");
    await holder.ended;
    await started.endLease("n");
    const counted = await place.sera([...flags, "--count-failures", "--verbose", "180", "echo", "ran"]);
    assert.equal(counted.code, 205);
    assert.match(
      counted.stdout,
      new RegExp(
        `^Run \\d+ by \\S+:${holder.pid} at [^\n]*Z did not finish: marked as abandoned\\.\nAlready done`,
        "m",
      ),
    );
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), SKIPPED);
    assert.deepEqual(await outcomes(place), ["succeeded", "abandoned"]);
  });

  testOn(
    target,
    `--once on ${target.name}: of several at the same time one runs it, the others wait and skip`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      const flags = ["--detailed-exit-codes", "--name", "n", "--once", "k"];
      await using first = place.startSera([...flags, "180", fixture("hold.sh")], { stdin: "open" });
      await first.says("ready");
      await using second = place.startSera([...flags, "180", "echo", "ran"]);
      await using third = place.startSera([...flags, "--wait-and-skip", "180", "echo", "ran"]);
      await until("both wait", async () => await started.waiters("n") === 2);
      assert.equal((await place.sera([...flags, "0", "echo", "ran"])).code, 204);
      await first.closeStdin();
      assert.equal((await first.ended).code, 0);
      assert.deepEqual(await second.ended, SKIPPED);
      assert.deepEqual(await third.ended, SKIPPED);
      assert.deepEqual(await place.sera([...flags, "--wait-and-skip", "0", "echo", "ran"]), SKIPPED);
      assert.deepEqual(await outcomes(place), ["succeeded"]);
    },
  );
}

testOn(
  FILE,
  "--wait-and-skip with --once: those who waited for one that failed skip, and the next one runs",
  async () => {
    await using started = await FILE.start();
    const { place } = started;
    const flags = ["--detailed-exit-codes", "--wait-and-skip", "--name", "n", "--once", "k"];
    await using first = place.startSera([...flags, "0", "sh", "-c", "echo ready; read _; exit 3"], { stdin: "open" });
    await first.says("ready");
    await using second = place.startSera([...flags, "180", "echo", "ran"]);
    await until("it waits", async () => await started.waiters("n") === 1);
    await first.closeStdin();
    assert.equal((await first.ended).code, 3);
    assert.deepEqual(await second.ended, SKIPPED);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
  },
);

/** Runs that come to no good end, and whether they count with `--count-failures`. */
const FAILURES: Record<string, { flags?: string[]; words: string[]; code: number; outcome: string; counts: boolean }> =
  {
    "ends with a status": { words: ["sh", "-c", "exit 3"], code: 3, outcome: "failed", counts: true },
    "is ended by a signal": { words: ["sh", "-c", "kill -TERM $$"], code: 143, outcome: "failed", counts: true },
    "is stopped by --max-run": {
      flags: ["--max-run", "100ms"],
      words: ["sleep", "20"],
      code: 207,
      outcome: "failed",
      counts: true,
    },
    "cannot be started": { words: ["no-such-command"], code: 203, outcome: "unstarted", counts: false },
  };

for (const [what, { flags = [], words, code, outcome, counts }] of Object.entries(FAILURES)) {
  testOn(FILE, `--once: a command that ${what} is run again${counts ? ", unless failures count" : ""}`, async () => {
    await using started = await FILE.start();
    const { place } = started;
    const common = ["--detailed-exit-codes", "--name", "n", "--once", "k"];
    assert.equal((await place.sera([...common, ...flags, "0", ...words])).code, code);
    const [{ exit_code, ...run } = assert.fail()] = await history(place);
    assert.deepEqual({ exit_code, outcome: run.outcome }, { exit_code: code, outcome });
    const counted = await place.sera([...common, "--count-failures", "0", "echo", "ran"]);
    assert.deepEqual(counted, counts ? SKIPPED : RAN);
    if (counts) assert.deepEqual(await place.sera([...common, "0", "echo", "ran"]), RAN);
  });
}

const postgres = withTables(targets).find(({ name }) => name.startsWith("PostgreSQL"))!;

testOn(postgres, `--once: a signal that comes before the command is started leaves nothing that counts`, async () => {
  await using started = await postgres.start();
  const { place, ledger } = started;
  const flags = ["--count-failures", "--name", "n", "--once", "k"];
  assert.equal((await place.sera(["--ledger", "0", "true"])).code, 0);
  const blocker = ledger.query(`BEGIN; LOCK TABLE ${ledger.table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)`)
    .catch(() => undefined);
  const sleeping = `pg_stat_activity WHERE wait_event = 'PgSleep'`;
  await until("the table is locked", async () => (await ledger.query(`SELECT FROM ${sleeping}`)).length === 1);
  await using run = place.startSera([...flags, "0", "echo", "ran"]);
  await until("it waits for the table", async () => {
    const waiting = await ledger.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'sera %'",
    );
    return waiting.length === 1;
  });
  run.kill("SIGTERM");
  await until("the signal has come", () => !pendingSignals(run.pid));
  await ledger.query(`SELECT pg_cancel_backend(pid) FROM ${sleeping}`);
  await blocker;
  assert.deepEqual(await run.ended, { code: 143, stdout: "", stderr: "" });
  assert.deepEqual(await outcomes(place), ["unstarted", "succeeded"]);
  assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
});

/** Whether a signal is still on its way to a process. */
function pendingSignals(pid: number): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return [...status.matchAll(/^(?:Sig|Shd)Pnd:\s*([0-9a-f]+)$/gm)].some(([, mask]) => BigInt(`0x${mask}`) !== 0n);
}
