/** How lines are passed to logger(1), and what happens if it does not accept them. */

import assert from "node:assert/strict";
import { keepExitCodes } from "../../lib/system/children.ts";
import { deliverToSyslog, sendToSyslog } from "../../lib/log/syslog.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { FakeLogger, type LoggerWay } from "./fake_logger.ts";

// Once for the process, and so in no test.
keepExitCodes();

Deno.test("a line goes to logger's stdin, with tag and severity, and to the given socket", async () => {
  for (const [socket, options] of [[undefined, []], ["/run/log", ["-u", "/run/log"]]] as const) {
    for (const severity of ["err", "notice"] as const) {
      using program = new FakeLogger();
      await sendToSyslog(socket, severity, "-x a secret");
      const [{ args, text, options: how }] = program.starts as [(typeof program.starts)[number]];
      assert.deepEqual(args, ["-t", `sera[${Deno.pid}]`, "-p", `user.${severity}`, ...options]);
      assert.equal(text, "-x a secret\n");
      // Neither the environment nor the folder is the command's.
      assert.deepEqual({ clearEnv: how.clearEnv, env: how.env, cwd: how.cwd }, {
        clearEnv: true,
        env: undefined,
        cwd: "/",
      });
      assert.deepEqual({ stdout: how.stdout, stderr: how.stderr }, { stdout: "null", stderr: "null" });
    }
  }
});

Deno.test("a text becomes one printable line", async () => {
  using program = new FakeLogger();
  await sendToSyslog(undefined, "err", "one\n<0>two\tthree\x1b[31m");
  assert.equal(program.starts[0]!.text, "one <0>two three [31m\n");
});

Deno.test("a long text keeps its begin and end, in whole characters, short enough for logger", async () => {
  for (const letter of ["y", "ü", "世", "🚀"]) {
    for (let length = 990; length <= 1010; length++) {
      using program = new FakeLogger();
      const bytes = new TextEncoder().encode(letter).length;
      const text = "b".repeat(length % bytes) + letter.repeat(Math.floor(length / bytes));
      await sendToSyslog(undefined, "err", text);
      const line = program.starts[0]!.text.slice(0, -1);
      if (length <= 1000) assert.equal(line, text);
      else {
        assert.match(line, new RegExp(`^b*${letter}+ \\[\\.\\.\\.\\] ${letter}+$`, "u"));
        const size = new TextEncoder().encode(line).length;
        assert.ok(size <= 1000 && size > 980, `${size} bytes`);
      }
    }
  }
});

Deno.test("logger is searched in the system's folders, in order", async () => {
  const places = ["/usr/bin/logger", "/bin/logger", "/run/current-system/sw/bin/logger"];
  for (const [index, at] of places.entries()) {
    using program = new FakeLogger({ at });
    assert.deepEqual(await deliverToSyslog(undefined, "err", "words"), { outcome: "taken" });
    assert.deepEqual(program.places, places.slice(0, index + 1));
  }
  using program = new FakeLogger({ at: "/nowhere" });
  assert.deepEqual(await deliverToSyslog(undefined, "err", "words"), { outcome: "no logger" });
  assert.deepEqual(program.places, places);
});

/** What logger does, and the reported result. */
const WAYS: readonly (readonly [LoggerWay, boolean, Awaited<ReturnType<typeof deliverToSyslog>>])[] = [
  [{}, false, { outcome: "taken" }],
  [{}, true, { outcome: "taken" }],
  // A missing socket.
  [{ exits: 1, says: "logger: socket /run/log: No such file" }, true, {
    outcome: "refused",
    said: "logger: socket /run/log: No such file",
  }],
  [{ exits: 1, says: "not asked for" }, false, { outcome: "refused", said: "" }],
  [{ isDeaf: true, says: "gone" }, true, { outcome: "refused", said: "gone" }],
  [{ fails: new Deno.errors.PermissionDenied("no") }, true, { outcome: "no logger" }],
];

for (const [way, checked, delivery] of WAYS) {
  const { fails, ...rest } = way;
  Deno.test(`${fails?.name ?? JSON.stringify(rest)}, ${checked ? "checked" : "not checked"}: ${delivery.outcome}`, async () => {
    using program = new FakeLogger(way);
    assert.deepEqual(await deliverToSyslog("/run/log", "err", "words", checked), delivery);
    for (const { args } of program.starts) assert.equal(args.includes("--socket-errors=on"), checked);
  });
}

Deno.test("a daemon that accepts nothing is abandoned after half a second, or the given time", async () => {
  for (const patience of [undefined, 5000]) {
    using clock = new FakeClock();
    using program = new FakeLogger({ exits: "never" });
    let delivery;
    const delivering = deliverToSyslog("/run/log", "err", "words", false, patience).then((seen) => delivery = seen);
    await clock.to((patience ?? 500) - 1);
    assert.deepEqual({ delivery, killed: program.starts[0]!.killed }, { delivery: undefined, killed: undefined });
    await clock.to(patience ?? 500);
    await delivering;
    assert.deepEqual(delivery, { outcome: "stuck" });
    assert.equal(program.starts[0]!.killed, "SIGKILL");
    assert.equal(clock.pending, 0);
  }
});

Deno.test("a line that was accepted is not waited for any longer", async () => {
  using clock = new FakeClock();
  using _program = new FakeLogger();
  await sendToSyslog(undefined, "err", "words");
  assert.deepEqual({ now: clock.now, pending: clock.pending }, { now: 0, pending: 0 });
});
