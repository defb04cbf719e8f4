import assert from "node:assert/strict";
import { getsOwnSession, RefusedStartError, startCommand } from "../../lib/child/spawn.ts";
import { FakeSystem } from "./fake_system.ts";

Deno.test("a command gets its arguments unchanged, and sera's own streams", () => {
  using system = new FakeSystem();
  startCommand(["prog", "a b", "$HOME", ""]);
  const [{ words, options }] = system.processes as [FakeSystem["processes"][number]];
  assert.deepEqual(words, ["prog", "a b", "$HOME", ""]);
  assert.deepEqual([options.stdin, options.stdout, options.stderr], ["inherit", "inherit", "inherit"]);
});

for (const isTerminal of [false, true]) {
  Deno.test(`with${isTerminal ? "" : "out"} a terminal a command ${isTerminal ? "stays in sera's group" : "has a session"}`, () => {
    using system = new FakeSystem();
    system.isTerminal = isTerminal;
    const command = startCommand(["prog"]);
    const [process] = system.processes;
    assert.equal(getsOwnSession(), !isTerminal);
    assert.equal(command.ownSession, !isTerminal);
    assert.equal(process!.options.detached, !isTerminal);
    // A signal for a session goes to the whole group.
    assert.equal(command.target, isTerminal ? process!.pid : -process!.pid);
  });
}

Deno.test("a command's exit code is returned once it has been reaped", async () => {
  using system = new FakeSystem();
  const command = startCommand(["prog"]);
  system.processes[0]!.end(7);
  assert.equal(await command.ended, 7);
});

Deno.test("a command ended by a real-time signal, which the runtime cannot name, exits with 128 and its number", async () => {
  using system = new FakeSystem();
  const command = startCommand(["prog"]);
  system.processes[0]!.fail("Invalid signal: 40");
  assert.equal(await command.ended, 168);
});

Deno.test("any other exit that the runtime cannot report is an error", async () => {
  using system = new FakeSystem();
  const command = startCommand(["prog"]);
  system.processes[0]!.fail("No child processes");
  await assert.rejects(command.ended, /No child processes/);
});

Deno.test("a command that cannot be started is an error with its first word and the reason", () => {
  using system = new FakeSystem();
  const cause = new Deno.errors.NotFound("not there");
  system.onStart = () => {
    throw cause;
  };
  assert.throws(() => startCommand(["prog", "secret"]), (error) => {
    assert.ok(error instanceof RefusedStartError);
    assert.deepEqual([error.program, error.cause], ["prog", cause]);
    return true;
  });
});

Deno.test("sending a signal returns what happened; only a delivered one counts as sent", () => {
  using system = new FakeSystem();
  const command = startCommand(["prog"]);
  const [process] = system.processes;
  process!.presence = "forbidden";
  assert.equal(command.signal("SIGTERM"), "forbidden");
  assert.equal(command.targetState(), "forbidden");
  assert.equal(command.wasSent("SIGTERM"), false);
  process!.presence = "reachable";
  assert.equal(command.signal("SIGTERM"), "delivered");
  assert.equal(command.wasSent("SIGTERM"), true);
  process!.end(143);
  assert.equal(command.signal("SIGKILL"), "nobody");
  assert.equal(command.targetState(), "nobody");
});

for (
  const [sent, code, died, told] of [
    ["SIGTERM", 3, null, true],
    ["SIGUSR1", 138, "SIGUSR1", true],
    ["SIGUSR1", 3, null, false],
    ["SIGUSR1", 139, "SIGSEGV", false],
    [undefined, 143, "SIGTERM", false],
  ] as const
) {
  Deno.test(`a command that was sent ${sent} and ended by ${died ?? `exit ${code}`} was ${told ? "" : "not "}told to end`, async () => {
    using system = new FakeSystem();
    const command = startCommand(["prog"]);
    if (sent) command.signal(sent);
    system.processes[0]!.end(code, died);
    await command.ended;
    assert.equal(command.wasToldToEnd(), told);
  });
}
