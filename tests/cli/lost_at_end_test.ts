/** A lock that is lost around the command's end: each line says only what is known of the time. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { Proxy } from "../servers/proxy.ts";
import { RESTARTS, useHeldSessions } from "./held_session.ts";
import { outcomes } from "./ledger_view.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";

const AT_THE_SAME_TIME = "another node may have run the command at the same time";
const IN_MIN_HOLD = "the command had already ended, but another node may have run it before --min-hold was over";

/** A driver's own words for a connection that has gone. */
const DRIVERS = /Can't add|closed state|not queryable|terminated/;

for (const flags of [[], ["--ledger"], ["--once", "k"]]) {
  testWith(
    [linux],
    `a lock file that is removed while the command runs is told as that: ${flags.join(" ") || "no ledger"}`,
    async () => {
      await using place = await Place.make();
      const all = [...flags, "--name", "n"];
      const script = 'rm "$0"; sera --name n 0 echo second';
      const file = `${place.locks}/${lockName("n")}.lock`;
      const { code, stdout, stderr } = await place.run(["sera", ...all, "0", "sh", "-c", script, file]);
      assert.deepEqual([code, stdout], [0, "second\n"]);
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.pop(), `sera: The lock file was removed while it was held: ${file}; ${AT_THE_SAME_TIME}`);
      const isRecorded =
        "sera: Cannot record in the ledger how the command ended, since the lock is lost: run 1 counts as abandoned, and the command may be run again; check what it has done before it runs again";
      assert.deepEqual(lines, flags.length === 0 ? [] : [isRecorded]);
      if (flags.length > 0) assert.deepEqual(await outcomes(place, "--name", "n"), ["abandoned"]);
    },
  );
}

testWith([linux], "a folder that is removed with its ledger while the command runs is told as that", async () => {
  await using place = await Place.make();
  const script = 'rm -r "$0"; sera --name n 0 echo second';
  const words = ["sera", "--ledger", "--name", "n", "0", "sh", "-c", script, place.locks];
  const { code, stdout, stderr } = await place.run(words);
  assert.deepEqual([code, stdout], [0, "second\n"]);
  assert.match(
    stderr,
    /^sera: Cannot record in the ledger how the command ended, since the lock is lost: [^\n]+\nsera: The lock file was removed [^\n]+\n$/,
  );
  assert.ok(stderr.endsWith(`; ${AT_THE_SAME_TIME}\n`));
});

testWith([linux], "a lock file that is removed during --min-hold was there when the command ended", async () => {
  await using place = await Place.make();
  const flags = ["--verbose", "--name", "n", "--ttl", "3s", "--min-hold", "1h"];
  await using run = place.startSera([...flags, "0", "sh", "-c", "exit 3"]);
  await run.says("Keeping the lock");
  await Deno.remove(`${place.locks}/${lockName("n")}.lock`);
  const { code, stderr } = await run.ended;
  assert.equal(code, 3);
  assert.match(stderr, /^sera: The lock file was removed while it was held: [^\n]+\n$/);
  assert.ok(stderr.endsWith(`; ${IN_MIN_HOLD}\n`), stderr);
});

for (const shared of useHeldSessions()) {
  const make = (server = shared.sessions.server) =>
    Place.make(server, { SERA_LEDGER_TABLE: `${shared.name === "PostgreSQL" ? "public" : "sera"}.runs` });

  for (const flags of [[], ["--ledger"]]) {
    const how = flags.length === 0 ? "without" : "with";
    shared.test(`a session killed during --min-hold, ${how} a ledger: the lock was held when the command ended`, async () => {
      await using place = await make();
      const name = `killed ${how}`;
      const all = [...flags, "--verbose", "--name", name, "--min-hold", "1h"];
      await using run = place.startSera([...all, "0", "sh", "-c", "exit 3"]);
      await run.says("Keeping the lock");
      assert.ok(await shared.sessions.cutHolder(name));
      const { code, stderr } = await run.ended;
      assert.equal(code, 3);
      assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
      assert.ok(stderr.endsWith(`; ${IN_MIN_HOLD}\n`), stderr);
      assert.doesNotMatch(stderr, DRIVERS);
    });
  }

  shared.test("a sera that is stopped during --min-hold until another has the lock reports that", async () => {
    await using place = await make();
    const flags = ["--name", "stopped", "--ttl", "6s", "--grace", "0"];
    await using run = place.startSera([...flags, "--verbose", "--min-hold", "1h", "0", "true"]);
    await run.says("Keeping the lock");
    await run.suspend();
    const other = await place.sera([...flags, "forever", "echo", "ran"]);
    assert.deepEqual(other, { code: 0, stdout: "ran\n", stderr: "" });
    run.kill("SIGCONT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
    assert.ok(stderr.endsWith(`; ${IN_MIN_HOLD}\n`), stderr);
    assert.doesNotMatch(stderr, DRIVERS);
  });

  shared.test("a session killed unnoticed while the command runs is not reported as held until its end", async () => {
    const { server } = shared.sessions;
    const port = /127\.0\.0\.1:(\d+)/.exec(server)![1]!;
    await using proxy = await Proxy.open(Number(port));
    await using place = await make(proxy.instead(server));
    const all = ["--verbose=stderr", "--ttl", "1h", "--name", "unseen"];
    await using run = place.startSera([...all, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    proxy.stall();
    assert.ok(await shared.sessions.cutHolder("unseen"));
    const second = await place.sera(["--server", server, "--name", "unseen", "forever", "echo", "second"]);
    assert.deepEqual(second, { code: 0, stdout: "second\n", stderr: "" });
    await run.closeStdin();
    await run.says("finished with exit code");
    proxy.resume();
    const { code, stderr } = await run.ended;
    assert.equal(code, 0);
    const lines = stderr.split("\n").filter((line) => line.startsWith("sera: "));
    assert.ok(lines.some((line) => line.includes(AT_THE_SAME_TIME)), stderr);
    for (const line of lines) assert.doesNotMatch(line, /had ended|since it ended|held the whole time/);
    assert.doesNotMatch(stderr, DRIVERS);
  }, RESTARTS);
}
