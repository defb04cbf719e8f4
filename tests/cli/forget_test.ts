/** `sera forget`: lets a command run again that --once or --every would skip. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { history, outcomes } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import { FILE, testOn, useTargets } from "./targets.ts";
import { startInTerminal } from "./terminal.ts";

const targets = useTargets();

for (const target of targets) {
  for (const rule of [["--once", "a key"], ["--every", "1h"]]) {
    testOn(target, `after forget ${rule.join(" ")} on ${target.name} the command runs again, once`, async () => {
      await using started = await target.start();
      const { place } = started;
      const run = () => place.sera([...rule, "--detailed-exit-codes", "0", "echo", "ran"]);
      assert.equal((await run()).stdout, "ran\n");
      assert.equal((await run()).code, 205);
      const id = (await history(place))[0]!.run_id;
      const { code, stdout, stderr } = await place.sera(["forget", "--yes", ...rule, "--", "echo", "ran"]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, new RegExp(`^Forgot run ${id} by \\S+ at [^\\n]+Z, which succeeded\\.\\nWith --\\w+ `));
      const [by, forgotten] = await history(place);
      assert.deepEqual([forgotten!.run_id, forgotten!.outcome, forgotten!.exit_code], [id, "forgotten", 0]);
      assert.deepEqual([by!.outcome, by!.host, by!.user], ["forgot", Deno.hostname(), forgotten!.user]);
      assert.equal(by!.label, `run ${id}, by ${by!.user}`);
      assert.equal((await run()).stdout, "ran\n");
      assert.equal((await run()).code, 205);
      assert.deepEqual(await outcomes(place), ["succeeded", "forgot", "forgotten"]);
    });
  }

  testOn(target, `forget on ${target.name} changes nothing while the command runs`, async () => {
    await using started = await target.start();
    const { place } = started;
    const name = ["--name", "n", "--once", "k", "--count-failures"];
    assert.equal((await place.sera([...name, "0", "false"])).code, 1);
    const flags = ["--name", "n", "--ledger"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = await place.sera(["forget", "--yes", ...json, ...name]);
      assert.deepEqual({ code, stdout }, { code: 204, stdout: "" });
      assert.match(stderr, /^sera: Nothing was forgotten: the lock is held[^\n]*; wait until its command has ended\n$/);
    }
    assert.deepEqual(await outcomes(place), ["running", "failed"]);
    await holder.closeStdin();
    await holder.ended;
    assert.equal((await place.sera([...name, "0", "true"])).code, 0);
    assert.equal((await place.sera(["forget", "--yes", ...name])).code, 0);
    assert.equal((await place.sera([...name, "0", "sh", "-c", "exit 3"])).code, 3);
  });

  testOn(target, `forget on ${target.name} with nothing left, only failures, or another rule's runs`, async () => {
    await using started = await target.start();
    const { place } = started;
    const none = (about: string) => ({ code: 1, stdout: `No run counts for ${about}\n`, stderr: "" });
    const forget = (...args: string[]) => place.sera(["forget", "--yes", "--name", "n", ...args]);
    assert.deepEqual(await forget("--once", "k"), none("--once k: nothing to forget."));
    assert.deepEqual(await forget("--once", "k", "--json"), { code: 1, stdout: '{"forgotten":[]}\n', stderr: "" });
    assert.equal((await place.sera(["--name", "n", "--once", "k", "0", "false"])).code, 1);
    const [run] = await history(place);
    assert.deepEqual(
      await forget("--once", "k"),
      none(`--once k: nothing to forget.\nWith --count-failures run ${run!.run_id}, which failed, would count.`),
    );
    assert.deepEqual(await forget("--once", "other"), none("--once other: nothing to forget."));
    const { code, stdout } = await forget("--once", "k", "--count-failures", "--json");
    assert.deepEqual({ code, forgotten: JSON.parse(stdout).forgotten }, { code: 0, forgotten: [run] });
    assert.deepEqual(await outcomes(place), ["forgot", "forgotten"]);
  });

  testOn(target, `a run on ${target.name} whose sera was killed is forgotten with those that failed`, async () => {
    await using started = await target.start();
    const { place } = started;
    const rule = ["--name", "n", "--once", "k", "--count-failures"];
    await using holder = place.startSera([...rule, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    // Until then its command goes on.
    await underWatch(holder);
    holder.kill("SIGKILL");
    await holder.ended;
    await started.endLease("n");
    // Its lock is free when the server has noticed.
    assert.equal((await place.sera(["--name", "n", "180", "true"])).code, 0);
    const { code, stdout } = await place.sera(["forget", "--yes", "--name", "n", "--once", "k", "--count-failures"]);
    assert.equal(code, 0);
    assert.match(stdout, /, which was abandoned\./);
    assert.deepEqual(await outcomes(place), ["forgot", "forgotten"]);
    assert.equal((await place.sera([...rule, "0", "true"])).code, 0);
  });
}

testOn(FILE, "at a terminal forget shows the run and asks; only yes is yes", async () => {
  await using started = await FILE.start();
  const { place } = started;
  const rule = "--name n --once k";
  assert.equal((await place.shell(`sera ${rule} 0 true`)).code, 0);
  const asking = `stty columns 80 rows 24; export TZ=Asia/Kolkata; exec sera forget ${rule}`;
  for (const answer of ["\n", "n\n", "yep\n", "\x04", "\x03"]) {
    await using terminal = startInTerminal(place, asking);
    await terminal.says("Forget run 1, so that --once k lets the command run again? [y/N] ");
    await terminal.write(answer);
    const { code, stdout } = await terminal.ended;
    assert.match(stdout, /^RUN +STARTED[^]*\n1 .* succeeded +0 .* n +k\r\n/);
    // A signal by the terminal's key ends it as it ends any program.
    assert.equal(code, answer === "\x03" ? 130 : 1, JSON.stringify(stdout));
    assert.deepEqual(await outcomes(place), ["succeeded"]);
  }
  for (const answer of ["y\n", "YES\n"]) {
    await using terminal = startInTerminal(place, asking);
    await terminal.says("[y/N] ");
    await terminal.write(answer);
    const { code, stdout } = await terminal.ended;
    assert.equal(code, 0);
    assert.match(stdout, /\r\nForgot run \d+ by \S+ at \S+ \S+\+05:30, which succeeded\.\r\n/);
    assert.equal((await place.shell(`sera ${rule} 0 true`)).code, 0);
  }
});

testOn(FILE, "at a terminal forget tells in local time who holds the lock", async () => {
  await using started = await FILE.start();
  const { place } = started;
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using terminal = startInTerminal(place, "TZ=Asia/Kolkata sera forget --name n --once k");
  const { code, stdout } = await terminal.ended;
  assert.match(stdout, /^sera: Nothing was forgotten: the lock is held \(\S+ n, since \S+ \S+\+05:30 /);
  assert.equal(code, 204);
});

testOn(FILE, "runs that began to count while somebody thought are not forgotten unseen", async () => {
  await using started = await FILE.start();
  const { place } = started;
  assert.equal((await place.shell("sera --name n --every 1h 0 true")).code, 0);
  await using terminal = startInTerminal(place, "exec sera forget --name n --every 1h");
  await terminal.says("[y/N] ");
  assert.equal((await place.shell("sera --name n --ledger 0 true")).code, 0);
  await terminal.write("y\n");
  const { code, stdout } = await terminal.ended;
  assert.equal(code, 202);
  assert.match(
    stdout,
    /sera: Nothing was forgotten: the runs that count have changed meanwhile; check them with sera history, and try again\r\n$/,
  );
  assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
  await using again = startInTerminal(place, "exec sera forget --name n --every 1h");
  await again.says("Forget 2 runs, so that --every 1h lets the command run again? [y/N] ");
  await again.write("y\n");
  assert.equal((await again.ended).code, 0);
  assert.equal((await place.shell("sera --name n --every 1h 0 echo ran")).stdout, "ran\n");
});

const WRONG: Record<string, { args: string[]; code: number; says: RegExp }> = {
  "no rule": {
    args: ["--yes", "--name", "n"],
    code: 201,
    says: /no rule is given; add --once KEY or --every DURATION$/m,
  },
  "no command": { args: ["--yes", "--once", "k"], code: 201, says: /whose runs to forget; name the command after --/ },
  "no terminal": { args: ["--once", "k", "--name", "n"], code: 201, says: /stdin is not a terminal; use --yes$/m },
  "a wait before the command": {
    args: ["--yes", "--once", "k", "0", "echo", "x"],
    code: 201,
    says: /sera forget -- echo/,
  },
  "a name and a command": {
    args: ["--yes", "--once", "k", "--name", "n", "--", "echo"],
    code: 201,
    says: /both by --name and by command; leave out the command, or --name$/m,
  },
  "a span that is none": { args: ["--yes", "--every", "often", "--name", "n"], code: 201, says: /--every/ },
  "the ledger off": {
    args: ["--yes", "--once", "k", "--name", "n", "--ledger=false"],
    code: 201,
    says: /the ledger is turned off by --ledger=false; .*, or leave --once out$/m,
  },
  "a server that is not there": {
    args: ["--yes", "--once", "k", "--name", "n", "--server", "u:hunter2@tcp(127.0.0.1:1)/x"],
    code: 202,
    says: /^sera: Cannot ask MySQL at tcp\(127\.0\.0\.1:1\): connection refused; check /,
  },
};

for (const [what, { args, code, says }] of Object.entries(WRONG)) {
  testInProcess(`forget with ${what} is ${code}, and one line`, async () => {
    await using started = await FILE.start();
    const ended = await inProcess(started.place, ["forget", ...args]);
    assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
    assert.match(ended.stderr, /^sera: [^\n]+\n$/);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /hunter2/);
  }, [FILE.need]);
}

testOn(FILE, "forget shows the runs to a person on stderr, also where stdout is a file", async () => {
  await using started = await FILE.start();
  const { place } = started;
  assert.equal((await place.shell("sera --name n --once k 0 true")).code, 0);
  await using terminal = startInTerminal(place, "TZ=Asia/Kolkata sera forget --name n --once k >/dev/null");
  await terminal.says("[y/N] ");
  await terminal.write("n\n");
  assert.match((await terminal.ended).stdout, /\n1 +\S+ \S+\+05:30 /);
});
