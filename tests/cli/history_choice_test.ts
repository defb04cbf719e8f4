/** Which runs `sera history` is asked for, and whether one has succeeded of late. */

import assert from "node:assert/strict";
import { history, outcomes } from "./ledger_view.ts";
import { linux, terminal, testWith } from "./needs.ts";
import { fixture } from "./place.ts";
import { FILE, testOn, useTargets } from "./targets.ts";
import { startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";
import { testWrongHistory } from "./wrong_history.ts";

const targets = useTargets();
const DAY = 24 * 3600 * 1000;

for (const target of targets) {
  testOn(target, `history on ${target.name} of what failed, since when, where, and by key`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    const run = (...words: string[]) => place.sera(["--ledger", "--name", "n", ...words]);
    assert.equal((await run("0", "sh", "-c", "exit 3")).code, 3);
    assert.equal((await run("--once", "k", "0", "true")).code, 0);
    await ledger.age(2 * DAY);
    assert.equal((await run("0", "/no/such/command")).code, 203);
    assert.equal((await run("0", "true")).code, 0);
    await using holder = place.startSera(["--ledger", "--name", "other", "0", fixture("hold.sh")], {
      stdin: "open",
    });
    await holder.says("ready");
    const sorted = async (...args: string[]) => (await outcomes(place, ...args)).toSorted();
    assert.deepEqual(await sorted("--failed"), ["failed", "unstarted"]);
    assert.deepEqual(await outcomes(place, "--failed", "--limit", "1"), ["unstarted"]);
    assert.deepEqual(await sorted("--failed", "--since", "24h"), ["unstarted"]);
    assert.deepEqual(await sorted("--since", "24h"), ["running", "succeeded", "unstarted"]);
    assert.deepEqual(await sorted("--since", "3d", "--name", "n"), ["failed", "succeeded", "succeeded", "unstarted"]);
    assert.deepEqual(await sorted("--host", Deno.hostname(), "--failed"), ["failed", "unstarted"]);
    assert.deepEqual(await sorted("--host", "elsewhere"), []);
    assert.deepEqual((await history(place, "--once", "k")).map(({ key }) => key), ["k"]);
    assert.equal((await place.sera(["history", "--once", "other"])).stdout, "No such run has been recorded.\n");
    holder.kill("SIGKILL");
    await holder.ended;
    await started.endLease("other");
    // Nobody marks its run.
    await until(
      "its run has failed",
      async () => (await outcomes(place, "--failed", "--name", "other"))[0] !== undefined,
    );
    assert.deepEqual(await outcomes(place, "--failed", "--name", "other"), ["abandoned"]);
    assert.deepEqual(await sorted("--failed"), ["abandoned", "failed", "unstarted"]);
    assert.deepEqual((await outcomes(place, "--failed", "--limit", "2")).length, 2);
  });

  testOn(target, `history --succeeded-within on ${target.name} is 0 or 1, and one line`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    const asking = (...args: string[]) => place.sera(["history", "--succeeded-within", ...args]);
    const expect = async (args: string[], code: number, line: RegExp) => {
      const ended = await asking(...args);
      assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code, stderr: "" }, ended.stdout);
      assert.match(ended.stdout, /^[^\n]+\n$/);
      assert.match(ended.stdout, line);
    };
    const words = ["--", "sh", "-c", "exit $0", "0"];
    const none = /^No run has succeeded within 26h, and no earlier success is recorded\.$/m;
    await expect(["26h", ...words], 1, none);
    assert.equal((await place.sera(["--once", "k", "0", ...words.slice(1)])).code, 0);
    assert.equal((await place.sera(["--ledger", "0", "false"])).code, 1);
    await expect(
      ["26h", ...words],
      0,
      /^Succeeded within 26h: run \d+ by \S+ at \S+ \S+Z ended \d+ s ago \(\S+ \S+Z\)\.$/m,
    );
    await expect(["26h", "--once", "k", ...words], 0, /^Succeeded within 26h: run /);
    await expect(["26h", "--once", "other", ...words], 1, none);
    await expect(["26h", "--", "false"], 1, none);
    await expect(["26h", "--name", "n"], 1, none);
    await expect(["26h", "--host", "elsewhere", ...words], 1, none);
    await ledger.age(2 * DAY);
    await expect(["26h", ...words], 1, /^No run has succeeded within 26h: the last success, run .*, was 2 d ago \(/);
    await expect(["3d", ...words], 0, /^Succeeded within 72h: run /);
    const [run] = await history(place, ...words);
    for (const [span, code] of [["26h", 1], ["3d", 0]] as const) {
      const { code: ended, stdout } = await asking(span, "--json", ...words);
      assert.equal(ended, code);
      assert.deepEqual(JSON.parse(stdout), {
        succeeded: code === 0,
        within: span === "3d" ? 259_200 : 93_600,
        run,
      });
    }
  });
}

