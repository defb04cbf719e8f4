/** `sera metrics`: what Prometheus gets to read. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { type Exposed, readExposition } from "../text/read_exposition.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { history } from "./ledger_view.ts";
import { fixture, type Place } from "./place.ts";
import { FILE, testOn, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const targets = useTargets();

/** A label that would end a value or a line, or draw on a terminal. */
const HOSTILE = 'a "b" \\ c\nd\x1b[31m';

async function metricsOf(place: Place, ...args: string[]): Promise<Exposed> {
  const { code, stdout, stderr } = await place.sera(["metrics", ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return readExposition(stdout);
}

for (const target of targets) {
  testOn(target, `metrics on ${target.name} tell of locks, and of the runs that the ledger has`, async () => {
    await using started = await target.start();
    const { place } = started;
    const empty = await metricsOf(place);
    assert.deepEqual([...empty.keys()].filter((name) => name.startsWith("sera_run")), []);
    const run = (...words: string[]) => place.sera(["--ledger", "--record-skips", ...words]);
    const good = ["--name", "good", "--label", HOSTILE, "--once", "k", "0"];
    assert.equal((await run(...good, "true")).code, 0);
    assert.equal((await run(...good, "true")).code, 0);
    assert.equal((await run("--name", "bad", "0", "sh", "-c", "exit 3")).code, 3);
    assert.equal((await run("--name", "bad", "0", "/no/such/command")).code, 203);
    await using holder = place.startSera(["--ledger", "--name", "held", "0", fixture("hold.sh")], {
      stdin: "open",
    });
    await holder.says("ready");
    await using waiter = place.startSera(["--name", "held", "180", "true"]);
    await until("it waits", async () => await started.waiters("held") === 1);

    const found = await metricsOf(place);
    const labels = (name: string) => ({ lock: lockName(name).slice(0, 12), label: name });
    const value = (metric: string, name: string, more: Record<string, string> = {}) => {
      return found.get(metric)?.get(JSON.stringify({ ...labels(name), ...more }));
    };
    const [done] = (await history(place, "--name", "good")).filter(({ outcome }) => outcome === "succeeded");
    const seconds = (time: string | null) => Date.parse(time!) / 1000;
    const name = [...found.get("sera_run_last_exit_code")!.keys()].map((key) => JSON.parse(key))
      .find(({ lock }) => lock === lockName("good").slice(0, 12));
    const ofGood = (metric: string, more = {}) => found.get(metric)?.get(JSON.stringify({ ...name, ...more }));
    assert.match(name.label, /^a "b" \\.*c.*d.*31m$/);
    assert.equal(ofGood("sera_run_last_start_timestamp_seconds"), seconds(done!.started));
    assert.equal(ofGood("sera_run_last_end_timestamp_seconds"), seconds(done!.finished));
    assert.equal(ofGood("sera_run_last_success_timestamp_seconds"), seconds(done!.finished));
    assert.equal(ofGood("sera_run_last_duration_seconds"), done!.duration);
    assert.equal(ofGood("sera_run_last_exit_code"), 0);
    assert.equal(ofGood("sera_runs", { outcome: "succeeded" }), 1);
    assert.equal(ofGood("sera_runs", { outcome: "skipped" }), 1);
    assert.equal(ofGood("sera_runs", { outcome: "failed" }), 0);
    assert.equal(ofGood("sera_lock_held"), 0);

    assert.equal(value("sera_run_last_exit_code", "bad"), 3);
    assert.equal(value("sera_run_last_success_timestamp_seconds", "bad"), undefined);
    assert.equal(value("sera_runs", "bad", { outcome: "failed" }), 1);
    assert.equal(value("sera_runs", "bad", { outcome: "unstarted" }), 1);
    assert.equal(value("sera_lock_held", "held"), 1);
    assert.equal(value("sera_runs", "held", { outcome: "running" }), 1);
    assert.ok(value("sera_run_last_start_timestamp_seconds", "held")! > 0);
    assert.equal(value("sera_run_last_end_timestamp_seconds", "held"), undefined);
    assert.equal(found.get("sera_locks_complete")!.get("{}"), 1);
    assert.equal(value("sera_lock_waiters", "held"), 1);

    holder.kill("SIGKILL");
    await holder.ended;
    await started.endLease("held");
    assert.equal((await waiter.ended).code, 0);
    const after = await metricsOf(place);
    const key = (outcome: string) => JSON.stringify({ ...labels("held"), outcome });
    assert.deepEqual(["running", "abandoned"].map((outcome) => after.get("sera_runs")!.get(key(outcome))), [0, 1]);
  });

  testOn(target, `metrics on ${target.name} are of as many locks as asked for, and of late runs`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    for (const name of ["one", "two", "three"]) {
      assert.equal((await place.sera(["--ledger", "--name", name, "0", "true"])).code, 0);
    }
    const names = (found: Exposed) =>
      [...found.get("sera_run_last_exit_code")!.keys()].map((key) => JSON.parse(key).label).toSorted();
    assert.deepEqual(names(await metricsOf(place)), ["one", "three", "two"]);
    const two = await metricsOf(place, "--limit", "2");
    assert.deepEqual([names(two), two.get("sera_locks_complete")!.get("{}")], [["three", "two"], 0]);
    const counts = (found: Exposed) =>
      [...found.get("sera_runs")!].filter(([key]) => JSON.parse(key).outcome === "succeeded").map(([, count]) => count);
    assert.deepEqual(counts(await metricsOf(place)), [1, 1, 1]);
    await ledger.age(2 * 24 * 3600 * 1000);
    assert.deepEqual(counts(await metricsOf(place)), [0, 0, 0]);
    assert.deepEqual(counts(await metricsOf(place, "--since", "50h")), [1, 1, 1]);
  });
}

const WRONG: Record<string, { args: string[]; code: number; says: RegExp }> = {
  "a word": {
    args: ["nightly"],
    code: 201,
    says: /Unexpected word after the flags: nightly; usage: sera metrics \[flags\]$/m,
  },
  "a limit of 0": { args: ["--limit", "0"], code: 201, says: /it takes a number of locks, from 1/ },
  "a time that is none": {
    args: ["--since", "often"],
    code: 201,
    says: /--since: often; it takes whole seconds, or/,
  },
  "a server that is not there": {
    args: ["--server", "u:hunter2@tcp(127.0.0.1:1)/x"],
    code: 202,
    says: /^sera: Cannot ask MySQL at tcp\(127\.0\.0\.1:1\): connection refused; check /,
  },
};

for (const [what, { args, code, says }] of Object.entries(WRONG)) {
  testInProcess(`metrics with ${what} is ${code}, and one line`, async () => {
    await using started = await FILE.start();
    const ended = await inProcess(started.place, ["metrics", ...args]);
    assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
    assert.match(ended.stderr, /^sera: [^\n]+\n$/);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /hunter2/);
  }, [FILE.need]);
}
