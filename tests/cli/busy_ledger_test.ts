/** A ledger that cannot be written for a while: signals are served all the same. The order of events is what counts. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { history } from "./ledger_view.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { startImpatient } from "./impatient.ts";
import { cacheOfDeno } from "./program.ts";
import { Running } from "./running.ts";
import { until } from "./wait.ts";

const FLAGS = ["--ledger", "--name", "n"];

/** Keeps everybody else from the ledger until it is disposed of. */
async function lockLedger(place: Place): Promise<Running> {
  const program = [Deno.execPath(), "run", "--quiet", "--no-config", "--allow-all", fixture("sqlite_locker.ts")];
  const env = { PATH: Deno.env.get("PATH"), ...cacheOfDeno() };
  const locker = new Running([...program, `${place.locks}/ledger.sqlite`], { env, stdin: "open" });
  await locker.says("locked");
  return locker;
}

/** A place with a ledger, in which there is one run. */
async function placeWithRun(): Promise<Place> {
  const place = await Place.make();
  assert.equal((await place.sera([...FLAGS, "0", "true"])).code, 0);
  return place;
}

/** Waits until the process has the lock; who waits for the ledger then has nothing else to do. */
async function untilHeld(place: Place, pid: number): Promise<void> {
  await until(
    "the lock is held",
    async () => (await place.read(`locks/${lockName("n")}.lock`)).includes(`"pid":${pid}`),
  );
}

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  testWith(
    [linux],
    `${signal} ends a wait for the ledger: the command does not run, and the lock is free`,
    async () => {
      await using place = await placeWithRun();
      await using locker = await lockLedger(place);
      await using waiter = place.startSera([...FLAGS, "0", "echo", "ran"]);
      await untilHeld(place, waiter.pid);
      waiter.kill(signal);
      assert.deepEqual(await waiter.ended, { code, stdout: "", stderr: "" });
      assert.equal(locker.over, false);
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
      await locker.closeStdin();
      await locker.ended;
      assert.equal((await history(place)).length, 1);
    },
  );
}

testWith([linux], "a signal after the command's end ends the wait to record it; its exit code stands", async () => {
  await using place = await placeWithRun();
  const words = ["--verbose=stderr", ...FLAGS, "0", "sh", "-c", "echo ready; read _; exit 7"];
  await using run = place.startSera(words, { stdin: "open" });
  await run.says("ready");
  await using locker = await lockLedger(place);
  await run.closeStdin();
  await run.says("finished with exit code 7");
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;
  assert.equal(code, 7);
  assert.match(
    stderr,
    /^sera: Cannot use the ledger \S+: database is locked, and a signal ended the wait; run 2 counts as abandoned, [^\n]+$/m,
  );
  assert.match(stderr, /^Lock released/m);
  assert.equal(locker.over, false);
});

testWith([linux], "a command that is stopped by a signal is recorded as soon as the ledger is free", async () => {
  await using place = await placeWithRun();
  const words = ["--verbose=stderr", ...FLAGS, "0", "sh", "-c", "trap 'exit 9' TERM; echo ready; read _"];
  await using run = place.startSera(words, { stdin: "open" });
  await run.says("ready");
  const locker = await lockLedger(place);
  run.kill("SIGTERM");
  await run.says("finished with exit code 9");
  await locker[Symbol.asyncDispose]();
  assert.equal((await run.ended).code, 9);
  const [last] = await history(place);
  assert.deepEqual({ id: last!.run_id, code: last!.exit_code, outcome: last!.outcome }, {
    id: 2,
    code: 9,
    outcome: "failed",
  });
});

testWith([linux], "a ledger that stays locked is waited for once", async () => {
  await using place = await placeWithRun();
  await using locker = await lockLedger(place);
  await using run = startImpatient(place, [...FLAGS, "0", "echo", "ran"]);
  const { code, stdout, stderr } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  assert.match(
    stderr,
    /^sera: Cannot use the ledger \S+: database is locked for 300ms; see which process keeps it open\n$/,
  );
  assert.equal(locker.over, false);
});