testWrongHistory({
  "a time that is none": {
    args: ["--since", "yesterday"],
    code: 201,
    says: /--since: yesterday; it takes whole seconds, or a duration such as 90m, 24h or 7d, from 1ms to 36500d$/m,
  },
  "a time of nothing": { args: ["--since=0"], code: 201, says: /--since: 0; / },
  "for ever": {
    args: ["--succeeded-within", "forever", "--name", "n"],
    code: 201,
    says: /Cannot use --succeeded-within: /,
  },
  "a success of nobody": {
    args: ["--succeeded-within", "1h"],
    code: 201,
    says: /whose success to look for; name the command after --, or add --name TEXT$/m,
  },
  "a success and failures": {
    args: ["--succeeded-within", "1h", "--failed", "--name", "n"],
    code: 201,
    says: /Cannot use --failed with --succeeded-within: it has no effect there; leave it out$/m,
  },
  "a host without a name": {
    args: ["--host", ""],
    code: 201,
    says: /Cannot use --host: it is empty; check the variable it comes from, or leave it out$/m,
  },
  "a schema and JSON": { args: ["--schema", "--json"], code: 201, says: /Cannot use --json with --schema/ },
  "a schema and a host": { args: ["--schema", "--host", "h"], code: 201, says: /Cannot use --host with --schema/ },
  "a success on a server that is not there": {
    args: ["--succeeded-within", "1h", "--name", "n", "--server", "u:hunter2@tcp(127.0.0.1:1)/x"],
    code: 202,
    says: /^sera: Cannot ask MySQL at tcp\(127\.0\.0\.1:1\): connection refused; check /,
  },
});

testWith([linux, terminal], "history --succeeded-within at a terminal has local times, and cuts no word", async () => {
  await using started = await FILE.start();
  const { place } = started;
  assert.equal((await place.sera(["--ledger", "--name", "n", "0", "true"])).code, 0);
  const asking = "stty columns 50; TZ=Asia/Kolkata sera history --succeeded-within 1h --name n";
  await using shown = startInTerminal(place, asking);
  const { code, stdout } = await shown.ended;
  assert.equal(code, 0);
  const rows = stdout.trimEnd().split("\r\n");
  assert.match(
    rows.join(" "),
    /^Succeeded within 1h: run 1 by \S+ at \S+ \S+\+05:30 ended .* ago \(\S+ \S+\+05:30\)\.$/,
  );
  assert.equal(rows.length > 1 && rows.every((row) => row.length <= 50), true, stdout);
});

testWith([linux], "a switch that is off does not clash with anything", async () => {
  await using started = await FILE.start();
  const { place } = started;
  assert.equal((await place.sera(["--ledger", "--name", "n", "0", "true"])).code, 0);
  const asked = ["history", "--succeeded-within", "1h", "--name", "n", "--failed=false"];
  assert.equal((await place.sera(asked)).code, 0);
  const flags = ["--server", "u@tcp(127.0.0.1:1)/x", "--json=false", "--failed=0"];
  const { code, stdout, stderr } = await place.sera(["history", "--schema", ...flags]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^CREATE TABLE /m);
});
