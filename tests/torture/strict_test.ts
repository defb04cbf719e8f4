import assert from "node:assert/strict";
import { fixture } from "../cli/place.ts";
import { linux, testWith } from "../cli/needs.ts";
import { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { check } from "./journal.ts";
import { violations } from "./strict.ts";

function found(...lines: string[]): string[] {
  return violations(check(lines.map((line) => `${line}\n`).join(""), 0));
}

Deno.test("consecutive runs with growing tokens pass", () => {
  const first = ["begin a 1.00", "token a 7 1.00", "beat a 1.01", "end a 1.02"];
  const killed = ["begin b 1.02", "token b 8 1.02", "beat b 1.03"];
  const early = ["fault kill c 1.04", "begin c 1.04"];
  const last = ["begin d 1.05", "token d 10000000000000000001 1.05", "end d 1.06"];
  assert.deepEqual(found(...first, ...killed, ...early, ...last), []);
});

Deno.test("a fault excuses no overlap", () => {
  const lines = ["begin a 1.00", "token a 1 1.00", "fault kill a 1.01", "begin b 1.02", "beat a 1.03", "end b 1.04"];
  assert.deepEqual(found(...lines), ["b began while a ran, for 10 ms"]);
});

Deno.test("a run that is alive but silent overlaps, too", () => {
  assert.deepEqual(found("begin a 1.00", "clash b 1.01", "begin b 1.01", "end b 1.04"), [
    "b began while another one lived",
  ]);
});

Deno.test("a token that repeats, decreases or is missing is reported", () => {
  const withTokens = (...tokens: string[]) =>
    found(
      ...tokens.flatMap((token, run) => [`begin ${run} ${run}`, `token ${run} ${token} ${run}`, `end ${run} ${run}`]),
    );
  assert.deepEqual(withTokens("1", "1"), ["1 has the token 1 after 0 had 1"]);
  assert.deepEqual(withTokens("1", "9", "8", "9"), ["2 has the token 8 after 1 had 9"]);
  // As numbers, also where they are more than a double holds.
  assert.deepEqual(withTokens("9", "10"), []);
  assert.deepEqual(withTokens("9007199254740993", "9007199254740992"), [
    "1 has the token 9007199254740992 after 0 had 9007199254740993",
  ]);
  for (const bad of ["none", "0", "-1", "01", "1.5"]) assert.deepEqual(withTokens(bad), [`the token of 0 is ${bad}`]);
});

Deno.test("the tokens of one slot grow without regard to another's", () => {
  const runs = (...runs: [slot: string, token: string][]) =>
    found(
      ...runs.flatMap(([slot, token], run) => [`begin ${run} ${slot} 1`, `token ${run} ${token} 1`, `end ${run} 1`]),
    );
  assert.deepEqual(runs(["0", "7"], ["1", "3"], ["0", "8"], ["1", "4"]), []);
  assert.deepEqual(runs(["0", "7"], ["1", "3"], ["0", "7"]), ["2 has the token 7 after 0 had 7"]);
});

testWith([linux], "a command of the torture that was killed has ended, also for one that begins at once", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-journal-" });
  try {
    const [journal, alone] = [`${folder}/journal`, `${folder}/alone`];
    const start = (run: string) =>
      new Running([fixture("heartbeat.sh"), journal, run, run === "d" ? "1" : "100000", "stubborn", alone], {
        env: { PATH: Deno.env.get("PATH"), SERA_TOKEN: "5" },
      });
    const says = (line: string) =>
      until(line, async () => (await Deno.readTextFile(journal).catch(() => "")).includes(line));
    await using first = start("a");
    await says("beat a");
    await using second = start("b");
    await says("beat b");
    second.kill("SIGKILL");
    await second.ended;
    await using third = start("c");
    await says("beat c");
    for (const run of [first, third]) {
      run.kill("SIGKILL");
      await run.ended;
    }
    await using last = start("d");
    await last.ended;
    const text = await Deno.readTextFile(journal);
    const { clashes, tokens, finished } = check(text, 0);
    assert.deepEqual({ clashes, finished }, { clashes: ["b", "c"], finished: 1 });
    assert.deepEqual(tokens, ["a", "b", "c", "d"].map((run) => [run, "5"]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
