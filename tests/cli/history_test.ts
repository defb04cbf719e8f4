import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { history, outcomes } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import { FILE, testOn, useTargets } from "./targets.ts";
import { until } from "./wait.ts";
import { testWrongHistory } from "./wrong_history.ts";
import { startInTerminal } from "./terminal.ts";

/** What must not reach a terminal: control characters but for the end of a line, and what turns text round. */
// deno-lint-ignore no-control-regex
const HARMFUL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

/** A window's title, colours, a line of its own, and text from right to left. */
const HOSTILE = "\x1b]0;title\x07 \x1b[31m \u009b32m \r\nsera: all is well \u202e gnp.exe";

const targets = useTargets();

for (const target of targets) {
  testOn(target, `history on ${target.name} tells what ran, what runs, and what never came to its end`, async () => {
    await using started = await target.start();
    const { place } = started;
    assert.deepEqual(await place.sera(["history"]), { code: 0, stdout: "No run has been recorded.\n", stderr: "" });
    assert.deepEqual(await history(place), []);
    const began = Date.now();
    const sera = (...args: string[]) => place.sera(["--ledger", "--record-skips", ...args]);
    await sera("--once", "k", "0", "echo", "ran");
    await sera("--once", "k", "0", "echo", "ran");
    await sera("0", "sh", "-c", "exit 3");
    await sera("0", "/no/such/command");
    const flags = ["--ledger", "--label", "rotate logs"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");

    const runs = await history(place);
    assert.deepEqual(
      runs.map(({ label, key, exit_code, outcome }) => [label, key, exit_code, outcome]),
      [
        ["rotate logs", null, null, "running"],
        ["/no/such/command", null, 203, "unstarted"],
        ["sh", null, 3, "failed"],
        ["echo", "k", null, "skipped"],
        ["echo", "k", 0, "succeeded"],
      ],
    );
    const ids = runs.map(({ run_id: id }) => id);
    // etcd numbers all that is written.
    if (target.name === "etcd") assert.deepEqual(ids, [...new Set(ids)].toSorted((a, b) => b - a));
    else assert.deepEqual(ids, [5, 4, 3, 2, 1]);
    const [running, , failed] = runs;
    assert.deepEqual([running!.pid, running!.lock], [holder.pid, lockName(fixture("hold.sh"))]);
    for (const { host, user, started, finished, duration } of runs) {
      assert.deepEqual([host, user], [Deno.hostname(), failed!.user]);
      // The server is this machine.
      assert.ok(Date.parse(started) >= began - 1 && Date.parse(started) <= Date.now() + 1, started);
      assert.equal(duration, finished === null ? null : (Date.parse(finished) - Date.parse(started)) / 1000);
    }
    assert.deepEqual([running!.finished, running!.duration], [null, null]);

    const { stdout } = await place.sera(["history", "--limit", "3"]);
    const [header, ...lines] = stdout.split("\n");
    assert.match(header!, /^RUN +STARTED +TOOK +OUTCOME +CODE +HOST +LABEL$/);
    const shown = lines.map((line) => line.replace(/^\d+/, (id) => `#${ids.indexOf(Number(id))}`));
    assert.match(shown[0]!, /^#0 +20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ +- +running +- +\S+ +rotate logs$/);
    assert.match(shown[2]!, /^#2 +\S+ \S+Z +\d+m?s +failed +3 +\S+ +sh$/);
    assert.equal(lines.length, 4);
    const all = (await place.sera(["history"])).stdout.split("\n");
    assert.match(all[0]!, / +LABEL +KEY$/);
    assert.match(all[4]!, /^\d+ +\S+ \S+Z +- +skipped +- +\S+ +echo +k$/);

    await underWatch(holder);
    holder.kill("SIGKILL");
    await holder.ended;
    await started.endLease(fixture("hold.sh"));
    // Nobody has had the lock since, so that nobody has marked it. A server notices the end a moment later.
    const outcomeOfHolder = async () => (await history(place, "--", fixture("hold.sh")))[0]!.outcome;
    await until("nobody holds it", async () => await outcomeOfHolder() !== "running");
    assert.equal(await outcomeOfHolder(), "abandoned");
    assert.deepEqual(await outcomes(place, "--", "echo", "ran"), ["skipped", "succeeded"]);
    assert.deepEqual(await outcomes(place, "--limit", "1"), ["abandoned"]);
  });

  testOn(target, `a secret in the command's words is to be seen nowhere on ${target.name}`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    const words = ["sh", "-c", "echo ready; read _; exit 0", "hunter2marker"];
    await using holder = place.startSera(["--ledger", "0", ...words], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--ledger", "--record-skips", "--wait-and-skip", "180", ...words]);
    await started.waiters(words.join(" "));
    const shown = async () => [
      await ledger.all(),
      // No holder needs to be visible there.
      `${await started.sessions()} sh`,
      (await place.sera(["history"])).stdout,
      (await place.sera(["history", "--json"])).stdout,
    ];
    const during = await shown();
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
    assert.equal((await waiter.ended).code, 0);
    for (const text of [...during, ...await shown()]) {
      assert.match(text, /\bsh\b/);
      assert.doesNotMatch(text, /hunter2marker|read _/);
    }
  });

  testOn(target, `a label on ${target.name} does nothing to the terminal of who looks`, async () => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--name", "n", "--label", HOSTILE, "--once", "k \u009b31m k"];
    assert.equal((await place.sera([...flags, "0", "true"])).code, 0);
    const looks = [
      ["history"],
      ["history", "--json"],
      ["--verbose", ...flags, "0", "true"],
      ["--verbose", "--log-format=json", ...flags, "0", "true"],
    ];
    for (const args of looks) {
      const { code, stdout, stderr } = await place.sera(args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.doesNotMatch(stdout, HARMFUL, JSON.stringify(stdout));
    }
    // Yet nothing is lost.
    assert.equal((await history(place))[0]!.label, HOSTILE);
  });
}

testOn(FILE, "history of one lock, by its name or by the command's words", async () => {
  await using started = await FILE.start();
  const { place } = started;
  for (const name of ["a", "b"]) await place.sera(["--ledger", "--name", name, "0", "true"]);
  await place.sera(["--ledger", "0", "echo", "a  b", ""]);
  const ids = async (...args: string[]) => (await history(place, ...args)).map(({ run_id }) => run_id);
  assert.deepEqual(await ids(), [3, 2, 1]);
  assert.deepEqual(await ids("--name", "a"), [1]);
  assert.deepEqual(await ids("--", "echo", "a  b", ""), [3]);
  assert.deepEqual(await ids("echo", "a  b", ""), [3]);
  assert.deepEqual(await ids("--name", "c"), []);
  assert.deepEqual(await ids("--limit", "2"), [3, 2]);
});

testOn(FILE, "without --record-skips, and without the ledger, nothing is recorded", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await place.sera(["0", "true"]);
  assert.deepEqual(await history(place), []);
  for (let i = 0; i < 2; i++) await place.sera(["--once", "k", "0", "true"]);
  assert.deepEqual(await outcomes(place), ["succeeded"]);
});

testOn(FILE, "history is asked for by what status shows of a lock, and makes nothing", async () => {
  await using started = await FILE.start();
  const { place } = started;
  const none = (what: string) => ({ code: 0, stdout: `${what} has been recorded.\n`, stderr: "" });
  assert.deepEqual(await place.sera(["history"]), none("No run"));
  await assert.rejects(Deno.stat(place.locks), Deno.errors.NotFound);
  for (const name of ["one", "two"]) await place.sera(["--ledger", "--name", name, "0", "true"]);
  const labels = async (...args: string[]) => (await history(place, ...args)).map(({ label }) => label);
  assert.deepEqual(await labels(), ["two", "one"]);
  assert.deepEqual(await labels("--lock", lockName("one").slice(0, 12)), ["one"]);
  assert.deepEqual(await labels("--lock", lockName("two")), ["two"]);
  for (const lock of ["jobs/x", "%"]) {
    assert.deepEqual(
      await place.sera(["history", "--lock", lock]),
      none(`No run under a lock that begins with ${lock}`),
    );
  }
  const ofOne = none("No run under this lock");
  assert.deepEqual(await place.sera(["history", "--name", "three"]), ofOne);
  assert.deepEqual(await place.sera(["history", "other"]), ofOne);
});

testOn(FILE, "on a terminal the tables fit 80 columns, and nowhere else is anything cut", async () => {
  await using started = await FILE.start();
  const { place } = started;
  const label = "a label that is longer than any terminal is wide, 報告, ".repeat(3).trim();
  const words = ["--ledger", "--once", label, "--label", label, "--name", "n", "0", fixture("hold.sh")];
  await using holder = place.startSera(words, { stdin: "open" });
  await holder.says("ready");
  for (const command of ["status", "history"]) {
    const [header, line] = (await place.sera([command])).stdout.split("\n");
    assert.ok(line!.includes(label));
    await using terminal = startInTerminal(place, `stty columns 80 rows 24; exec sera ${command}`);
    const { code, stdout } = await terminal.ended;
    const [shownHeader, shown] = stdout.split("\r\n");
    assert.deepEqual([code, shownHeader!.split(/ +/)], [0, header!.split(/ +/)]);
    assert.match(shown!, /a lab[^]*…/);
    const columns = [...shown!].reduce((sum, character) => sum + (/[報告]/.test(character) ? 2 : 1), 0);
    assert.ok(columns <= 80, `${columns}: ${shown}`);
    for (const text of [header!, line!, shownHeader!, shown!]) assert.doesNotMatch(text, / $/);
  }
});

testWrongHistory({
  "a limit of 0": {
    args: ["--limit", "0"],
    code: 201,
    says: /--limit: 0; it takes a number of runs, from 1 to 999999999$/m,
  },
  "a limit that is no number": { args: ["--limit=many"], code: 201, says: /--limit: many/ },
  "a wait before the command": { args: ["0", "echo", "x"], code: 201, says: /sera history -- echo/ },
  "a name and a command": {
    args: ["--name", "n", "--", "echo"],
    code: 201,
    says: /leave out the command, or --name$/m,
  },
  "an empty --lock": {
    args: ["--lock="],
    code: 201,
    says: /--lock: it is empty; copy it from the column LOCK of sera status/,
  },
  "a name and --lock": {
    args: ["--name", "n", "--lock", "a"],
    code: 201,
    says: /both by --lock and by --name; leave out --lock, or --name$/m,
  },
  "a command and --lock": {
    args: ["--lock", "5", "--", "true"],
    code: 201,
    says: /both by --lock and by its command; leave out --lock, or the command$/m,
  },
  "an unknown flag": { args: ["--count"], code: 201, says: /--count.*sera history --help/ },
  "a schema of a file": { args: ["--schema"], code: 201, says: /a file: server: .*creates the ledger itself/ },
  "a database that is not named": {
    args: ["--server", "u:hunter2@tcp(127.0.0.1:1)/"],
    code: 200,
    says: /names no database.*\/DATABASE, or set --ledger-table DATABASE\.sera_runs/,
  },
  "a server that is not there": {
    args: ["--server", "u:hunter2@tcp(127.0.0.1:1)/x"],
    code: 202,
    says: /^sera: Cannot ask MySQL at tcp\(127\.0\.0\.1:1\): connection refused; check /,
  },
});
