import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { splayedPause } from "../../lib/lock/splay.ts";
import { splayFor } from "../splayed.ts";
import { linux, terminal, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { Screen } from "./screen.ts";
import { KEY } from "./terminal.ts";

const LOCK = lockName("n");
const HOUR = 3_600_000;

/** The flags of a run that pauses for so long on this host, in milliseconds. */
function pausing(pause: number): readonly string[] {
  return ["--name", "n", "--splay", `${splayFor(pause, LOCK)}ms`];
}

Deno.test("a run first pauses for the time of its host and lock, and only then waits", async () => {
  await using place = await Place.make();
  const flags = [...pausing(700), "--verbose=stderr", "--log-format=json", "--once", "k", "--detailed-exit-codes"];
  for (const [code, last] of [[0, "released"], [205, "released"]] as const) {
    const began = performance.now();
    const ended = await place.sera([...flags, "0", "echo", "ran"]);
    assert.ok(performance.now() - began >= 700);
    assert.deepEqual([ended.code, ended.stdout], [code, code === 0 ? "ran\n" : ""]);
    const lines = ended.stderr.trim().split("\n").map((line) => JSON.parse(line));
    const events = lines.filter(({ event }) => event !== "note");
    const [{ event, pause }, turn] = events;
    assert.deepEqual([event, pause], ["pausing", splayedPause(splayFor(700, LOCK), Deno.hostname(), LOCK) / 1000]);
    assert.ok(Date.parse(turn.time) - Date.parse(events[0].time) >= 690);
    assert.equal(events.at(-1).event, last);
  }
});

Deno.test("SERA_SPLAY and the config file set it, and --splay 0 turns it off", async () => {
  await using place = await Place.make();
  const config = await place.write("sera.json", JSON.stringify({ splay: "2ms" }));
  const paused = async (flags: readonly string[], variable?: string) => {
    const env = { SERA_CONFIG: config, SERA_SPLAY: variable };
    const { code, stdout } = await place.sera(["--verbose", ...flags, "0", "true"], { env });
    assert.equal(code, 0);
    return /Pausing for .* \(--splay (.*)\)\.\n/.exec(stdout)?.[1];
  };
  assert.equal(await paused([]), "2ms");
  assert.equal(await paused([], "3ms"), "3ms");
  assert.equal(await paused(["--splay", "4ms"], "3ms"), "4ms");
  assert.equal(await paused(["--splay", "0"], "3ms"), undefined);
});

testWith([linux], "a signal ends the pause at once, and nothing has been connected to until then", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const connections: Deno.Conn[] = [];
  const listening = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  for (const scheme of ["mysql", "postgres", "etcd"]) {
    await using place = await Place.make(`${scheme}://${scheme === "etcd" ? "" : "root@"}127.0.0.1:${port}/`);
    for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129], ["SIGQUIT", 131]] as const) {
      await using run = place.startSera([...pausing(HOUR), "--verbose=stderr", "0", "echo", "ran"]);
      await run.says("Pausing for 1h before");
      run.kill(signal);
      const { code: exitCode, stdout, stderr } = await run.ended;
      assert.deepEqual([exitCode, stdout], [code, ""]);
      assert.match(stderr, /\nInterrupted by signal \d+ - the command was not executed\.\n$/);
    }
  }
  // Earlier connections are accepted before this one.
  const last = await Deno.connect({ hostname: "127.0.0.1", port });
  last.close();
  while (connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  listener.close();
  await listening;
  assert.equal(connections.length, 1);
  for (const connection of connections) connection.close();
});

Deno.test("during the pause the lock is free, and sera status shows nobody", async () => {
  await using place = await Place.make();
  await using run = place.startSera([...pausing(HOUR), "--verbose=stderr", "0", "echo", "ran"]);
  await run.says("Pausing for");
  assert.equal((await place.sera(["status", "--name", "n"])).code, 1);
  assert.deepEqual(JSON.parse((await place.sera(["status", "--json"])).stdout).locks, []);
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
  run.kill("SIGTERM");
  assert.equal((await run.ended).code, 143);
});

testWith([terminal], "at a terminal one line counts, which Ctrl-C takes away", async () => {
  await using place = await Place.make();
  await using screen = new Screen(place, `exec sera ${pausing(59_000).join(" ")} 0 echo ran`);
  const left = ([row = ""]: readonly string[]) => {
    const seconds = /^ {2}sera: asking for the lock in (\d+) s \(--splay\)$/.exec(row)?.[1];
    return seconds === undefined ? undefined : Number(seconds);
  };
  const before = left(await screen.shows("the line", (rows) => left(rows) !== undefined))!;
  await screen.shows("the line a second later", (rows) => (left(rows) ?? before) < before);
  await screen.type(KEY.ctrlC);
  assert.equal(await screen.ended(), 130);
  assert.deepEqual(await screen.rows(), []);
});
