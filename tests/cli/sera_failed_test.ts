/** Internal errors of sera, in the whole program with real commands. */

import assert from "node:assert/strict";
import { history } from "./ledger_view.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";
import { lives, pidIn } from "./process_list.ts";
import { cacheOfDeno, fromSource } from "./program.ts";
import { until } from "./wait.ts";
import type { Running } from "./running.ts";

const FAULTS = ["timer", "rejection", "nothing", "listener", "emitter", "tick", "microtask"];

const FAULTY = fromSource(Deno.realPathSync(fixture("faulty_sera.ts")));

/** A sera that fails on request. */
class Faulty implements AsyncDisposable {
  readonly #place: Place;
  readonly run: Running;

  constructor(place: Place, fault: string, args: readonly string[], env: Record<string, string | undefined> = {}) {
    this.#place = place;
    this.run = place.start([...FAULTY, ...args], {
      stdin: "open",
      env: { ...cacheOfDeno(), SERA_TEST_FAULT: fault, SERA_TEST_FAULT_AT: place.file("fault"), ...env },
    });
  }

  async fail(): Promise<void> {
    await this.#place.write("fault", "");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.run[Symbol.asyncDispose]();
  }
}

/** The message for an internal error; never the error's own. */
function kindOf(fault: string): string {
  return fault === "nothing" ? "undefined was thrown" : "TypeError at [^\n;]+";
}

Deno.test("with JSON an internal error while the command runs is logged as objects, the last with 208", async () => {
  await using place = await Place.make();
  const words = ["--log-format=json", "--verbose=stderr", "0", fixture("hold.sh")];
  await using sera = new Faulty(place, "rejection", words);
  await sera.run.says("ready");
  await sera.fail();
  const { code, stderr } = await sera.run.ended;
  assert.equal(code, 208);
  // The script's shell may tell of its child's end, too.
  const lines = stderr.replace("Terminated\n", "").trimEnd().split("\n").map((line) => JSON.parse(line))
    .slice(-4);
  assert.deepEqual(lines.map(({ event }) => event), ["acquired", "error", "finished", "released"]);
  assert.deepEqual(lines.map(({ exit_code }) => exit_code), [undefined, 208, 208, 208]);
});

for (const fault of FAULTS) {
  Deno.test(`while the command runs, an internal error (${fault}) stops it, and is 208 with one line`, async () => {
    await using place = await Place.make();
    await using sera = new Faulty(place, fault, ["--name", "n", "0", fixture("slow_to_stop.sh"), place.file("go")]);
    await sera.run.says("ready");
    await sera.fail();
    await sera.run.says("stopping\n");
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
    await place.write("go", "");
    const { code, stderr } = await sera.run.ended;
    assert.equal(code, 208);
    // The script's shell may tell of its child's end, too.
    const said = stderr.replace("Terminated\n", "");
    const line = `sera: Unexpected error while the command ran, please report it: ${kindOf(fault)}; stopping [^\n]+\n`;
    assert.match(said, new RegExp(`^${line}$`));
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  });

  Deno.test(`while sera waits, an internal error (${fault}) is 202 with one line`, async () => {
    await using place = await Place.make();
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using sera = new Faulty(place, fault, ["--name", "n", "--verbose", "60", "touch", place.file("ran")]);
    await sera.run.says("Waiting");
    await sera.fail();
    const { code, stderr } = await sera.run.ended;
    assert.equal(code, 202);
    assert.match(stderr, new RegExp(`^sera: Unexpected error, please report it: ${kindOf(fault)}\n$`));
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    assert.equal((await place.sera(["--name", "n", "180", "true"])).code, 0);
    await assert.rejects(Deno.lstat(place.file("ran")));
  });

  Deno.test(`after the command's end, an internal error (${fault}) is one line, and the exit code is the command's`, async () => {
    await using place = await Place.make();
    const args = ["--name", "n", "--verbose", "--min-hold", "1h", "0", "sh", "-c", "exit 3"];
    await using sera = new Faulty(place, fault, args);
    await sera.run.says("Keeping the lock");
    await sera.fail();
    const line = `sera: Unexpected error, please report it: ${kindOf(fault)}; the command had already ended\n`;
    await sera.run.says(new RegExp(line));
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
    sera.run.kill("SIGTERM");
    const { code, stderr } = await sera.run.ended;
    assert.equal(code, 3);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  });
}

testWith([linux], "a tree that ignores TERM is killed before 208", async () => {
  await using place = await Place.make();
  const args = ["--ledger", "--grace", "100ms", "0", fixture("stubborn.sh"), place.file("child")];
  await using sera = new Faulty(place, "rejection", args);
  await sera.run.says("ready");
  const child = await until("its child", () => pidIn(place.file("child")));
  await sera.fail();
  assert.equal((await sera.run.ended).code, 208);
  assert.equal(lives(child), false);
  const [run] = await history(place);
  assert.deepEqual({ outcome: run!.outcome, exit_code: run!.exit_code }, { outcome: "failed", exit_code: 208 });
});

Deno.test("an internal error in a subcommand is one line, without a stack trace", async () => {
  await using place = await Place.make();
  await place.write("fault", "");
  // It waits for a server that takes a connection and never answers.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const args = ["status", "--server", `u:p@tcp(127.0.0.1:${(listener.addr as Deno.NetAddr).port})/`];
  await using sera = new Faulty(place, "timer", args);
  const { code, stderr } = await sera.run.ended;
  assert.equal(code, 202);
  assert.match(stderr, /^sera: Unexpected error, please report it: TypeError at [^\n]+\n$/);
});

const postgres = new SharedPostgres();

postgres.test("after an internal error heimdall exits with 1, once the program has been stopped", async () => {
  await using place = await Place.make();
  const args = ["heimdall", "--timeout", "60", fixture("slow_to_stop.sh"), place.file("go")];
  await using sera = new Faulty(place, "rejection", args, { SERA_SERVER: undefined, ...postgres.variables });
  await sera.run.says("ready");
  await sera.fail();
  await sera.run.says("stopping\n");
  const busy = await place.sera(["heimdall", "true"], { env: { SERA_SERVER: undefined, ...postgres.variables } });
  assert.equal(busy.code, 1);
  await place.write("go", "");
  const { code, stderr } = await sera.run.ended;
  assert.equal(code, 1);
  const said = stderr.replace("Terminated\n", "");
  assert.match(
    said,
    /^sera: Unexpected error while the command ran, please report it: TypeError at [^\n]+; stopping [^\n]+\n$/,
  );
});
