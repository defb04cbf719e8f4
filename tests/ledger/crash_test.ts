/** A crash at every step of a run. */
// Starts early: it starts a process for each step of a run.

import assert from "node:assert/strict";
import type { Rule } from "../../lib/ledger/run.ts";
import { freshName } from "../backends/open.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "../backends/shared_server.ts";
import { sideBySide } from "../side_by_side.ts";
import { Holder } from "./holder.ts";
import { type Bench, FILE, type LedgerPlace, mySqlPlace, postgresPlace } from "./places.ts";
import { COMMAND, type DoStep, RELEASE, runOnce, type RunPlan } from "./run_steps.ts";

const CRASH = `${import.meta.dirname}/crash.ts`;

/** How many crash at a time: more than there are cores, since they wait for the server as well. */
const AT_ONCE = 3;

const KEY = "v1";

const straight: DoStep = (_, step) => step();

/** The state of the ledger before the run. */
type Prepare = (bench: Bench, lock: string) => Promise<void>;

/** Unused before. */
const untouched: Prepare = () => Promise.resolve();

/** A holder has died, and there is something to forget. */
const leftByTheDead: Prepare = async (bench, lock) => {
  await using holder = await Holder.start(bench, lock);
  await holder.ran("succeeded", { keepHistory: 0 });
  await holder.started({ once: "v0" });
};

/** Crashes a run there, and checks what the next runs find. */
async function crashAt(bench: Bench, plan: RunPlan, number: number, when: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", CRASH, JSON.stringify(plan), String(number), when],
    stdin: "null",
  }).spawn();
  assert.equal((await child.status).signal, "SIGKILL");

  const next = await runOnce(plan, straight);
  assert.equal(await runOnce(plan, straight), "skipped");

  await using holder = await Holder.start(bench, plan.lock);
  const runs = (await holder.ledger.latest(100)).filter(({ key }) => key === KEY).reverse();
  const lines = (await Deno.readTextFile(plan.journal).catch(() => "")).split("\n").slice(0, -1).map(Number);
  const [crashed] = runs.filter(({ pid }) => pid === child.pid);
  const told = Deno.inspect({ runs, lines, next });

  assert.deepEqual(runs.filter(({ outcome }) => outcome === "running"), [], told);
  assert.equal(runs.length, (crashed ? 1 : 0) + (next === "ran" ? 1 : 0), told);
  if (crashed) assert.equal(runs[0], crashed, "ids do not grow");
  assert.ok(crashed || !lines.includes(child.pid), `it ran without a record: ${told}`);
  // An end that was recorded was so after the command.
  if (crashed?.outcome === "succeeded") assert.ok(lines.includes(child.pid), told);
  else assert.equal(crashed?.outcome ?? "abandoned", "abandoned", told);
  const succeeded = runs.filter(({ outcome }) => outcome === "succeeded").length;
  if (plan.rule.countFailures) {
    assert.equal(next, crashed ? "skipped" : "ran", told);
    assert.ok(lines.length === 1 || lines.length === 0 && crashed, told);
  } else {
    assert.equal(succeeded, 1, told);
    assert.equal(next, crashed?.outcome === "succeeded" ? "skipped" : "ran", told);
  }
}

function crashTests({ label, test, bench: makeBench }: LedgerPlace): void {
  const crashes = async (prepare: Prepare, rule: Partial<Rule>) => {
    const withPlan = async (use: (bench: Bench, plan: RunPlan) => Promise<void>) => {
      await using bench = await makeBench();
      const lock = freshName();
      await prepare(bench, lock);
      const journal = await Deno.makeTempFile({ prefix: "sera-ledger-" });
      const { server, table } = bench;
      await use(bench, { server, table, lock, journal, rule: { ...rule, once: KEY, keepHistory: 0 } });
      await Deno.remove(journal);
    };
    const steps: { readonly name: string; readonly parts: number }[] = [];
    await withPlan(async (_, plan) => {
      await runOnce(plan, (name, step, parts = []) => {
        steps.push({ name, parts: parts.length });
        return step();
      });
    });
    const names = steps.map(({ name }) => name);
    for (const kind of [/\bINSERT INTO\b/, /^UPDATE/, new RegExp(COMMAND), new RegExp(RELEASE)]) {
      assert.ok(names.some((name) => kind.test(name)), `${label} has no step ${kind}`);
    }
    const crash = (number: number, when: string) => () => withPlan((bench, plan) => crashAt(bench, plan, number, when));
    const cases = steps.flatMap(({ name, parts }, index) => {
      const reads = /^SELECT/.test(name) && !/(INSERT|UPDATE|DELETE)/.test(name);
      const amid = Array.from({ length: parts }, (_, part) => String(part + 1));
      const times = reads ? ["before"] : ["before", "amid", ...amid];
      return times.map((when) => [`a crash ${when} step ${index + 1}: ${name}`, crash(index + 1, when)] as const);
    });
    await sideBySide(Object.fromEntries(cases), AT_ONCE);
    return names;
  };

  test("a crash at any step of the first run of all: a command that may have begun never runs again", async () => {
    const steps = await crashes(untouched, { countFailures: true });
    assert.ok(steps.some((name) => name.startsWith("CREATE TABLE")));
  });

  test("a crash at any step of a later run: the key has one success", async () => {
    const steps = await crashes(leftByTheDead, {});
    assert.ok(steps.some((name) => /\bDELETE FROM\b/.test(name)));
    assert.equal(steps.filter((name) => name.startsWith("UPDATE")).length, 2);
  });
}

// Once of each kind: the statements are the same on every version of PostgreSQL.
crashTests(FILE);
crashTests(mySqlPlace(sharedMariaDb(), "MariaDB"));
crashTests(mySqlPlace(sharedMySql56(), "MySQL 5.6"));
crashTests(postgresPlace(sharedPostgres(), "PostgreSQL"));
