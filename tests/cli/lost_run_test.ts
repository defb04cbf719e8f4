/** Runs whose end the ledger does not learn of, since their lock has gone. */

import assert from "node:assert/strict";
import { RESTARTS, useHeldSessions } from "./held_session.ts";
import { history, outcomes } from "./ledger_view.ts";
import { Proxy } from "../servers/proxy.ts";
import { fixture, Place } from "./place.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };

const servers = useHeldSessions();

for (const shared of servers) {
  const make = () =>
    Place.make(shared.sessions.server, {
      SERA_LEDGER_TABLE: `${shared.name === "PostgreSQL" ? "public" : "sera"}.runs`,
    });

  shared.test("a run whose lock was lost is abandoned, and is run again", async () => {
    await using place = await make();
    const flags = ["--name", "lost", "--once", "k"];
    await using run = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await run.says("ready");
    assert.equal((await outcomes(place, "--name", "lost"))[0], "running");
    assert.ok(await shared.sessions.cutHolder("lost"));
    const { code, stderr } = await run.ended;
    assert.equal(code, 206);
    assert.match(
      stderr,
      /^sera: Lock lost: [^\n]+\nsera: Cannot record in the ledger how the command ended, since the lock is lost: run \d+ counts as abandoned[^\n]+\n$/,
    );
    assert.equal((await outcomes(place, "--name", "lost"))[0], "abandoned");
    assert.deepEqual(await place.sera([...flags, "180", "echo", "ran"]), RAN);
    assert.deepEqual(await outcomes(place, "--name", "lost"), ["succeeded", "abandoned"]);
  });

  shared.test("a lock lost during --min-hold is reported, and the exit code is the command's", async () => {
    await using place = await make();
    const flags = ["--verbose", "--name", "hold", "--once", "k", "--min-hold", "20s"];
    await using run = place.startSera([...flags, "0", "sh", "-c", "exit 3"]);
    await run.says("Keeping the lock");
    assert.equal((await place.sera(["--name", "hold", "0", "true"])).code, 204);
    assert.deepEqual(await outcomes(place, "--name", "hold"), ["failed"]);
    assert.ok(await shared.sessions.cutHolder("hold"));
    const { code, stderr } = await run.ended;
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^sera: Lock lost: [^\n]+; the command had already ended, but another node may have run it before --min-hold was over\n$/,
    );
  });

  shared.test(
    "the server dies during --on-lost=warn: the exit code is kept, and sera says that it may run again",
    async () => {
      await using place = await make();
      const flags = ["--on-lost", "warn", "--name", "died", "--once", "k"];
      await using run = place.startSera([...flags, "0", "sh", "-c", "echo ready; read _; exit 3"], { stdin: "open" });
      await run.says("ready");
      await shared.sessions.kill();
      try {
        await run.says("goes on");
        await run.closeStdin();
        const { code, stderr } = await run.ended;
        assert.equal(code, 3);
        const lines = stderr.split("\n").filter((line) => line.includes("may be run again"));
        assert.equal(lines.length, 1, stderr);
        assert.match(
          lines[0]!,
          /^sera: Cannot record in the ledger how the command ended, since the lock is lost: run \d+ counts as abandoned/,
        );
      } finally {
        await shared.sessions.restart();
      }
      assert.deepEqual(await place.sera([...flags, "180", "echo", "ran"]), RAN);
      assert.deepEqual(await outcomes(place, "--name", "died"), ["succeeded", "abandoned"]);
      assert.equal((await history(place, "--name", "died"))[1]!.exit_code, null);
    },
    RESTARTS,
  );

  shared.test("a deleted or changed row is reported when the run ends, and the exit code is kept", async () => {
    await using place = await make();
    const table = `${shared.name === "PostgreSQL" ? "public" : "sera"}.runs`;
    const again = "the command may be run again";
    const cases = [
      ["--ledger", `DELETE FROM ${table}`, `has been deleted, so ${again}`],
      ["--count-failures", `DELETE FROM ${table}`, `has been deleted, so ${again}`],
      [
        "--count-failures",
        `UPDATE ${table} SET outcome = 'abandoned'`,
        "is marked as abandoned; run \\d+ counts as abandoned, and may keep the command from being run again \\(--count-failures\\)",
      ],
    ] as const;
    for (const [flag, statement, consequence] of cases) {
      const words = ["--once", "k", flag, "--name", "gone", "0", "sh", "-c", "echo ready; read _; exit 3"];
      await using run = place.startSera(words, { stdin: "open" });
      await run.says("ready");
      await shared.sessions.query(statement);
      await run.closeStdin();
      const { code, stderr } = await run.ended;
      assert.equal(code, 3);
      assert.match(
        stderr,
        new RegExp(
          `^sera: Cannot use the ledger \\S+runs: run \\d+ ${consequence}; the lock was held the whole time, so nobody else has run it\n$`,
        ),
      );
    }
  });
}

const [mariaDb] = servers;

/** A way to MariaDB that a test can hold up. */
async function openProxy(): Promise<{ readonly proxy: Proxy; readonly server: string }> {
  const { server } = mariaDb!.sessions;
  const port = /:(\d+)\)/.exec(server)![1]!;
  const proxy = await Proxy.open(Number(port));
  return { proxy, server: proxy.instead(server) };
}

mariaDb!.test(
  "a server that answers no more when the command ends: its exit code is kept, and that is said",
  async () => {
    const { proxy, server } = await openProxy();
    await using _ = proxy;
    await using place = await Place.make(`${server}&readTimeout=1s`, { SERA_LEDGER_TABLE: "sera.runs" });
    const flags = ["--name", "silent", "--once", "k"];
    await using run = place.startSera([...flags, "0", "sh", "-c", "echo ready; read _; exit 3"], { stdin: "open" });
    await run.says("ready");
    proxy.stall();
    await run.closeStdin();
    const { code, stderr } = await run.ended;
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^sera: Cannot use the ledger \S+: [^\n]+no answer for 1s[^\n]+; run \d+ counts as abandoned, and the command may be run again; the lock was lost meanwhile, after the command had ended; [^\n]+\n$/,
    );
    proxy.cut();
    proxy.resume();
    assert.deepEqual(await place.sera([...flags, "180", "echo", "ran"]), RAN);
  },
);

mariaDb!.test("a signal ends the wait for a ledger whose server does not answer", async () => {
  const { proxy, server } = await openProxy();
  await using _ = proxy;
  await using place = await Place.make(`${server}&readTimeout=25s`, { SERA_LEDGER_TABLE: "sera.runs" });
  const words = ["--verbose=stderr", "--name", "hung", "--ledger", "0", "sh", "-c", "echo ready; read _; exit 3"];
  await using run = place.startSera(words, { stdin: "open" });
  await run.says("ready");
  proxy.stall();
  await run.closeStdin();
  await run.says("finished with exit code 3");
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^sera: Cannot use the ledger \S+: [^\n]+no answer, and a signal ended the wait; run \d+ counts/m,
  );
});

mariaDb!.test("when a lock is lost since the server is silent, nobody waits for the ledger", async () => {
  const { proxy, server } = await openProxy();
  await using _ = proxy;
  await using place = await Place.make(server, { SERA_LEDGER_TABLE: "sera.runs" });
  await using run = place.startSera(
    ["--ledger", "--ttl", "6s", "--grace", "0", "--name", "n", "0", fixture("hold.sh")],
    {
      stdin: "open",
    },
  );
  await run.says("ready");
  proxy.stall();
  assert.equal((await run.ended).code, 206);
});
